"""A worker's sessions by user: rate limits and idle sessions."""

import time

import msgspec
import pytest

from channels.errors import FLOODING
from channels.limit import IDLE_SECONDS, Limits
from channels.member import Member
from channels.sessions.registry import Registry
from channels.sessions.session import Session
from channels.wire.codec import JSON
from tests.channels.support import ANA, BRUNO, Notes


@pytest.fixture
def registry() -> Registry:
    return Registry(Limits(push_rate=2.0))


def session(member: Member = ANA) -> Session:
    return Session(member, JSON, Limits(), 0.0, Notes())


def test_sessions_are_found_by_user_and_counted(registry: Registry) -> None:
    one, two, other = session(), session(), session(BRUNO)
    for each in (one, two, other):
        registry.add(each)
    assert (len(registry), registry.count_of(1), registry.of(1)) == (3, 2, {one, two})
    for each in (one, one, other):
        registry.discard(each)
    assert (len(registry), set(registry), registry.count_of(2)) == (1, {two}, 0)


def test_push_rate_belongs_to_the_user_and_outlives_the_connection(registry: Registry) -> None:
    for _ in range(6):
        assert registry.seconds_until_push(session(), 0.0) == 0
    assert registry.seconds_until_push(session(), 0.0) == pytest.approx(0.5)
    assert registry.seconds_until_push(session(BRUNO), 0.0) == 0
    registry.sweep(1.0)
    assert registry.seconds_until_push(session(), 0.0) > 0


def test_full_buckets_are_discarded(registry: Registry) -> None:
    registry.seconds_until_push(session(), 0.0)
    registry.seconds_until_join(session(), 0.0)
    registry.sweep(0.1)
    assert (len(registry._pushes), len(registry._joins)) == (1, 1)
    registry.sweep(100.0)
    assert (registry._pushes, registry._joins) == ({}, {})


def test_new_connection_has_the_budget_its_user_has_left(registry: Registry) -> None:
    flooding, silent, other = session(), session(), session(BRUNO)
    for each in (flooding, silent, other):
        registry.add(each)
    while flooding.closing is None:
        flooding.touch(0.0)
    for each in (flooding, silent):
        registry.discard(each)
    again = session()
    registry.add(again)
    again.touch(0.0)
    other.touch(0.0)
    assert (again.closing, other.closing) == (FLOODING, None)
    registry.sweep(100.0)
    assert registry._frames == {}


def test_idle_session_is_closed(registry: Registry) -> None:
    silent, talking = session(), session(BRUNO)
    for each in (silent, talking):
        registry.add(each)
    talking.touch(IDLE_SECONDS)
    registry.sweep(IDLE_SECONDS + 0.1)
    assert silent.closing is not None
    assert talking.closing is None


class Watched(Session):
    """Counts how often the registry looks at its silence."""

    looks = 0

    @property
    def last_seen_at(self) -> float:
        type(self).looks += 1
        return self._seen_at

    @last_seen_at.setter
    def last_seen_at(self, at: float) -> None:
        self._seen_at = at


def test_sweep_looks_only_at_sessions_that_may_be_due(registry: Registry) -> None:
    sessions = [Watched(ANA, JSON, Limits(), 0.0, Notes()) for _ in range(100)]
    for each in sessions:
        registry.add(each)
    registry.sweep(0.1)
    Watched.looks = 0
    for now in range(1, int(IDLE_SECONDS), 5):
        registry.sweep(float(now))
    assert Watched.looks == 0
    sessions[0].touch(60.0)
    registry.sweep(IDLE_SECONDS + 1.0)
    assert [each for each in sessions if each.closing is None] == sessions[:1]
    registry.sweep(60.0 + IDLE_SECONDS + 1.0)
    assert sessions[0].closing is not None


def test_session_is_idle_sooner_where_its_transport_says_so(registry: Registry) -> None:
    polling = session()
    registry.add(polling)
    polling.idle_seconds = 10.0
    registry.sweep(5.0)
    registry.sweep(10.0)
    assert polling.closing is None
    registry.sweep(10.1)
    assert polling.closing is not None


def test_session_whose_sign_in_ends_is_returned_until_it_is_renewed(registry: Registry) -> None:
    ending = session(msgspec.structs.replace(ANA, expires_at=int(time.time() * 1000) + 20_000))
    registry.add(ending)
    assert registry.sweep(0.0) == []
    ending.member = msgspec.structs.replace(ANA, expires_at=1)
    assert registry.sweep(0.1) == [], "nobody has told"
    registry.reconsider(ending)
    for now in (0.2, 5.0):
        assert registry.sweep(now) == [ending]
    ending.member = ANA
    assert registry.sweep(6.0) == []


def test_session_that_has_gone_is_not_kept(registry: Registry) -> None:
    gone = session()
    registry.add(gone)
    registry.sweep(1.0)
    registry.discard(gone)
    registry.reconsider(gone)
    assert registry._slots == {}
