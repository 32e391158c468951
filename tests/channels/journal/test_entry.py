"""Counters give each entry the next position and keep that of the newest governing event."""

from channels.journal.entry import Counter, Entry


def entry(at: int, *, governs: bool = False) -> Entry:
    return Entry("class:7", "message:new", b"{}", 1, None, at, governs)


def test_counter_gives_each_entry_the_next_position() -> None:
    counter = Counter(1, 41, 0)
    receipts = [counter.take(entry(at)) for at in (100, 90)]
    assert [(receipt.seq, receipt.at, receipt.fresh) for receipt in receipts] == [(42, 100, True), (43, 90, True)]


def test_counter_remembers_the_newest_governing_event() -> None:
    counter = Counter(1, 0, 0)
    for governs in (False, True, False):
        counter.take(entry(0, governs=governs))
    assert (counter.seq, counter.governed) == (3, 2)
