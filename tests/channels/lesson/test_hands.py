"""Hands go up into a queue; staff call from it, lower and clear; each student lowers their own."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from channels.broker.memory import MemoryBus
from channels.lesson.hands import Called, Hands
from channels.limit import MAX_HANDS, NEWEST_EVENTS
from channels.wire.codec import Event
from tests.channels.support import ANA, BRUNO, DIRETORA, PAULA, Worker

CLASS = "class:7"


async def joined(worker: Worker, *members: Any) -> list[Any]:
    clients = [worker.connect(member) for member in members]
    for client in clients:
        await client.ok(CLASS, "phx_join")
    return clients


async def state(worker: Worker) -> tuple[list[int], int | None]:
    """Return whose hands are up, in order, and who is called, as who joins now is told."""
    told = (await worker.connect(DIRETORA).ok(CLASS, "phx_join"))["state"]
    return [hand["user"] for hand in told["hands"]], told["called"] and told["called"]["user"]


async def test_hands_queue_in_the_order_they_went_up(worker: Worker) -> None:
    ana, bruno, paula = await joined(worker, ANA, BRUNO, PAULA)
    await bruno.ok(CLASS, "hand:raise", {"id": "h1"})
    await ana.ok(CLASS, "hand:raise", {"id": "h1"})
    first, second = await paula.has(2, "hand:raised")
    assert (first["user"], first["author"]["name"], second["user"]) == (2, "Bruno", 1)
    assert await state(worker) == ([2, 1], None)


async def test_called_student_leaves_the_queue_and_speaks(worker: Worker) -> None:
    ana, bruno, paula = await joined(worker, ANA, BRUNO, PAULA)
    for client in (ana, bruno):
        await client.ok(CLASS, "hand:raise")
    await paula.ok(CLASS, "hand:call", {"user": 1, "id": "c1"})
    (called,) = await ana.has(1, "hand:called")
    assert (called["user"], called["name"], called["author"]["id"]) == (1, "Ana", 3)
    assert await state(worker) == ([2], 1)
    await paula.ok(CLASS, "hand:call", {"user": 2})
    assert await state(worker) == ([], 2)


async def test_called_student_says_that_it_is_done(worker: Worker) -> None:
    ana, paula = await joined(worker, ANA, PAULA)
    await ana.ok(CLASS, "hand:raise")
    await paula.ok(CLASS, "hand:call", {"user": 1})
    await ana.ok(CLASS, "hand:lower")
    assert await state(worker) == ([], None)


async def test_student_lowers_their_own_hand_and_goes_to_the_end(worker: Worker) -> None:
    ana, bruno = await joined(worker, ANA, BRUNO)
    for client in (ana, bruno):
        await client.ok(CLASS, "hand:raise")
    await ana.ok(CLASS, "hand:lower", {"id": "l1"})
    (lowered,) = await bruno.has(1, "hand:lowered")
    assert (lowered["user"], lowered["author"]["id"]) == (1, 1)
    await ana.ok(CLASS, "hand:raise")
    assert await state(worker) == ([2, 1], None)


async def test_staff_lower_one_hand_or_all(worker: Worker) -> None:
    ana, bruno, paula, diretora = await joined(worker, ANA, BRUNO, PAULA, DIRETORA)
    for client in (ana, bruno):
        await client.ok(CLASS, "hand:raise")
    await diretora.ok(CLASS, "hand:lower", {"user": 1})
    assert await state(worker) == ([2], None)
    await paula.ok(CLASS, "hand:clear", {"id": "k1"})
    (cleared,) = await ana.has(1, "hands:cleared")
    assert cleared["author"]["id"] == 3
    assert await state(worker) == ([], None)


async def test_end_of_a_lesson_lowers_all_hands(worker: Worker) -> None:
    ana, bruno, paula = await joined(worker, ANA, BRUNO, PAULA)
    await paula.ok(CLASS, "lesson:start")
    for client in (ana, bruno):
        await client.ok(CLASS, "hand:raise")
    await paula.ok(CLASS, "hand:call", {"user": 1})
    await paula.ok(CLASS, "lesson:end")
    assert await state(worker) == ([], None)


async def test_hand_stays_up_when_its_connection_is_lost(worker: Worker) -> None:
    (ana,) = await joined(worker, ANA)
    await ana.ok(CLASS, "hand:raise")
    ana.gone()
    assert await state(worker) == ([1], None)


async def test_raise_sent_again_under_its_id_counts_once(worker: Worker) -> None:
    (ana,) = await joined(worker, ANA)
    first = await ana.ok(CLASS, "hand:raise", {"id": "h1"})
    assert await ana.ok(CLASS, "hand:raise", {"id": "h1"}) == first
    assert await state(worker) == ([1], None)


@pytest.mark.parametrize(
    ("who", "event", "payload"),
    [
        (ANA, "hand:raise", {}),  # it is up already
        (BRUNO, "hand:lower", {}),  # it is not up
        (BRUNO, "hand:lower", {"user": 1}),  # another's
        (BRUNO, "hand:call", {"user": 1}),  # not staff
        (BRUNO, "hand:clear", {}),
        (PAULA, "hand:raise", {}),  # staff speak as they like
        (PAULA, "hand:call", {"user": 2}),  # not up
        (PAULA, "hand:lower", {"user": 2}),
    ],
)
async def test_hands_of_others_are_left_alone(worker: Worker, who: Any, event: str, payload: Any) -> None:
    (ana,) = await joined(worker, ANA)
    await ana.ok(CLASS, "hand:raise")
    (client,) = await joined(worker, who)
    assert await client.refused(CLASS, event, payload) == "forbidden"
    assert await state(worker) == ([1], None)


async def test_queue_is_the_same_on_every_worker(make_worker: Callable[..., Any]) -> None:
    bus = MemoryBus()
    here, there = await make_worker(bus), await make_worker(bus)
    ana, paula = await joined(here, ANA, PAULA)
    (bruno,) = await joined(there, BRUNO)
    await ana.ok(CLASS, "hand:raise")
    await bruno.has(1, "hand:raised")
    await bruno.ok(CLASS, "hand:raise")
    await paula.has(2, "hand:raised")
    await paula.ok(CLASS, "hand:call", {"user": 1})
    await bruno.has(1, "hand:called")
    assert await state(here) == await state(there) == ([2], 1)


async def test_hands_push_no_message_out_of_the_newest_events(worker: Worker) -> None:
    ana, paula = await joined(worker, ANA, PAULA)
    await ana.ok(CLASS, "message:send", {"text": "Bom dia!"})
    for _ in range(NEWEST_EVENTS // 2):
        worker.clock.now += 1  # as fast as a user may push
        await ana.ok(CLASS, "hand:raise")
        await paula.ok(CLASS, "hand:call", {"user": 1})
    events = (await worker.connect(BRUNO).ok(CLASS, "phx_join"))["events"]
    assert events[0]["event"] == "message:sent"


# The fold


def raised(seq: int, user: int) -> Event:
    author = {"id": user, "name": f"U{user}", "role": "student"}
    return Event(seq, "hand:raised", msgspec.json.encode({"user": user, "author": author, "seq": seq, "at": seq}))


def test_hand_stored_twice_keeps_its_first_place() -> None:
    hands = Hands()
    for seq, user in enumerate((1, 2, 1), start=1):
        hands.apply(raised(seq, user))
    assert [(hand.user, hand.seq) for hand in hands.view()] == [(1, 1), (2, 2)]


def test_queue_is_bounded() -> None:
    hands = Hands()
    for seq in range(1, MAX_HANDS + 2):
        hands.apply(raised(seq, seq))
    assert len(hands.view()) == MAX_HANDS


def test_queue_goes_on_from_a_snapshot() -> None:
    hands, called = Hands(), Called()
    for seq, user in enumerate((3, 1, 2), start=1):
        hands.apply(raised(seq, user))
    author = {"id": 9, "name": "P", "role": "teacher"}
    event = Event(4, "hand:called", msgspec.json.encode({"user": 1, "name": "U1", "author": author, "seq": 4, "at": 4}))
    for feature in (hands, called):
        feature.apply(event)
    again, called_again = Hands(), Called()
    again.load(msgspec.msgpack.decode(msgspec.msgpack.encode(hands.dump()), type=Hands.saved))
    called_again.load(msgspec.msgpack.decode(msgspec.msgpack.encode(called.dump()), type=Called.saved))
    assert (again.view(), called_again.view()) == (hands.view(), called.view())
    assert [hand.user for hand in again.view()] == [3, 2]
