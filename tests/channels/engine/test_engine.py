"""Rights that come and go under open connections, presence, the dashboard, and clients that fall silent."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from channels.engine.engine import MIN_DRAINED_AT_ONCE
from channels.errors import RESTARTING, Unavailable
from channels.limit import IDLE_SECONDS, MAX_LISTED_STUDENTS
from channels.member import Classroom, Member, Role
from channels.wire.codec import JSON
from tests.channels.support import (
    ANA,
    BRUNO,
    CLASS,
    DIRETORA,
    OTHER_CLASS,
    PAULA,
    Worker,
    member,
)

MakeWorker = Callable[..., Awaitable[Worker]]


async def test_a_sign_in_that_ends_ends_its_connections_and_says_why(worker: Worker) -> None:
    ana, bruno = worker.connect(ANA), worker.connect(BRUNO)
    await ana.ok("user:me", "phx_join")
    await bruno.ok("user:me", "phx_join")
    del worker.authority.members["ana"]
    await worker.engine.revalidate({1, 2})
    assert await ana.has(1, "session:ended") == [{"code": "signed_out", "message": "signed out"}]
    assert ana.closed_with == 4001
    assert bruno.closed_with is None


async def test_an_enrolment_that_ends_takes_the_class_away_at_once(worker: Worker) -> None:
    ana, bruno = worker.connect(ANA), worker.connect(BRUNO)
    for client in (ana, bruno):
        await client.ok("user:me", "phx_join")
        await client.ok("class:7", "phx_join")
    worker.authority.members["ana"] = member(1, "Ana", Role.STUDENT, OTHER_CLASS)
    await worker.engine.revalidate(None)
    await ana.until(lambda frame: frame[2:4] == ("class:7", "phx_close"))
    (changed,) = await ana.has(1, "rights:changed")
    assert [topic["topic"] for topic in changed["topics"]] == ["class:8", "role:students", "school"]
    assert await ana.refused("class:7", "message:send", {"text": "ainda aqui?"}) == "unmatched_topic"
    await bruno.ok("class:7", "message:send", {"text": "ana saiu"})
    assert ana.got("message:sent") == []
    assert bruno.got("rights:changed") == []
    assert (await bruno.has(2, "presence_diff"))[-1]["leaves"].keys() == {"1"}
    await ana.ok("class:8", "phx_join")


async def test_a_right_that_goes_while_a_join_is_under_way_is_not_given(worker: Worker) -> None:
    ana = worker.connect(ANA)
    joining = asyncio.create_task(ana.refused("class:7", "phx_join"))
    await asyncio.sleep(0)
    ana.session.member = member(1, "Ana", Role.STUDENT)
    assert await joining == "forbidden"


async def test_a_push_is_refused_when_the_right_has_gone_though_the_topic_is_still_joined(worker: Worker) -> None:
    ana = worker.connect(ANA)
    await ana.ok("class:7", "phx_join")
    ana.session.member = member(1, "Ana", Role.STUDENT)
    assert await ana.refused("class:7", "message:send", {"text": "x"}) == "forbidden"


async def test_a_change_between_checking_and_connecting_is_not_overlooked(worker: Worker) -> None:
    revision = worker.engine.revision
    del worker.authority.members["ana"]
    await worker.engine.revalidate({1})
    session = worker.engine.connect(ANA, JSON, revision)
    async with asyncio.timeout(5):
        while session.closing is None:
            await asyncio.sleep(0.001)
    assert session.closing.code == 4001
    worker.engine.disconnect(session)


async def test_another_role_needs_another_socket(worker: Worker) -> None:
    ana = worker.connect(ANA)
    worker.authority.members["ana"] = member(1, "Ana", Role.TEACHER, CLASS)
    await worker.engine.revalidate({1})
    assert ana.closed_with == 4001


async def test_presence_is_a_state_and_then_diffs_that_add_up(worker: Worker) -> None:
    ana = worker.connect(ANA)
    await ana.send("class:7", "phx_join", {}, "1", "1")
    paula, second = worker.connect(PAULA), worker.connect(PAULA)
    await paula.send("class:7", "phx_join", {}, "1", "1")
    await ana.until(lambda frame: frame[3] == "presence_diff" and "3" in frame[4]["joins"])
    await second.ok("class:7", "phx_join")
    paula.gone()
    await ana.until(lambda frame: frame[3] == "presence_diff" and "3" in frame[4]["leaves"])
    diffs = ana.got("presence_diff")
    here: dict[str, set[str]] = {user: _refs(entry) for user, entry in ana.got("presence_state")[0].items()}
    for diff in diffs:
        for user, entry in diff["joins"].items():
            here.setdefault(user, set()).update(_refs(entry))
        for user, entry in diff["leaves"].items():
            here[user] -= _refs(entry)
    assert {user: len(refs) for user, refs in here.items()} == {"1": 1, "3": 1}
    assert diffs[1]["joins"]["3"]["user"] == {"id": 3, "name": "Paula", "role": "teacher"}
    state = next(frame for frame in second.frames if frame[3] == "presence_state")
    assert state[:3] == ("1", None, "class:7")
    assert state[4].keys() == {"1", "3"}


def _refs(entry: dict[str, Any]) -> set[str]:
    return {meta["phx_ref"] for meta in entry["metas"]}


async def test_who_only_listens_is_not_shown(worker: Worker) -> None:
    ana, bruno = worker.connect(ANA), worker.connect(BRUNO)
    await ana.ok("class:7", "phx_join", {"present": False})
    await bruno.ok("class:7", "phx_join")
    await bruno.has(1, "presence_diff")
    assert bruno.got("presence_state") == [{}]
    assert [diff["joins"].keys() for diff in bruno.got("presence_diff")] == [{"2"}]
    ana.gone()
    await bruno.ok("class:7", "message:send", {"text": "x"})
    assert len(bruno.got("presence_diff")) == 1


async def test_a_large_class_is_told_how_many_are_there_and_not_who(worker: Worker) -> None:
    ana, diretora = worker.connect(ANA), worker.connect(DIRETORA)
    await ana.ok("class:9", "phx_join")
    await diretora.ok("class:9", "phx_join", {"present": False})
    assert (await diretora.has(1, "presence_count"))[0] == {"students": 1, "teachers": 0}
    ana.gone()
    assert (await diretora.has(2, "presence_count"))[-1] == {"students": 0, "teachers": 0}
    assert diretora.got("presence_state") == diretora.got("presence_diff") == []


async def test_the_dashboard_shows_the_school_and_moves_with_it(worker: Worker) -> None:
    diretora = worker.connect(DIRETORA)
    joined = await diretora.ok("dashboard", "phx_join")
    first = joined["state"]["dashboard"]
    assert [row["id"] for row in first["classes"]] == [7, 8, 9]
    assert first["classes"][0] | {"messages": []} == {
        "id": 7,
        "title": CLASS.title,
        "students_online": 0,
        "students": 30,
        "teachers_online": 0,
        "messages_per_minute": 0,
        "messages": [],
    }
    assert first["totals"] == {
        "students": 0,
        "teachers": 0,
        "principals": 1,
        "connections": 1,
        "messages_per_minute": 0,
    }
    ana, paula, again = worker.connect(ANA), worker.connect(PAULA), worker.connect(PAULA)
    for client in (ana, paula, again):
        await client.ok("class:7", "phx_join")
    await ana.ok("class:7", "message:send", {"text": "x"})
    moved = await diretora.until(
        lambda frame: frame[3] == "dashboard:changed" and sum(frame[4]["classes"][0]["messages"]) == 1
    )
    row = moved["classes"][0]
    assert (row["students_online"], row["teachers_online"], len(row["messages"])) == (1, 1, 30)
    assert moved["totals"] | {"messages_per_minute": 1} == {
        "students": 1,
        "teachers": 1,
        "principals": 1,
        "connections": 4,
        "messages_per_minute": 1,
    }


async def test_who_falls_silent_is_closed_and_who_pings_is_not(worker: Worker) -> None:
    silent, talking, pinging = worker.connect(ANA), worker.connect(BRUNO), worker.connect(PAULA)
    worker.clock.now += IDLE_SECONDS
    await talking.ok("phoenix", "heartbeat")
    worker.engine.touch(pinging.session)
    worker.clock.now += 1
    worker.engine._sweep()
    assert (silent.closed_with, talking.closed_with, pinging.closed_with) == (4009, None, None)


async def test_closing_answers_what_was_sent_and_asks_clients_to_come_back(make_worker: MakeWorker) -> None:
    worker = await make_worker()
    ana = worker.connect(ANA)
    await ana.ok("class:7", "phx_join")
    ref = await ana.send("class:7", "message:send", {"text": "no último instante"})
    await worker.engine.close()
    assert (await ana.until(lambda frame: frame[1] == ref))["status"] == "ok"
    assert ana.closed_with == 1012


async def test_our_own_bug_costs_one_connection_and_is_logged(
    worker: Worker, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana, bruno = worker.connect(ANA), worker.connect(BRUNO)
    await bruno.ok("class:7", "phx_join")

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(worker.engine._hub, "remembered", broken)
    await ana.send("class:7", "phx_join", {}, "1", "1")
    monkeypatch.undo()
    assert ana.closed_with == 1011
    assert "user 1: phx_join on class:7 could not be handled" in caplog.text
    assert await bruno.ok("class:7", "message:send", {"text": "x"})


async def test_a_drain_ends_sessions_step_by_step_with_those_who_teach_last(worker: Worker) -> None:
    diretora, paula = worker.connect(DIRETORA), worker.connect(PAULA)
    students = [worker.connect(each) for each in (ANA, BRUNO) for _ in range(10)]
    await paula.ok("class:7", "phx_join")
    draining = asyncio.create_task(worker.engine.drain(10))
    async with asyncio.timeout(5):
        while not any(student.closed_with for student in students):
            await asyncio.sleep(0)
    assert sum(student.closed_with == 1012 for student in students) == MIN_DRAINED_AT_ONCE
    await paula.ok("class:7", "message:send", {"text": "até já"})
    assert (paula.closed_with, diretora.closed_with) == (None, None)
    await draining
    assert {each.closed_with for each in (*students, paula, diretora)} == {1012}


async def test_a_drain_lets_a_push_have_its_reply_and_waits_no_longer_than_it_was_given(worker: Worker) -> None:
    ana, bruno = worker.connect(ANA), worker.connect(BRUNO)
    ana.session.appending = 1
    draining = asyncio.create_task(worker.engine.drain(10))
    async with asyncio.timeout(5):
        while bruno.closed_with is None:
            await asyncio.sleep(0)
    assert not draining.done()
    ana.session.appending = 0
    await draining
    assert ana.closed_with == 1012
    paula = worker.connect(PAULA)
    paula.session.appending = 1
    await worker.engine.drain(0.01)
    assert paula.closed_with is None


async def test_a_new_name_is_a_member_renewed(worker: Worker) -> None:
    ana = worker.connect(ANA)
    await ana.ok("class:7", "phx_join")
    worker.authority.members["ana"] = member(1, "Ana Clara", Role.STUDENT, *ANA.classes.values())
    await worker.engine.revalidate({1})
    await ana.ok("class:7", "message:send", {"text": "x"})
    assert (await ana.has(1))[0]["author"]["name"] == "Ana Clara"


async def test_two_sessions_of_one_user_under_two_names_are_one_user(worker: Worker) -> None:
    ana, bruno = worker.connect(ANA), worker.connect(BRUNO)
    await ana.ok("class:7", "phx_join")
    again = worker.connect(member(1, "Ana Clara", Role.STUDENT, CLASS))
    await again.ok("class:7", "phx_join")
    await bruno.ok("class:7", "phx_join")
    (state,) = bruno.got("presence_state")
    assert len(state["1"]["metas"]) == 2
    assert worker.engine._presence.counts("class:7") == {Role.STUDENT: 2}


async def test_a_class_that_grows_past_the_bound_stays_listed_while_it_is_open(worker: Worker) -> None:
    ana = worker.connect(ANA)
    await ana.ok("class:7", "phx_join")
    large = Classroom(7, CLASS.title, MAX_LISTED_STUDENTS + 1)
    bruno = worker.connect(member(2, "Bruno", Role.STUDENT, large))
    await bruno.ok("class:7", "phx_join")
    await ana.until(lambda frame: frame[3] == "presence_diff" and "2" in frame[4]["joins"])
    ana.gone()
    bruno.gone()
    again = worker.connect(member(2, "Bruno", Role.STUDENT, large))
    await again.ok("class:7", "phx_join")
    assert again.got("presence_count") == [{"students": 1, "teachers": 0}]


async def test_a_check_of_one_connection_sets_off_no_others(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    renewed = []
    renew = worker.authority.renew

    async def counted(member: Member) -> Member | None:
        renewed.append(member.user.id)
        return await renew(member)

    monkeypatch.setattr(worker.authority, "renew", counted)
    before = worker.engine.revision
    await worker.engine.revalidate({99})
    sessions = [worker.engine.connect(ANA, JSON, before), worker.engine.connect(BRUNO, JSON, worker.engine.revision)]
    await asyncio.sleep(0.01)
    later = worker.engine.connect(PAULA, JSON, worker.engine.revision)
    await asyncio.sleep(0.01)
    assert renewed == [1]
    for session in (*sessions, later):
        worker.engine.disconnect(session)


async def test_a_connection_that_cannot_be_checked_is_asked_to_come_back(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(member: Member) -> Member | None:
        raise Unavailable("away")

    monkeypatch.setattr(worker.authority, "renew", away)
    session = worker.engine.connect(ANA, JSON, worker.engine.revision - 1)
    await asyncio.sleep(0.01)
    assert session.closing is RESTARTING
    worker.engine.disconnect(session)
