"""Which counters a writer need not read again."""

from channels.journal.entry import Counter
from channels.journal.known_counters import READ_BATCHES, KnownCounters


def test_counters_are_known_once_kept() -> None:
    known = KnownCounters()
    assert known.of(["a"]) is None
    known.keep({"a": Counter(1, 5, 2), "b": Counter(2, 1, 0)})
    assert known.of(["a", "b"]) == {"a": Counter(1, 5, 2), "b": Counter(2, 1, 0)}
    assert known.of(["a", "c"]) is None


def test_counter_that_is_returned_can_be_moved_in_vain() -> None:
    known = KnownCounters()
    known.keep({"a": Counter(1, 5, 2)})
    found = known.of(["a"])
    assert found is not None
    found["a"].seq = 6
    assert known.of(["a"]) == {"a": Counter(1, 5, 2)}


def test_forgotten_counters_are_read() -> None:
    known = KnownCounters()
    known.keep({"a": Counter(1, 5, 2), "b": Counter(2, 1, 0)})
    known.forget(["a", "c"])
    assert known.of(["a"]) is None
    assert known.of(["b"]) is not None
    known.clear()
    assert known.of(["b"]) is None


def test_counters_are_read_for_a_while_where_others_write() -> None:
    known = KnownCounters()
    known.keep({"a": Counter(1, 5, 2), "b": Counter(2, 1, 0)})
    known.note_vain(["a"])
    known.keep({"a": Counter(1, 7, 2)})
    assert [known.of(["a"]) for _ in range(READ_BATCHES)] == [None] * READ_BATCHES
    assert known.of(["a", "b"]) == {"a": Counter(1, 7, 2), "b": Counter(2, 1, 0)}


def test_known_counters_are_bounded() -> None:
    known = KnownCounters(max_known=2)
    known.keep({"a": Counter(1, 1, 0), "b": Counter(2, 1, 0)})
    known.keep({"c": Counter(3, 1, 0)})
    assert known.of(["a"]) is None
    assert known.of(["c"]) == {"c": Counter(3, 1, 0)}
