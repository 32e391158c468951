"""What is counted of all topics together, by time, on each database."""

from channels.journal.entry import Census, Entry
from channels.journal.journal import Journal
from tests.channels.journal.support import append


def at(time: int, author: int, topic: str, event: str = "message:sent") -> Entry:
    return Entry(topic, event, b"{}", author, None, time)


async def test_census_counts_events_and_authors_of_all_topics(journal: Journal) -> None:
    entries = (at(99, 1, "a"), at(100, 1, "a"), at(149, 2, "b"), at(149, 1, "b"), at(210, 1, "a"), at(300, 1, "a"))
    await append(journal, *entries, at(120, 9, "a", "x"))
    assert await journal.census("message:sent", 100, 300, 50) == [Census(0, 3, 2), Census(2, 1, 1)]
    assert await journal.census("message:sent", 100, 300, 200) == [Census(0, 4, 2)]
    assert await journal.by_topic("message:sent", 100, 300) == {"a": 2, "b": 2}
    assert await journal.by_topic("message:sent", 400, 500) == {}
