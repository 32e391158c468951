"""What a worker keeps of one topic in memory."""

from collections.abc import Callable

import msgspec
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


def texts_listed(topic: Topic) -> list[str]:
    events = topic.remembered(1)
    assert events is not None
    return [each["payload"]["text"] for each in msgspec.json.decode(topic.list_newest(events))]


@pytest.mark.parametrize(
    ("change", "texts"),
    [
        (lambda topic: None, ["2", "3"]),
        (lambda topic: topic.amend(Event(4, "a", b""), lambda _, earlier: b'{"text":"new"}'), ["new", "new"]),
    ],
)
def test_list_of_newest_events_is_made_anew_when_one_changes(
    change: Callable[[Topic], object], texts: list[str]
) -> None:
    topic = Topic(CLASS.address(7), TopicState(()))
    for seq in range(1, 4):
        topic.seq = seq
        topic.remember(Event(seq, "m", b'{"text":"%d","seq":%d,"at":1}' % (seq, seq)))
    assert texts_listed(topic) == ["2", "3"]
    change(topic)
    assert texts_listed(topic) == texts
    topic.seq = 4
    topic.remember(Event(4, "m", b'{"text":"4"}'))
    assert texts_listed(topic) == [*texts, "4"]


def test_list_is_made_once_for_a_class_that_comes_back() -> None:
    topic = topic_of("mmm")
    two, three = topic.remembered(1), topic.remembered(0)
    assert two is not None
    assert three is not None
    first = topic.list_newest(two)
    assert topic.list_newest(two) is first
    assert topic.list_newest(three) is not first
    topic.forget_recent()
    assert topic.listed is None
