"""The presence of users on topics: diffs, counts, and changes for other workers."""

import pytest

from channels.cluster.presence import (
    ONLINE,
    PRESENCE_COUNT,
    PRESENCE_STATE,
    Presence,
    PresenceChange,
    PresenceCount,
    PresenceEntry,
    PresenceMeta,
    Present,
)
from channels.limit import Limits
from channels.sessions.session import Session
from channels.wire.codec import JSON
from tests.channels.support import ANA, BRUNO, Notes


@pytest.fixture
def ana() -> Session:
    return Session(ANA, JSON, Limits(), 0.0, Notes())


def elsewhere(ref: str) -> PresenceEntry:
    return PresenceEntry("class:7", ref, BRUNO.user)


def test_join_and_leave_in_one_turn_make_no_diff(ana: Session) -> None:
    presence = Presence()
    presence.enter("class:7", ana)
    presence.leave("class:7", ana)
    assert presence.take_diffs() == {}


def test_class_that_is_only_counted_from_now_on_gets_no_names(ana: Session) -> None:
    presence = Presence()
    presence.enter("class:7", ana)
    presence.count_only("class:7")
    presence.leave("class:7", ana)
    assert presence.take_diffs() == {}


def test_state_for_a_new_session_precedes_the_next_diff(ana: Session) -> None:
    presence = Presence()
    presence.apply("w2", [PresenceChange(elsewhere("b"), here=True)])
    presence.take_diffs()
    presence.enter("class:7", ana)
    presence.apply("w2", [PresenceChange(elsewhere("b"), here=False)])
    event, state = presence.welcome("class:7")
    diff = presence.take_diffs()["class:7"]
    assert event is PRESENCE_STATE
    assert isinstance(state, dict)
    assert state.keys() == {"2"}
    assert diff.joins.keys() == {"1"}
    assert diff.leaves.keys() == {"2"}


def test_full_presence_of_a_worker_yields_only_the_differences() -> None:
    presence = Presence()
    presence.replace("w2", [elsewhere("a"), elsewhere("b")])
    presence.take_diffs()
    presence.replace("w2", [elsewhere("b"), elsewhere("c")])
    diff = presence.take_diffs()["class:7"]
    assert diff.joins["2"] == Present([PresenceMeta("c")], BRUNO.user)
    assert diff.leaves["2"] == Present([PresenceMeta("a")], BRUNO.user)
    presence.drop("w2")
    assert len(presence.take_diffs()["class:7"].leaves["2"].metas) == 2
    assert presence.counts("class:7") == {}


def test_repeated_change_is_ignored() -> None:
    presence = Presence()
    for _ in range(2):
        presence.apply("w2", [PresenceChange(elsewhere("a"), here=True)])
    assert presence.counts("class:7") == {"student": 1}
    for _ in range(2):
        presence.apply("w2", [PresenceChange(elsewhere("a"), here=False)])
    assert presence.counts("class:7") == {}


def test_counted_topic_sends_counts_and_online_sends_nothing(ana: Session) -> None:
    presence = Presence()
    presence.counted.add("class:9")
    presence.enter("class:9", ana)
    presence.enter(ONLINE, ana)
    assert presence.take_diffs() == {}
    count = PresenceCount({"student": 1})
    assert presence.welcome("class:9") == (PRESENCE_COUNT, count)
    assert presence.take_counts() == {"class:9": count}
    assert presence.take_counts() == {}


def test_user_with_several_sessions_is_counted_once(ana: Session) -> None:
    presence = Presence()
    again = Session(ANA, JSON, Limits(), 0.0, Notes())
    for session in (ana, again):
        presence.enter("class:7", session)
    assert (presence.counts("class:7"), presence.sessions("class:7")) == ({"student": 1}, 2)
    presence.leave("class:7", ana)
    assert presence.counts("class:7") == {"student": 1}
    presence.leave("class:7", again)
    assert presence.counts("class:7") == {}


def test_watchers_get_the_topics_where_somebody_came_or_went(ana: Session) -> None:
    presence = Presence()
    moved = presence.watch()
    presence.enter("class:7", ana)
    presence.apply("w2", [PresenceChange(PresenceEntry("class:8", "b", BRUNO.user), here=True)])
    assert moved == {"class:7", "class:8"}
    moved.clear()
    presence.leave("class:8", ana)
    presence.leave("class:7", ana)
    assert moved == {"class:7"}


def test_other_workers_receive_each_change_once(ana: Session) -> None:
    presence = Presence()
    presence.enter("class:7", ana)
    (own,) = presence.own()
    presence.leave("class:7", ana)
    presence.leave("class:7", ana)
    assert presence.take_unshared() == [PresenceChange(own, here=True), PresenceChange(own, here=False)]
    assert presence.take_unshared() == []
    assert presence.own() == []
