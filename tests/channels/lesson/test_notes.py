"""Students write to the teachers of their class, and get answers; no other student learns of it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from channels.broker.memory import MemoryBus
from channels.lesson.notes import Notes
from channels.limit import STATE_NOTES
from channels.wire.codec import Event
from tests.channels.support import ANA, ASSEMBLY, BRUNO, DIRETORA, PAULA, Client, Worker, member

CLASS = "class:7"
STAFF = "class:7:staff"
TEXT = "não entendi frações"
ELSEWHERE = member(9, "Davi", "student", ASSEMBLY)


async def joined(worker: Worker, *members: Any) -> list[Client]:
    clients = [worker.connect(member) for member in members]
    for client in clients:
        is_student = client.session.member.user.role == "student"
        for topic in (CLASS, "user:me") if is_student else (CLASS, STAFF, "user:me"):
            await client.ok(topic, "phx_join")
    return clients


async def waiting(worker: Worker) -> list[Any]:
    state = (await worker.connect(PAULA).ok(STAFF, "phx_join"))["state"]
    return [(each["user"]["name"], each["count"], each["seq"]) for each in state["notes"]]


async def test_note_reaches_the_staff_and_no_other_student(worker: Worker) -> None:
    ana, bruno, paula, diretora = await joined(worker, ANA, BRUNO, PAULA, DIRETORA)
    await ana.ok(CLASS, "note:send", {"text": TEXT, "id": "n1"})
    for staff in (paula, diretora):
        (note,) = await staff.has(1, "note:sent")
        assert (note["text"], note["topic"], note["user"]["id"], note["author"]["id"]) == (TEXT, CLASS, 1, 1)
    (own,) = await ana.has(1, "note:sent")
    assert (own["text"], own["id"]) == (TEXT, "n1")
    await ana.ok(CLASS, "message:send", {"text": "fim"})
    await bruno.has(1)
    joins = [await bruno.ok(topic, "phx_join") for topic in (CLASS, "user:me")]
    assert bruno.got("note:sent") == []
    assert TEXT not in json.dumps(joins, ensure_ascii=False)


@pytest.mark.parametrize("topic", [CLASS, STAFF])
async def test_answer_reaches_the_student_on_another_worker(make_worker: Callable[..., Any], topic: str) -> None:
    bus = MemoryBus()
    here, there = await make_worker(bus), await make_worker(bus)
    (ana,) = await joined(here, ANA)
    paula, diretora = await joined(there, PAULA, DIRETORA)
    await ana.ok(CLASS, "note:send", {"text": TEXT})
    await paula.has(1, "note:sent")
    await paula.ok(topic, "note:send", {"text": "explico na aula", "user": 1})
    answer = (await ana.has(2, "note:sent"))[-1]
    assert (answer["text"], answer["author"]["name"], answer["user"]["name"]) == ("explico na aula", "Paula", "Ana")
    await diretora.has(2, "note:sent")


async def test_student_finds_the_thread_after_a_reload(worker: Worker) -> None:
    ana, paula = await joined(worker, ANA, PAULA)
    await ana.ok(CLASS, "note:send", {"text": TEXT})
    await paula.ok(STAFF, "note:send", {"text": "sim", "user": 1})
    (again,) = await joined(worker, ANA)
    page = await again.ok("user:me", "history:read", {"before": 2**53, "event": "note:sent"})
    assert [each["payload"]["text"] for each in page["events"]] == [TEXT, "sim"]


async def test_student_marks_an_answer_as_read(worker: Worker) -> None:
    ana, paula = await joined(worker, ANA, PAULA)
    await paula.ok(CLASS, "note:send", {"text": "parabéns", "user": 1})
    (note,) = await ana.has(1, "note:sent")
    await ana.ok("user:me", "read:mark", {"seq": note["seq"]})
    assert (await worker.connect(ANA).ok("user:me", "phx_join"))["read"] == note["seq"]


async def test_students_cannot_write_to_each_other(worker: Worker) -> None:
    ana, bruno = await joined(worker, ANA, BRUNO)
    assert await ana.refused(CLASS, "note:send", {"text": TEXT, "user": 2}) == "bad_payload"
    assert await ana.refused("user:me", "note:send", {"text": TEXT}) == "forbidden"
    assert await ana.refused(STAFF, "phx_join") == "unmatched_topic"
    assert bruno.got("note:sent") == []


async def test_staff_writes_to_students_of_the_class_only(worker: Worker) -> None:
    (paula,) = await joined(worker, PAULA)
    assert await paula.refused(CLASS, "note:send", {"text": TEXT}) == "bad_payload"
    assert await paula.refused(CLASS, "note:send", {"text": " ", "user": 1}) == "bad_payload"
    for stranger in (3, 99):  # herself; nobody
        assert await paula.refused(CLASS, "note:send", {"text": TEXT, "user": stranger}) == "forbidden"


async def test_repeated_note_counts_once(worker: Worker) -> None:
    ana, paula = await joined(worker, ANA, PAULA)
    replies = [await ana.ok(CLASS, "note:send", {"text": TEXT, "id": "n1"}) for _ in range(2)]
    answers = [await paula.ok(STAFF, "note:send", {"text": "sim", "user": 1, "id": "n1"}) for _ in range(2)]
    assert replies[0] == replies[1]
    assert answers[0] == answers[1]
    assert len(await paula.has(2, "note:sent")) == len(await ana.has(2, "note:sent")) == 2


async def test_state_says_whose_notes_wait_for_an_answer(worker: Worker) -> None:
    ana, bruno, paula = await joined(worker, ANA, BRUNO, PAULA)
    for client in (ana, bruno, ana):
        await client.ok(CLASS, "note:send", {"text": TEXT})
    assert await waiting(worker) == [("Ana", 2, 3), ("Bruno", 1, 2)]
    await paula.ok(STAFF, "note:send", {"text": "sim", "user": 2})
    assert await waiting(worker) == [("Ana", 2, 3)]


async def test_note_is_closed_without_an_answer(worker: Worker) -> None:
    ana, paula = await joined(worker, ANA, PAULA)
    await ana.ok(CLASS, "note:send", {"text": "obrigada"})
    assert await paula.refused(STAFF, "note:close", {"target": 9}) == "forbidden"
    await paula.ok(STAFF, "note:close", {"target": 1, "id": "c1"})
    await paula.ok(STAFF, "note:close", {"target": 1, "id": "c1"})
    assert await waiting(worker) == []


def sent(seq: int, student: int, author: int) -> Event:
    by, to = ({"id": id_, "name": str(id_), "role": "student"} for id_ in (author, student))
    payload = {"text": "x", "topic": CLASS, "user": to, "author": by, "seq": seq, "at": seq}
    return Event(seq, "note:sent", json.dumps(payload).encode())


def test_student_who_writes_again_still_waits_when_the_earlier_is_closed() -> None:
    notes = Notes()
    for seq in (1, 2):
        notes.apply(sent(seq, 1, 1))
    notes.apply(Event(3, "note:closed", b'{"target":1,"author":{"id":3,"name":"P","role":"teacher"},"seq":3,"at":3}'))
    assert [each.seq for each in notes.view()] == [2]


def test_state_is_bounded_and_goes_on_from_its_snapshot() -> None:
    notes, again = Notes(), Notes()
    for seq in range(1, STATE_NOTES + 2):
        notes.apply(sent(seq, seq, seq))
    assert [each.user.id for each in notes.view()] == [*range(2, STATE_NOTES + 2)]
    again.load(notes.dump())
    again.apply(sent(999, 2, 3))
    assert [each.user.id for each in again.view()] == [*range(3, STATE_NOTES + 2)]
