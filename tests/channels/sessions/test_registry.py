"""A worker's sessions by user: rate limits and idle sessions."""

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
