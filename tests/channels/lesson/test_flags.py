"""Flags reach the staff, but no teacher whose message they concern; the reporter hears what became of them."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from channels.broker.memory import MemoryBus
from channels.lesson.flags import Flags
from channels.limit import MAX_FLAGS_PER_HOUR, STATE_FLAGS
from channels.wire.codec import JSON, MESSAGE_PACK, Event
from tests.channels.support import ANA, BRUNO, DIRETORA, PAULA, Client, Worker, member
from tests.channels.support import CLASS as ROOM

CLASS = ROOM.topic
STAFF = f"{CLASS}:staff"
PRINCIPALS = "principals"
WORD = "palavrão"
CARLA = member(5, "Carla", "teacher", ROOM)
MAY_JOIN = {
    "student": (CLASS, "user:me", "role:students", "school"),
    "teacher": (CLASS, STAFF, "user:me", "role:teachers", "school"),
    "principal": (CLASS, STAFF, PRINCIPALS, "user:me", "dashboard", "school"),
}


async def joined(worker: Worker, *members: Any) -> list[Client]:
    """Connect members, and join each to everything that they may join."""
    clients = [worker.connect(member) for member in members]
    for client in clients:
        for topic in MAY_JOIN[client.session.member.user.role]:
            await client.ok(topic, "phx_join")
    return clients


async def sent(client: Client, text: str = WORD) -> int:
    seq: int = (await client.ok(CLASS, "message:send", {"text": text}))["seq"]
    return seq


def flag(target: int, **more: str) -> dict[str, object]:
    return {"target": target, "reason": "insult", **more}


async def flags_of(worker: Worker, topic: str) -> Any:
    reply = await worker.connect(DIRETORA).ok(topic, "phx_join")
    return reply["state"]["flags"]


async def test_flag_reaches_the_staff_with_a_copy_of_the_text(worker: Worker) -> None:
    ana, bruno, paula, diretora = await joined(worker, ANA, BRUNO, PAULA, DIRETORA)
    target = await sent(ana)
    await bruno.ok(CLASS, "message:flag", flag(target, note=" de novo ", id="f1"))
    for staff in (paula, diretora):
        (flagged,) = await staff.has(1, "message:flagged")
        assert (flagged["target"], flagged["topic"], flagged["text"]) == (target, CLASS, WORD)
        assert (flagged["reason"], flagged["note"]) == ("insult", "de novo")
        assert (flagged["user"]["name"], flagged["author"]["name"]) == ("Ana", "Bruno")
    assert ana.got("message:flagged") == []
    (own,) = await bruno.has(1, "message:flagged")
    assert "text" not in own
    assert own["id"] == "f1"


async def test_flag_keeps_the_text_that_is_edited_and_hidden_later(worker: Worker) -> None:
    ana, bruno, paula = await joined(worker, ANA, BRUNO, PAULA)
    target = await sent(ana)
    await bruno.ok(CLASS, "message:flag", flag(target))
    await ana.ok(CLASS, "message:edit", {"target": target, "text": "nada"})
    await paula.ok(CLASS, "message:hide", {"target": target})
    (listed,) = (await flags_of(worker, STAFF))["open"]
    assert listed["payload"]["text"] == WORD
    client = worker.connect(BRUNO)
    replies = [await client.ok("user:me", "phx_join"), await client.ok("user:me", "history:read", {"before": 99})]
    assert WORD not in json.dumps(replies, ensure_ascii=False)


async def test_message_that_its_author_deleted_can_be_flagged(worker: Worker) -> None:
    ana, bruno, paula = await joined(worker, ANA, BRUNO, PAULA)
    target = await sent(ana)
    await ana.ok(CLASS, "message:hide", {"target": target})
    await bruno.ok(CLASS, "message:flag", flag(target))
    (flagged,) = await paula.has(1, "message:flagged")
    assert flagged["text"] == WORD


async def test_message_that_staff_has_hidden_cannot_be_flagged(worker: Worker) -> None:
    ana, bruno, paula = await joined(worker, ANA, BRUNO, PAULA)
    target = await sent(ana)
    await paula.ok(CLASS, "message:hide", {"target": target})
    assert await bruno.refused(CLASS, "message:flag", flag(target)) == "forbidden"


async def test_flags_of_one_user_and_message_count_once(make_worker: Callable[..., Any]) -> None:
    bus = MemoryBus()
    here, there = await make_worker(bus), await make_worker(bus)
    ana, bruno, paula = await joined(here, ANA, BRUNO, PAULA)
    (elsewhere,) = await joined(there, BRUNO)
    target = await sent(ana)
    await elsewhere.has(1)
    replies = await asyncio.gather(
        bruno.ok(CLASS, "message:flag", flag(target, id="f1")),
        elsewhere.ok(CLASS, "message:flag", flag(target, id="f2")),
    )
    again = await bruno.ok(CLASS, "message:flag", flag(target, id="f1"))
    assert replies[0] == replies[1] == again
    await paula.ok(CLASS, "message:flag", flag(target))
    assert len((await flags_of(here, STAFF))["open"]) == 2


async def test_flag_repeated_after_the_message_is_hidden_is_answered_as_before(worker: Worker) -> None:
    ana, bruno, paula = await joined(worker, ANA, BRUNO, PAULA)
    target = await sent(ana)
    first = await bruno.ok(CLASS, "message:flag", flag(target, id="f1"))
    await paula.ok(CLASS, "message:hide", {"target": target})
    assert await bruno.ok(CLASS, "message:flag", flag(target, id="f1")) == first


@pytest.mark.parametrize("wire", [JSON, MESSAGE_PACK], ids=lambda wire: wire.name)
async def test_teacher_gets_nothing_of_a_flag_on_their_own_message(worker: Worker, wire: Any) -> None:
    bruno, carla, diretora = await joined(worker, BRUNO, CARLA, DIRETORA)
    paula = worker.connect(PAULA, wire)
    target = await sent(carla)
    for topic in MAY_JOIN["teacher"]:
        await paula.ok(topic, "phx_join")
    await bruno.ok(CLASS, "message:flag", flag(target, note="senha-secreta"))
    await carla.ok(CLASS, "message:send", {"text": "fim"})
    await paula.has(1)
    (flagged,) = await diretora.has(1, "message:flagged")
    assert (flagged["topic"], flagged["text"], flagged["user"]["name"]) == (CLASS, WORD, "Carla")
    seen = [each for each in (*paula.frames, *carla.frames) if "flagged" in each[3]]
    assert seen == []
    assert await paula.refused(PRINCIPALS, "phx_join") == "unmatched_topic"
    for topic in MAY_JOIN["teacher"]:
        joins = await paula.ok(topic, "phx_join")
        pages = await paula.ok(topic, "history:read", {"after": 0})
        found = json.dumps([joins, pages], ensure_ascii=False)
        assert "senha-secreta" not in found
        assert "flagged" not in found
        assert joins["seq"] == (2 if topic == CLASS else 0)  # nothing counts it either
        if "flags" in joins.get("state", {}):
            assert joins["state"]["flags"] == {"open": [], "more": 0}


async def test_reply_to_a_flag_has_the_position_in_the_reporters_own_topic(worker: Worker) -> None:
    ana, bruno, paula, carla = await joined(worker, ANA, BRUNO, PAULA, CARLA)
    target = await sent(carla)
    for reporter in (ana, bruno, paula):
        assert (await reporter.ok(CLASS, "message:flag", flag(target)))["seq"] == 1


async def test_reporter_hears_that_the_flag_was_seen_and_closed(worker: Worker) -> None:
    ana, bruno, paula = await joined(worker, ANA, BRUNO, PAULA)
    target = await sent(ana)
    own = (await bruno.ok(CLASS, "message:flag", flag(target)))["seq"]
    (flagged,) = await paula.has(1, "message:flagged")
    await paula.ok(STAFF, "flag:see", {"target": flagged["seq"]})
    await paula.ok(STAFF, "flag:close", {"target": flagged["seq"], "outcome": "conversa com a Ana"})
    (seen,), (closed,) = await bruno.has(1, "flag:seen"), await bruno.has(1, "flag:closed")
    assert (seen["target"], closed["target"], closed["author"]["name"]) == (own, own, "Paula")
    assert "outcome" not in closed
    (kept,) = await paula.has(1, "flag:closed")
    assert (kept["target"], kept["outcome"]) == (flagged["seq"], "conversa com a Ana")
    page = await worker.connect(BRUNO).ok("user:me", "phx_join")
    assert [each["event"] for each in page["events"]] == ["message:flagged", "flag:seen", "flag:closed"]
    assert page["events"][0]["payload"]["seen"] == seen["at"]
    assert page["events"][0]["payload"]["closed"] == closed["at"]


async def test_closed_flag_is_no_longer_in_the_state_but_in_the_history(worker: Worker) -> None:
    ana, bruno, paula = await joined(worker, ANA, BRUNO, PAULA)
    target = await sent(ana)
    await bruno.ok(CLASS, "message:flag", flag(target))
    await paula.ok(STAFF, "flag:see", {"target": 1})
    (listed,) = (await flags_of(worker, STAFF))["open"]
    assert listed["payload"]["seen"] > 0
    await paula.ok(STAFF, "flag:close", {"target": 1, "outcome": ""})
    assert await flags_of(worker, STAFF) == {"open": [], "more": 0}
    page = await paula.ok(STAFF, "history:read", {"before": 99, "event": "message:flagged"})
    assert page["events"][0]["payload"]["closed"] > 0


async def test_flag_is_seen_and_closed_once(make_worker: Callable[..., Any]) -> None:
    bus = MemoryBus()
    here, there = await make_worker(bus), await make_worker(bus)
    ana, bruno, paula = await joined(here, ANA, BRUNO, PAULA)
    (carla,) = await joined(there, CARLA)
    await bruno.ok(CLASS, "message:flag", flag(await sent(ana)))
    await carla.has(1, "message:flagged")
    for push in ({"target": 1}, {"target": 1, "outcome": "feito"}):
        event = "flag:close" if "outcome" in push else "flag:see"
        replies = await asyncio.gather(*(client.ask(STAFF, event, push) for client in (paula, carla)))
        assert sorted(reply["status"] for reply in replies) == ["error", "ok"]
    assert len(await bruno.has(1, "flag:seen")) == len(await bruno.has(1, "flag:closed")) == 1


async def test_principal_closes_a_flag_on_a_teachers_message(worker: Worker) -> None:
    bruno, carla, diretora = await joined(worker, BRUNO, CARLA, DIRETORA)
    await bruno.ok(CLASS, "message:flag", flag(await sent(carla)))
    (flagged,) = await diretora.has(1, "message:flagged")
    await diretora.ok(PRINCIPALS, "flag:close", {"target": flagged["seq"], "outcome": "conversa"})
    await bruno.has(1, "flag:closed")
    assert carla.got("flag:closed") == diretora.got("flag:settled") == []
    assert await flags_of(worker, PRINCIPALS) == {"open": [], "more": 0}


async def test_principal_learns_in_which_classes_flags_wait(worker: Worker) -> None:
    ana, bruno, paula, diretora = await joined(worker, ANA, BRUNO, PAULA, DIRETORA)
    target = await sent(ana)
    for client in (bruno, paula):
        await client.ok(CLASS, "message:flag", flag(target))
    first, _ = await diretora.has(2, "flag:opened")
    assert paula.got("flag:opened") == []
    state = (await worker.connect(DIRETORA).ok(PRINCIPALS, "phx_join"))["state"]
    assert state["flagged_classes"] == [{"topic": CLASS, "count": 2, "since": first["at"]}]
    for seq in (1, 2):
        await paula.ok(STAFF, "flag:close", {"target": seq, "outcome": ""})
    await diretora.has(2, "flag:settled")
    state = (await worker.connect(DIRETORA).ok(PRINCIPALS, "phx_join"))["state"]
    assert (state["flags"], state["flagged_classes"]) == ({"open": [], "more": 0}, [])


async def test_every_worker_has_what_the_journal_folds_to(make_worker: Callable[..., Any]) -> None:
    bus = MemoryBus()
    here, there = await make_worker(bus), await make_worker(bus)
    ana, bruno, paula, diretora = await joined(here, ANA, BRUNO, PAULA, DIRETORA)
    (carla,) = await joined(there, CARLA)
    await joined(there, DIRETORA)
    targets = [await sent(ana, str(number)) for number in range(6)]
    await carla.has(6)
    flagging = [each.ok(CLASS, "message:flag", flag(target)) for target in targets for each in (bruno, carla)]
    await asyncio.gather(*flagging)
    seqs = [each["seq"] for each in await paula.has(12, "message:flagged")]
    pushes = [(paula, seq) for seq in seqs[:5]] + [(carla, seq) for seq in seqs[2:7]]
    await asyncio.gather(*(each.ask(STAFF, "flag:close", {"target": seq, "outcome": ""}) for each, seq in pushes))
    await diretora.has(7, "flag:settled")
    fresh = await make_worker(bus)
    await joined(fresh, DIRETORA)
    for topic in (STAFF, PRINCIPALS):
        head = fresh.engine._hub.topics[topic]
        for worker in (here, there):
            known = worker.engine._hub.topics[topic]
            async with asyncio.timeout(10):
                while known.seq < head.seq:
                    await asyncio.sleep(0.01)
            assert known.state.dump() == head.state.dump()
    assert len(fresh.engine._hub.topics[STAFF].state.of(Flags).view().open) == 5


async def test_own_message_and_what_is_no_message_cannot_be_flagged(worker: Worker) -> None:
    ana, paula = await joined(worker, ANA, PAULA)
    target = await sent(ana)
    notice = (await paula.ok(CLASS, "announcement:send", {"text": "Prova"}))["seq"]
    assert await ana.refused(CLASS, "message:flag", flag(target)) == "forbidden"
    for wrong in (0, notice, 99):
        assert await ana.refused(CLASS, "message:flag", flag(wrong)) == "bad_payload"
    for reason in ("", " ", "x" * 201):
        assert await paula.refused(CLASS, "message:flag", {"target": target, "reason": reason}) == "bad_payload"


async def test_reason_may_be_in_words_of_the_reporters(worker: Worker) -> None:
    ana, bruno, paula = await joined(worker, ANA, BRUNO, PAULA)
    await bruno.ok(CLASS, "message:flag", {"target": await sent(ana), "reason": " Zombou do meu sotaque. "})
    (flagged,) = await paula.has(1, "message:flagged")
    assert flagged["reason"] == "Zombou do meu sotaque."


async def test_students_see_and_close_no_flags(worker: Worker) -> None:
    ana, bruno = await joined(worker, ANA, BRUNO)
    await bruno.ok(CLASS, "message:flag", flag(await sent(ana)))
    for topic in (STAFF, PRINCIPALS):
        assert await ana.refused(topic, "phx_join") == "unmatched_topic"
    assert await ana.refused(CLASS, "flag:close", {"target": 1, "outcome": "x"}) == "forbidden"


async def test_position_without_a_flag_is_refused(worker: Worker) -> None:
    (paula,) = await joined(worker, PAULA)
    assert await paula.refused(STAFF, "flag:close", {"target": 1, "outcome": "x"}) == "bad_payload"


async def test_user_who_flags_everything_is_slowed_down(worker: Worker) -> None:
    ana, bruno = await joined(worker, ANA, BRUNO)
    targets = [await sent(ana, str(number)) for number in range(MAX_FLAGS_PER_HOUR + 1)]
    for target in targets[:-1]:
        worker.clock.now += 1
        await bruno.ok(CLASS, "message:flag", flag(target))
    worker.clock.now += 1
    assert await bruno.refused(CLASS, "message:flag", flag(targets[-1])) == "too_fast"


def flagged(seq: int) -> Event:
    user = {"id": 1, "name": "Ana", "role": "student"}
    payload = {"target": 1, "topic": CLASS, "reason": "spam", "user": user, "author": user, "seq": seq, "at": seq}
    return Event(seq, "message:flagged", json.dumps(payload).encode())


def handled(event: str, target: int, seq: int) -> Event:
    return Event(seq, event, json.dumps({"target": target, "seq": seq, "at": seq}).encode())


def shown(flags: Flags) -> tuple[list[int], int]:
    view = flags.view()
    return [json.loads(bytes(each.payload))["seq"] for each in view.open], view.more


def test_state_lists_the_oldest_flags_and_counts_the_others() -> None:
    flags = Flags()
    for seq in range(1, STATE_FLAGS + 3):
        flags.apply(flagged(seq))
    assert shown(flags) == ([*range(1, STATE_FLAGS + 1)], 2)
    flags.apply(handled("flag:closed", 1, 100))
    flags.apply(handled("flag:closed", STATE_FLAGS + 1, 101))
    flags.apply(flagged(102))
    assert shown(flags) == ([*range(2, STATE_FLAGS + 1)], 2)


def test_state_goes_on_from_its_snapshot() -> None:
    flags, again = Flags(), Flags()
    flags.apply(flagged(1))
    flags.apply(handled("flag:seen", 1, 2))
    again.load(flags.dump())
    assert again.view() == flags.view()
    again.apply(handled("flag:closed", 1, 3))
    assert shown(again) == ([], 0)
