"""What a worker keeps of one topic in memory."""

import pytest

from channels.lesson.state import TopicState
from channels.topics.kind import CLASS
from channels.topics.topic import Topic
from channels.wire.codec import Event


def topic_of(kinds: str) -> Topic:
    """Make a topic whose events are of these kinds, a letter each."""
    topic = Topic(CLASS.address(7), TopicState(()))
    for seq, kind in enumerate(kinds, 1):
        topic.seq = seq
        topic.remember(Event(seq, kind, b"{}"))
    return topic


@pytest.mark.parametrize(
    ("kinds", "newest"),
    [("mmmm", "mm"), ("mmrm", "mrm"), ("mmrr", "mmrr"), ("mrrr", "mrrr"), ("rrrr", "rrrr"), ("m", "m"), ("", "")],
)
def test_newest_events_have_one_more_for_each_uncounted_one(kinds: str, newest: str) -> None:
    events = topic_of(kinds).newest(2, {"r"})
    assert events is not None
    assert "".join(event.event for event in events) == newest


def test_newest_events_that_memory_does_not_have_are_none() -> None:
    topic = topic_of("mmm")
    topic.seq = 9
    assert topic.newest(4) is None
