"""What comes twice is recognized, as far as a bounded memory reaches."""

from channels.broker.repeats import Repeats


def test_second_of_a_number_is_a_repeat() -> None:
    repeats = Repeats()
    assert not repeats.is_repeated("one", 1, "class:7")
    assert repeats.is_repeated("one", 1, "class:7")
    assert not repeats.is_repeated("one", 1, "class:8")
    assert not repeats.is_repeated("two", 1, "class:7")


def test_memory_of_repeats_is_bounded() -> None:
    repeats = Repeats(max_remembered=100)
    for number in range(1_000):
        assert not repeats.is_repeated("one", number, "class:7")
    assert repeats.is_repeated("one", 999, "class:7")
    assert not repeats.is_repeated("one", 1, "class:7")
