"""Polls: staff open and close them, each student votes once, and the result is exact; anonymous votes stay secret."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from channels.broker.memory import MemoryBus
from channels.journal.tables import choices_table
from channels.lesson.polls import Polls
from channels.limit import MAX_OPEN_POLLS, STATE_CLOSED_POLLS
from channels.wire.codec import Event
from tests.channels.support import ANA, BRUNO, DIRETORA, PAULA, Worker
from tests.channels.support import CLASS as CLASSROOM
from tests.channels.support import member as make_member

CLASS = "class:7"
STAFF = "class:7:staff"


async def joined(worker: Worker, *members: Any, topic: str = CLASS) -> list[Any]:
    clients = [worker.connect(member) for member in members]
    for client in clients:
        await client.ok(topic, "phx_join")
    return clients


async def opened(teacher: Any, **wanted: Any) -> int:
    seq: int = (await teacher.ok(CLASS, "poll:open", {"question": "7 × 8?", "options": ["54", "56"], **wanted}))["seq"]
    return seq


async def vote(client: Any, target: int, option: int, push_id: str | None = None) -> Any:
    return await client.ok(CLASS, "poll:vote", {"target": target, "option": option, "id": push_id})


async def close(teacher: Any, target: int) -> list[int]:
    """Close a poll and return its result."""
    await teacher.ok(CLASS, "poll:close", {"target": target})
    closed = await teacher.until(lambda frame: frame[3] == "poll:closed" and frame[4]["target"] == target)
    tally: list[int] = closed["tally"]
    return tally


async def state(worker: Worker, member: Any = ANA) -> list[Any]:
    polls: list[Any] = (await worker.connect(member).ok(CLASS, "phx_join"))["state"]["polls"]
    return polls


async def test_class_votes_and_gets_the_result(worker: Worker) -> None:
    ana, bruno, paula = await joined(worker, ANA, BRUNO, PAULA)
    target = await opened(paula, id="p1")
    (poll,) = await ana.has(1, "poll:opened")
    assert (poll["seq"], poll["question"], poll["options"]) == (target, "7 × 8?", ["54", "56"])
    assert await vote(ana, target, 1) == {"target": target}
    await vote(bruno, target, 1)
    assert await close(paula, target) == [0, 2]
    (closed,) = await ana.has(1, "poll:closed")
    assert (closed["target"], closed["tally"], closed["author"]["id"]) == (target, [0, 2], 3)


async def test_poll_without_options_is_yes_or_no(worker: Worker) -> None:
    ana, paula = await joined(worker, ANA, PAULA)
    target = (await paula.ok(CLASS, "poll:open", {}))["seq"]
    (poll,) = await ana.has(1, "poll:opened")
    assert (poll["question"], poll["options"]) == ("", "yes/no")
    await vote(ana, target, 1)
    assert await ana.refused(CLASS, "poll:vote", {"target": target, "option": 2}) == "bad_payload"
    assert await close(paula, target) == [0, 1]


async def test_state_has_the_open_poll_and_then_its_result(worker: Worker) -> None:
    (paula,) = await joined(worker, PAULA)
    target = await opened(paula, changeable=True)
    (poll,) = await state(worker)
    assert (poll["seq"], poll["changeable"], poll["anonymous"]) == (target, True, False)
    assert "closed" not in poll
    await close(paula, target)
    (poll,) = await state(worker)
    assert (poll["closed"]["tally"], poll["closed"]["author"]["name"]) == ([0, 0], "Paula")


# Once each


async def test_second_vote_is_refused_and_the_first_counts(worker: Worker) -> None:
    ana, paula = await joined(worker, ANA, PAULA)
    target = await opened(paula)
    await vote(ana, target, 0, "v1")
    assert await ana.refused(CLASS, "poll:vote", {"target": target, "option": 1, "id": "v2"}) == "forbidden"
    assert await close(paula, target) == [1, 0]


async def test_vote_in_a_changeable_poll_replaces_the_one_before(worker: Worker) -> None:
    ana, paula = await joined(worker, ANA, PAULA)
    target = await opened(paula, changeable=True)
    await vote(ana, target, 0, "v1")
    await vote(ana, target, 1, "v2")
    assert await vote(ana, target, 0, "v1") == {"target": target}  # a late copy of the first push
    assert await close(paula, target) == [0, 1]


async def test_vote_sent_again_under_its_id_counts_once(worker: Worker) -> None:
    ana, paula = await joined(worker, ANA, PAULA)
    target = await opened(paula)
    first = await vote(ana, target, 1, "v1")
    assert await vote(ana, target, 1, "v1") == first
    assert await close(paula, target) == [0, 1]
    assert await vote(ana, target, 1, "v1") == first  # also when the poll takes no new ones


async def test_two_votes_of_one_student_at_once_count_once(make_worker: Callable[..., Any]) -> None:
    bus = MemoryBus()
    here, there = await make_worker(bus), await make_worker(bus)
    paula, phone = await joined(here, PAULA, ANA)
    (laptop,) = await joined(there, ANA)
    target = await opened(paula)
    await laptop.has(1, "poll:opened")
    replies = await asyncio.gather(
        *(client.ask(CLASS, "poll:vote", {"target": target, "option": 1}) for client in (phone, laptop))
    )
    assert sorted(reply["status"] for reply in replies) == ["error", "ok"]
    assert await close(paula, target) == [0, 1]


async def test_other_connections_of_the_voter_get_the_vote(worker: Worker) -> None:
    phone, paula = await joined(worker, ANA, PAULA)
    laptop, bruno = await joined(worker, ANA, BRUNO, topic="user:me")
    target = await opened(paula)
    await vote(phone, target, 1)
    (voted,) = await laptop.has(1, "poll:voted")
    assert voted == {"topic": CLASS, "target": target, "option": 1}
    assert bruno.got("poll:voted") == []


async def test_voter_reads_their_own_vote_after_a_reload(worker: Worker) -> None:
    ana, bruno, paula = await joined(worker, ANA, BRUNO, PAULA)
    target = await opened(paula)
    assert await ana.ok(CLASS, "poll:mine") == {"votes": []}
    await vote(ana, target, 1)
    assert await ana.ok(CLASS, "poll:mine") == {"votes": [{"target": target, "option": 1}]}
    assert await bruno.ok(CLASS, "poll:mine") == {"votes": []}
    await close(paula, target)
    assert await ana.ok(CLASS, "poll:mine") == {"votes": [{"target": target, "option": 1}]}


# What is refused


@pytest.mark.parametrize(
    ("who", "event", "payload", "code"),
    [
        (PAULA, "poll:vote", {"option": 0}, "forbidden"),  # staff
        (DIRETORA, "poll:vote", {"option": 0}, "forbidden"),
        (BRUNO, "poll:vote", {"option": 2}, "bad_payload"),  # there are two
        (BRUNO, "poll:vote", {"option": -1}, "bad_payload"),
        (BRUNO, "poll:vote", {"option": 0, "target": 99}, "forbidden"),
        (BRUNO, "poll:open", {}, "forbidden"),
        (BRUNO, "poll:close", {"target": 1}, "forbidden"),
        (BRUNO, "poll:votes", {"target": 1}, "forbidden"),
        (PAULA, "poll:close", {"target": 99}, "forbidden"),
        (PAULA, "poll:votes", {"target": 99}, "bad_payload"),
        (PAULA, "poll:open", {"options": ["só uma"]}, "bad_payload"),
        (PAULA, "poll:open", {"options": ["igual", " igual "]}, "bad_payload"),
        (PAULA, "poll:open", {"options": ["a", " "]}, "bad_payload"),
        (PAULA, "poll:open", {"options": [str(number) for number in range(9)]}, "bad_payload"),
        (PAULA, "poll:open", {"options": "maybe"}, "bad_payload"),
    ],
)
async def test_wrong_push_is_refused(worker: Worker, who: Any, event: str, payload: Any, code: str) -> None:
    (paula,) = await joined(worker, PAULA)
    target = await opened(paula)
    (client,) = await joined(worker, who)
    given = {"target": target, **payload} if event == "poll:vote" else payload
    assert await client.refused(CLASS, event, given) == code
    assert await close(paula, target) == [0, 0]


async def test_vote_after_closing_is_refused(worker: Worker) -> None:
    ana, paula = await joined(worker, ANA, PAULA)
    target = await opened(paula)
    await close(paula, target)
    assert await ana.refused(CLASS, "poll:vote", {"target": target, "option": 0, "id": "v1"}) == "forbidden"
    assert await paula.refused(CLASS, "poll:close", {"target": target}) == "forbidden"


async def test_few_polls_are_open_at_once(worker: Worker) -> None:
    (paula,) = await joined(worker, PAULA)
    targets = [await opened(paula) for _ in range(MAX_OPEN_POLLS)]
    assert await paula.refused(CLASS, "poll:open", {}) == "forbidden"
    await close(paula, targets[0])
    await opened(paula)


async def test_vote_that_a_worker_stores_after_closing_is_refused(make_worker: Callable[..., Any]) -> None:
    # Without a bus the second worker learns of nothing by itself.
    here, there = await make_worker(), await make_worker()
    (paula,) = await joined(here, PAULA)
    target = await opened(paula)
    ana, bruno = await joined(there, ANA, BRUNO)
    await vote(ana, target, 1)
    assert await close(paula, target) == [0, 1]
    assert await bruno.refused(CLASS, "poll:vote", {"target": target, "option": 1}) == "forbidden"


async def test_votes_of_all_workers_that_were_answered_are_counted(make_worker: Callable[..., Any]) -> None:
    workers = [await make_worker() for _ in range(2)]
    (paula,) = await joined(workers[0], PAULA)
    target = await opened(paula)
    students = [make_member(100 + number, f"Aluno {number}", "student", CLASSROOM) for number in range(60)]
    clients = [worker.connect(student) for number, student in enumerate(students) for worker in [workers[number % 2]]]
    for client in clients:
        await client.ok(CLASS, "phx_join")
    votes = [asyncio.create_task(client.ask(CLASS, "poll:vote", {"target": target, "option": 1})) for client in clients]
    while sum(task.done() for task in votes) < 10:
        await asyncio.sleep(0)
    tally = await close(paula, target)
    replies = await asyncio.gather(*votes)
    assert tally == [0, sum(reply["status"] == "ok" for reply in replies)]
    assert tally[1] >= 10


# What staff see


async def test_staff_see_the_tally_live(worker: Worker) -> None:
    ana, bruno, paula = await joined(worker, ANA, BRUNO, PAULA)
    (staff,) = await joined(worker, PAULA, topic=STAFF)
    target = await opened(paula)
    await vote(ana, target, 0)
    await vote(bruno, target, 1)
    await staff.until(lambda frame: frame[3] == "poll:tally" and frame[4]["voted"] == 2)
    assert staff.got("poll:tally")[-1] == {"target": target, "voted": 2, "tally": [1, 1]}
    assert ana.got("poll:tally") == []


async def test_staff_see_votes_by_name(worker: Worker) -> None:
    ana, bruno, paula = await joined(worker, ANA, BRUNO, PAULA)
    target = await opened(paula)
    await vote(bruno, target, 0)
    await vote(ana, target, 1)
    expected = {
        "voted": 2,
        "tally": [1, 1],
        "votes": [{"user": 1, "name": "Ana", "option": 1}, {"user": 2, "name": "Bruno", "option": 0}],
    }
    assert await paula.ok(CLASS, "poll:votes", {"target": target}) == expected
    await close(paula, target)
    for _ in range(STATE_CLOSED_POLLS):  # until the state does not have it any more
        await close(paula, await opened(paula))
    assert await paula.ok(CLASS, "poll:votes", {"target": target}) == expected


# Anonymous polls


async def test_nothing_tells_who_voted_what_in_an_anonymous_poll(worker: Worker, database: AsyncEngine) -> None:
    ana, bruno, paula = await joined(worker, ANA, BRUNO, PAULA)
    (staff,) = await joined(worker, PAULA, topic=STAFF)
    target = await opened(paula, anonymous=True)
    await vote(ana, target, 0, "v1")
    await vote(bruno, target, 1)
    await staff.until(lambda frame: frame[3] == "poll:tally" and frame[4]["voted"] == 2)
    assert all(set(told) == {"target", "voted"} for told in staff.got("poll:tally"))
    assert await paula.ok(CLASS, "poll:votes", {"target": target}) == {"voted": 2}
    assert await close(paula, target) == [1, 1]
    assert await paula.ok(CLASS, "poll:votes", {"target": target}) == {"voted": 2}
    assert await ana.ok(CLASS, "poll:mine") == {"votes": []}
    assert await vote(ana, target, 0, "v1") == {"target": target}  # a retry is still known
    history = await paula.ok(CLASS, "history:read", {"before": 1_000, "limit": 100})
    assert [event["payload"]["author"]["id"] for event in history["events"]] == [3, 3]
    told = json.dumps([staff.frames, paula.frames, bruno.frames])
    assert "poll:voted" not in told
    async with database.connect() as connection:
        rows = (await connection.execute(select(choices_table.c.user_id, choices_table.c.value))).all()
        events = (await connection.execute(text("SELECT author_id FROM events"))).all()
    assert sorted(tuple(row) for row in rows) == [(1, None), (2, None)]
    assert [row[0] for row in events] == [3, 3]


async def test_changeable_anonymous_vote_counts_once(worker: Worker) -> None:
    ana, paula = await joined(worker, ANA, PAULA)
    target = await opened(paula, anonymous=True, changeable=True)
    for option in (0, 1, 0, 1):
        await vote(ana, target, option)
    assert await close(paula, target) == [0, 1]


# The fold


def event(seq: int, name: str, **payload: Any) -> Event:
    author = {"id": 3, "name": "Paula", "role": "teacher"}
    return Event(seq, name, msgspec.json.encode({**payload, "author": author, "seq": seq, "at": seq}))


def poll_at(seq: int) -> Event:
    return event(seq, "poll:opened", question="?", options="yes/no", anonymous=False, changeable=False)


def closed_at(seq: int, target: int) -> Event:
    return event(seq, "poll:closed", target=target, tally=[1, 0])


def test_state_keeps_the_newest_closed_polls() -> None:
    polls = Polls()
    for seq in range(1, 21, 2):
        polls.apply(poll_at(seq))
        polls.apply(closed_at(seq + 1, seq))
    assert [poll.seq for poll in polls.view()] == list(range(1, 21, 2))[-STATE_CLOSED_POLLS:]


def test_polls_go_on_from_a_snapshot() -> None:
    polls = Polls()
    for each in (poll_at(1), poll_at(2), poll_at(3), closed_at(4, 2), closed_at(5, 1)):
        polls.apply(each)
    again = Polls()
    again.load(msgspec.msgpack.decode(msgspec.msgpack.encode(polls.dump()), type=Polls.saved))
    assert again.view() == polls.view()
    for each in (poll_at(6), closed_at(7, 3), poll_at(8), closed_at(9, 6), closed_at(10, 8)):
        polls.apply(each)
        again.apply(each)
    assert again.view() == polls.view()
