"""Messages a minute, over several workers."""

from channels.cluster.message_rates import CHART_MINUTES, MINUTE, MinuteCounts


def test_minutes_are_counted_told_by_number_and_forgotten() -> None:
    own, other = MinuteCounts(), MinuteCounts()
    for at in (0, 1, MINUTE):
        own.add("class:7", at)
    other.hear("w1", own.own_newest(MINUTE))
    other.hear("w1", own.own_newest(MINUTE))
    other.add("class:7", MINUTE)
    assert [counts.get("class:7", 0) for counts in other.series(MINUTE)][-2:] == [2, 2]
    other.add("class:8", CHART_MINUTES * MINUTE)
    assert [counts.get("class:7", 0) for counts in other.series(CHART_MINUTES * MINUTE)][:2] == [2, 0]
    other.add("class:8", (CHART_MINUTES + 1) * MINUTE)
    assert "w1" not in other._workers
