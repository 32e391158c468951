"""The session as a state machine: bytes in, bytes out, and a clock passed in."""

import msgspec
import pytest

from channels.errors import SIGNED_OUT, TOO_SLOW, Refused
from channels.limit import MAX_EPHEMERAL, Limits
from channels.sessions.session import Session, Subscription
from channels.wire.codec import JSON, JSON_OBJECTS, ClientMessage
from tests.channels.support import ANA, Notes


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def session(notes: Notes) -> Session:
    return Session(ANA, JSON, Limits(max_outbox_bytes=100), 0.0, notes)


def test_frames_offered_in_one_turn_form_one_buffer_in_order(session: Session, notes: Notes) -> None:
    for part in (b"a", b"b", b"c"):
        session.offer(part)
    assert notes.woken == [session]
    assert session.take() == b"abc"
    assert session.take() == b""


def test_transport_is_woken_again_after_each_take(session: Session, notes: Notes) -> None:
    session.offer(b"a")
    session.take()
    session.offer(b"b")
    assert notes.woken == [session, session]


def test_snapshot_replaces_an_older_one_with_the_same_key(session: Session) -> None:
    session.offer_snapshot("dashboard", b"old")
    session.offer_snapshot("count", b"5")
    session.offer_snapshot("dashboard", b"new")
    assert session.take() == b"new5"
    assert session.take() == b""


def test_blocked_session_drops_ephemeral_frames_and_keeps_ordered_ones(session: Session) -> None:
    session.blocked = True
    session.offer_ephemeral(b"typing")
    session.offer(b"message")
    session.offer_snapshot("k", b"snapshot")
    session.blocked = False
    assert session.take() == b"messagesnapshot"


def test_blocked_session_past_its_bound_closes_and_frees_its_outbox(session: Session) -> None:
    session.blocked = True
    closings = []
    for _ in range(101):
        session.offer(b"x")
        closings.append(session.closing)
    assert closings == [None] * 100 + [TOO_SLOW]
    session.offer(b"late")
    assert session.take() == b""


def test_replies_do_not_count_towards_the_outbox_bound(session: Session) -> None:
    session.blocked = True
    question = ClientMessage("1", "2", "t", "history:read", msgspec.Raw(b"{}"))
    session.reply(question, {"events": "x" * 1000})
    assert session.waiting_bytes > 1000
    session.offer(b"x" * 100)
    assert session.closing is None
    assert session.take().endswith(b"x" * 100)
    assert session.waiting_bytes == 0
    session.offer(b"x" * 101)
    assert session.closing is TOO_SLOW


def test_polled_session_keeps_a_bounded_number_of_ephemeral_frames(session: Session) -> None:
    session.blocked = session.ephemeral_waits = True
    for _ in range(MAX_EPHEMERAL + 5):
        session.offer_ephemeral(b"e")
    assert session.has_waiting
    assert session.take() == b"e" * MAX_EPHEMERAL
    assert not session.has_waiting


def test_replies_use_the_format_of_the_last_valid_frame(session: Session) -> None:
    session.receive('{"topic":"phoenix","event":"heartbeat","payload":{},"ref":"1"}', 0.0)
    assert session.wire is JSON_OBJECTS
    with pytest.raises(Refused):
        session.receive("[nonsense", 0.0)
    assert session.wire is JSON_OBJECTS
    session.receive('[null,"1","phoenix","heartbeat",{}]', 0.0)
    assert session.wire is JSON


def test_reading_client_may_receive_more_than_the_bound_at_once(session: Session) -> None:
    session.offer(b"x" * 1000)
    assert session.closing is None
    assert len(session.take()) == 1000


def test_first_closing_wins_and_earlier_frames_are_still_sent(session: Session) -> None:
    session.offer(b"why")
    session.end(SIGNED_OUT)
    session.end(TOO_SLOW)
    assert session.closing is SIGNED_OUT
    assert session.take() == b"why"
    assert session.receive('[null,"1","phoenix","heartbeat",{}]', 1.0) is None


def test_frames_with_an_older_join_ref_are_ignored(session: Session) -> None:
    session.subscriptions["class:7"] = Subscription("class:7", "5")
    assert session.receive('["3","6","class:7","message:send",{}]', 0.0) is None
    assert session.receive('["3","6","class:7","phx_leave",{}]', 0.0) is None
    for join_ref in ('"5"', "null"):
        assert session.receive(f'[{join_ref},"6","class:7","message:send",{{}}]', 0.0) is not None
    assert session.receive('["7","7","class:7","phx_join",{}]', 0.0) is not None


def test_listener_is_notified_of_a_new_wire_and_direct_connection(session: Session, notes: Notes) -> None:
    session.receive('{"topic":"phoenix","event":"heartbeat","payload":{},"ref":"1"}', 1.0)
    session.receive('{"topic":"phoenix","event":"heartbeat","payload":{},"ref":"2"}', 2.0)
    assert (session.wire, notes.placed) == (JSON_OBJECTS, [session])
    session.go_straight(session)
    assert notes.placed == [session] * 2


def test_closed_session_sends_only_through_its_outbox(session: Session) -> None:
    session.go_straight(session)
    session.end(SIGNED_OUT)
    assert session.straight is None
    session.go_straight(session)
    assert session.straight is None
