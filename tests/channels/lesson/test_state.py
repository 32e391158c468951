"""A topic's state, folded from its events."""

from channels.lesson.state import Room
from channels.limit import STATE_ANNOUNCEMENTS
from channels.wire.codec import Event, as_broadcast


def test_the_newest_announcements_are_kept_and_chat_changes_nothing() -> None:
    room = Room("class:7")
    events = [Event(seq, "announcement:sent", b"{}") for seq in range(1, 2 * STATE_ANNOUNCEMENTS)]
    for event in events:
        room.apply(event)
        room.apply(Event(event.seq, "message:sent", b"{}"))
    assert room.kinds == ("announcement:sent",)
    assert room.view() == {"announcements": [as_broadcast(event) for event in events[-STATE_ANNOUNCEMENTS:]]}


def test_topics_without_features_have_no_state() -> None:
    room = Room("user:1")
    assert room.kinds == ()
    assert room.view() == {}
