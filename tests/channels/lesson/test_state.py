"""A topic's state, folded from its events by its features."""

import msgspec
import pytest

from channels.lesson.announcements import Announcements
from channels.lesson.feature import Viewer
from channels.lesson.state import TopicState
from channels.limit import STATE_ANNOUNCEMENTS
from channels.wire.codec import Event, as_broadcast
from tests.channels.lesson.lock import Counted, Lock
from tests.channels.support import BRUNO, VIEWER


def announcement(seq: int) -> Event:
    return Event(seq, "announcement:sent", b'{"seq":%d}' % seq)


def test_newest_announcements_are_kept_and_chat_changes_nothing() -> None:
    state = TopicState([Announcements])
    events = [announcement(seq) for seq in range(1, 2 * STATE_ANNOUNCEMENTS)]
    for event in events:
        state.apply(event)
        state.apply(Event(event.seq, "message:sent", b"{}"))
    assert state.kinds == ("announcement:sent", "announcement:corrected", "announcement:withdrawn")
    assert state.view(VIEWER) == {"announcements": [as_broadcast(event) for event in events[-STATE_ANNOUNCEMENTS:]]}


def test_topic_without_features_has_no_state() -> None:
    state = TopicState([])
    assert state.kinds == ()
    assert state.view(VIEWER) == {}


def test_two_features_fold_the_same_kind_of_event() -> None:
    state = TopicState([Lock, Counted])
    for seq, kind in enumerate(("lock:locked", "lock:unlocked", "lock:locked"), start=1):
        state.apply(Event(seq, kind, b"{}"))
    assert state.view(VIEWER) == {"lockdown": True, "locks": 2}
    assert state.of(Lock).is_locked


def encoded(state: TopicState) -> object:
    return msgspec.json.decode(msgspec.json.encode(state.encoded_view(VIEWER)))


def test_encoded_view_follows_events_and_snapshots() -> None:
    state, other = TopicState([Lock, Counted]), TopicState([Lock, Counted])
    assert encoded(state) == {"lockdown": False, "locks": 0}
    state.apply(Event(1, "lock:locked", b"{}"))
    assert encoded(state) == {"lockdown": True, "locks": 1}
    assert encoded(other) == {"lockdown": False, "locks": 0}
    assert other.load(state.dump())
    assert encoded(other) == {"lockdown": True, "locks": 1}


def test_view_of_one_member_is_not_kept_for_others() -> None:
    class Mine(Lock):
        def view_for(self, viewer: Viewer) -> bool:
            return viewer.member is BRUNO

    state = TopicState([Mine])
    assert state.encoded_view(VIEWER) == {"lockdown": False}
    assert state.encoded_view(msgspec.structs.replace(VIEWER, member=BRUNO)) == {"lockdown": True}


def test_governed_is_the_position_of_the_newest_governing_event() -> None:
    state = TopicState([Lock, Announcements])
    assert state.governed == 0
    for event in (Event(1, "lock:locked", b"{}"), announcement(2), Event(3, "lock:unlocked", b"{}"), announcement(4)):
        state.apply(event)
    assert state.governed == 3


def test_snapshot_and_later_events_make_the_same_state_as_all_events() -> None:
    events = [Event(1, "lock:locked", b"{}"), announcement(2), Event(3, "lock:unlocked", b"{}"), announcement(4)]
    whole = TopicState([Lock, Counted, Announcements])
    for event in events:
        whole.apply(event)
    for cut in range(len(events) + 1):
        first, second = TopicState([Lock, Counted, Announcements]), TopicState([Lock, Counted, Announcements])
        for event in events[:cut]:
            first.apply(event)
        assert second.load(first.dump())
        for event in events[cut:]:
            second.apply(event)
        assert (second.governed, second.dump()) == (whole.governed, whole.dump())
        assert second.view(VIEWER) == whole.view(VIEWER)


class NewerLock(Lock):
    version = 2


@pytest.mark.parametrize(
    "features", [[Lock], [Lock, Announcements, Counted], [NewerLock, Announcements]], ids=["fewer", "more", "version"]
)
def test_snapshot_of_other_features_or_versions_is_refused_and_changes_nothing(
    features: list[type[Lock]],
) -> None:
    made = TopicState([Lock, Announcements])
    made.apply(Event(1, "lock:locked", b"{}"))
    state = TopicState(features)
    before = state.dump()
    assert not state.load(made.dump())
    assert state.dump() == before


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x92\x01\x91\x93\xa8lockdown\x01\xa1x"])
def test_snapshot_that_cannot_be_read_is_refused(data: bytes) -> None:
    state = TopicState([Lock])
    assert not state.load(data)
    assert state.view(VIEWER) == {"lockdown": False}


def test_state_of_a_feature_that_does_not_fold_there_is_an_error() -> None:
    with pytest.raises(KeyError):
        TopicState([Lock]).of(Announcements)
