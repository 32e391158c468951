"""The books of who is where."""

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


def test_who_comes_and_goes_in_one_turn_is_not_told(ana: Session) -> None:
    presence = Presence()
    presence.enter("class:7", ana)
    presence.leave("class:7", ana)
    assert presence.take_diffs() == {}


def test_a_newcomer_is_told_what_the_next_diff_does_not_tell(ana: Session) -> None:
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


def test_the_whole_of_a_worker_changes_only_what_differs() -> None:
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


def test_the_same_change_twice_is_one() -> None:
    presence = Presence()
    for _ in range(2):
        presence.apply("w2", [PresenceChange(elsewhere("a"), here=True)])
    assert presence.counts("class:7") == {"student": 1}
    for _ in range(2):
        presence.apply("w2", [PresenceChange(elsewhere("a"), here=False)])
    assert presence.counts("class:7") == {}


def test_what_is_only_counted_is_told_as_counts_and_everybody_online_not_at_all(ana: Session) -> None:
    presence = Presence()
    presence.counted.add("class:9")
    presence.enter("class:9", ana)
    presence.enter(ONLINE, ana)
    assert presence.take_diffs() == {}
    count = PresenceCount({"student": 1})
    assert presence.welcome("class:9") == (PRESENCE_COUNT, count)
    assert presence.take_counts() == {"class:9": count}
    assert presence.take_counts() == {}


def test_the_other_workers_are_told_each_change_once(ana: Session) -> None:
    presence = Presence()
    presence.enter("class:7", ana)
    (own,) = presence.own()
    presence.leave("class:7", ana)
    presence.leave("class:7", ana)
    assert presence.take_unshared() == [PresenceChange(own, here=True), PresenceChange(own, here=False)]
    assert presence.take_unshared() == []
    assert presence.own() == []
