"""Mutes: they bind on every worker, the student and staff learn of them, the class does not."""

import json

import pytest

from channels.broker.memory import MemoryBus
from channels.lesson.mute import Mutes, Restrictions, mark
from channels.lesson.state import TopicState
from channels.limit import MAX_MUTE_MINUTES
from channels.member import Member
from channels.wire.codec import Event
from tests.channels.support import ANA, BRUNO, DIRETORA, PAULA, Client, MakeWorker, Worker


async def joined(worker: Worker, who: Member, *more: str) -> Client:
    client = worker.connect(who)
    for topic in ("class:7", *more):
        await client.ok(topic, "phx_join")
    return client


async def test_muted_student_cannot_write_and_others_can(worker: Worker) -> None:
    ana, bruno, paula = [await joined(worker, who) for who in (ANA, BRUNO, PAULA)]
    muted = await paula.ok("class:7", "member:mute", {"user": 1, "minutes": 5})
    for event, payload in (("message:send", {"text": "x"}), ("typing:start", {})):
        refused = (await ana.ask("class:7", event, payload))["response"]
        assert (refused["code"], refused["until"]) == ("muted", muted["at"] + 300_000)
    await bruno.ok("class:7", "message:send", {"text": "y"})
    await paula.ok("class:7", "member:unmute", {"user": 1})
    await ana.ok("class:7", "message:send", {"text": "z"})


async def test_student_and_staff_are_told_and_the_class_sees_no_name(worker: Worker) -> None:
    ana, bruno = await joined(worker, ANA, "user:me"), await joined(worker, BRUNO, "user:me")
    paula = await joined(worker, PAULA, "class:7:staff")
    reply = await paula.ok("class:7", "member:mute", {"user": 1, "minutes": 15, "id": "p-1"})
    assert await paula.ok("class:7", "member:mute", {"user": 1, "minutes": 15, "id": "p-1"}) == reply
    until, author = reply["at"] + 900_000, {"id": 3, "name": "Paula", "role": "teacher"}
    said = {"user": 1, "until": until, "topic": "class:7", "author": author, "seq": 1, "at": reply["at"]}
    assert await ana.has(1, "member:muted") == await paula.has(1, "member:muted") == [said]
    (seen,) = await bruno.has(1, "member:restricted")
    assert seen == {"mark": mark(worker.journal.key, 7, 1), "until": until, **reply}
    assert bruno.got("member:muted") == []
    await paula.ok("class:7", "member:unmute", {"user": 1})
    assert [each["user"] for each in await ana.has(1, "member:unmuted")] == [1]
    assert [each["user"] for each in await paula.has(1, "member:unmuted")] == [1]


async def test_state_names_the_muted_to_staff_and_to_themselves(worker: Worker) -> None:
    paula = await joined(worker, PAULA)
    reply = await paula.ok("class:7", "member:mute", {"user": 1, "minutes": 60})
    until = reply["at"] + 3_600_000
    states = [(await worker.connect(who).ok("class:7", "phx_join"))["state"] for who in (ANA, BRUNO, PAULA)]
    assert [state["mute"] for state in states] == [{"until": until}, None, None]
    (shown,) = (await paula.ok("class:7:staff", "phx_join"))["state"]["mutes"]
    assert (shown["user"], shown["until"], shown["author"]["name"]) == (1, until, "Paula")


@pytest.mark.parametrize("user_id", [3, 4, 99], ids=["teacher", "principal", "nobody"])
async def test_nobody_but_students_of_the_class_is_muted(worker: Worker, user_id: int) -> None:
    paula, diretora = await joined(worker, PAULA), await joined(worker, DIRETORA)
    for staff in (paula, diretora):
        assert await staff.refused("class:7", "member:mute", {"user": user_id, "minutes": 5}) == "forbidden"
    assert await worker.journal.after("class:7", 0, 10) == []


async def test_rights_and_bounds_of_mutes(worker: Worker) -> None:
    ana, paula = await joined(worker, ANA), await joined(worker, PAULA)
    for event in ("member:mute", "member:unmute"):
        assert await ana.refused("class:7", event, {"user": 2, "minutes": 5}) == "forbidden"
    for minutes in (0, MAX_MUTE_MINUTES + 1):
        assert await paula.refused("class:7", "member:mute", {"user": 1, "minutes": minutes}) == "bad_payload"
    assert await paula.refused("class:7", "member:unmute", {"user": 1}) == "forbidden"


async def test_mute_binds_a_worker_without_its_event(make_worker: MakeWorker) -> None:
    bus = MemoryBus(lose=lambda envelope: True)
    one, two = await make_worker(bus=bus), await make_worker(bus=bus)
    ana, paula = await joined(one, ANA), await joined(two, PAULA)
    await paula.ok("class:7", "member:mute", {"user": 1, "minutes": 5})
    assert await ana.refused("class:7", "message:send", {"text": "x", "id": "a-1"}) == "muted"
    assert [event.event for event in await one.journal.after("class:7", 0, 10)] == ["member:restricted"]


def restricted(seq: int, mark: str, until: int, at: int) -> Event:
    return Event(seq, "member:restricted", json.dumps({"mark": mark, "until": until, "at": at}).encode())


def test_mutes_that_are_over_are_forgotten() -> None:
    state = TopicState([Restrictions])
    state.apply(restricted(1, "a", 5_000, 0))
    state.apply(restricted(2, "b", 9_000, 1_000))
    state.apply(restricted(3, "b", 7_000, 2_000))
    assert state.of(Restrictions).dump() == {"a": 5_000, "b": 7_000}
    assert state.of(Restrictions).until("a", 4_999) == 5_000
    assert not state.of(Restrictions).until("a", 5_000)
    state.apply(restricted(4, "b", 0, 6_000))
    assert state.of(Restrictions).dump() == {}


def test_staff_see_the_newest_mute_of_each_student() -> None:
    state = TopicState([Mutes])
    author = {"id": 3, "name": "Paula", "role": "teacher"}
    for seq, (user, until) in enumerate([(1, 5_000), (2, 6_000), (1, 9_000)]):
        muted = {"user": user, "until": until, "author": author, "at": seq, "topic": "class:7"}
        state.apply(Event(seq + 1, "member:muted", json.dumps(muted).encode()))
    assert sorted((each.user, each.until) for each in state.of(Mutes).view()) == [(1, 9_000), (2, 6_000)]
    unmuted = {"user": 1, "topic": "class:7", "author": author}
    state.apply(Event(4, "member:unmuted", json.dumps(unmuted).encode()))
    again = TopicState([Mutes])
    assert again.load(state.dump())
    assert [each.user for each in again.of(Mutes).view()] == [2]
