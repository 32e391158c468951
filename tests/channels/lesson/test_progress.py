"""How far an announcement has come, over all its topics, and reminding those who are missing."""

from typing import Any

import pytest

from channels.broker.memory import MemoryBus
from channels.engine.engine import Periods
from tests.channels.lesson.test_announcing import BOTH, CAIO, ME, joined
from tests.channels.support import ANA, BRUNO, DIRETORA, PAULA, MakeWorker, Worker

# The students of both classes: Ana and Bruno in one, Caio in both.


async def announced(worker: Worker, author: Any, **more: Any) -> Any:
    worker.authority.members[CAIO.login] = CAIO
    client = await joined(worker, author, ME, "class:7")
    await client.ok("class:7", "announcement:send", {"text": "Leiam", "acknowledge": True, **more})
    return client


async def progress(client: Any, topic: str = "class:7") -> Any:
    return await client.ok(topic, "announcement:progress", {"target": 1, "names": True})


async def test_progress_counts_each_person_once_over_all_topics(worker: Worker) -> None:
    diretora = await announced(worker, DIRETORA, to=BOTH)
    worker.authority.away.add(BRUNO.user.id)
    caio, ana = await joined(worker, CAIO, *BOTH), await joined(worker, ANA, "class:7")
    for topic in BOTH:
        await caio.ok(topic, "read:mark", {"seq": 1})
    await ana.ok("class:7", "announcement:acknowledge", {"target": 1})
    found = await progress(diretora)
    counts = {name: found[name] for name in ("members", "reachable", "delivered", "read", "acknowledged")}
    assert counts == {"members": 3, "reachable": 2, "delivered": 2, "read": 2, "acknowledged": 1}
    missing = [(each["user"]["name"], each["state"]) for each in found["missing"]]
    assert missing == [("Bruno", "unreachable"), ("Caio", "read")]
    assert [each["name"] for each in found["done"]] == ["Ana"]


async def test_other_teachers_see_only_their_class(worker: Worker) -> None:
    await announced(worker, DIRETORA, to=["class:8", "class:7"])
    paula = await joined(worker, PAULA, "class:7")
    found = await progress(paula)
    assert found["members"] == 3
    paula_sees_the_other = await paula.refused("class:8", "announcement:progress", {"target": 1})
    assert paula_sees_the_other == "unmatched_topic"


async def test_reminder_reaches_only_those_who_have_not_acknowledged(worker: Worker) -> None:
    paula = await announced(worker, PAULA, title="Prova")
    ana, bruno = await joined(worker, ANA, "class:7", ME), await joined(worker, BRUNO, "class:7", ME)
    await ana.ok("class:7", "announcement:acknowledge", {"target": 1})
    wanted = {"target": 1, "id": "r1"}
    receipt = await paula.ok("class:7", "announcement:remind", wanted)
    assert await paula.ok("class:7", "announcement:remind", wanted) == receipt
    (reminded,) = await bruno.has(1, "announcement:reminded")
    assert (reminded["topic"], reminded["target"], reminded["title"]) == ("class:7", 1, "Prova")
    assert reminded["author"]["name"] == "Paula"
    assert ana.got("announcement:reminded") == []
    assert await paula.refused("class:7", "announcement:remind", {"target": 1}) == "too_fast"


async def test_reminder_names_a_topic_of_the_readers_own(worker: Worker) -> None:
    diretora = await announced(worker, DIRETORA, to=["class:8", "class:7"])
    bruno, caio = await joined(worker, BRUNO, ME), await joined(worker, CAIO, ME)
    await diretora.ok("class:7", "announcement:remind", {"target": 1})
    assert [each["topic"] for each in await bruno.has(1, "announcement:reminded")] == ["class:7"]
    assert len(await caio.has(1, "announcement:reminded")) == 1


async def test_reminder_may_come_again_after_a_while(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    paula = await announced(worker, PAULA)
    await paula.ok("class:7", "announcement:remind", {"target": 1})
    later = 10**15
    monkeypatch.setattr("channels.engine.pushes._now", lambda: later)
    await paula.ok("class:7", "announcement:remind", {"target": 1})


async def test_nobody_is_reminded_of_what_is_withdrawn_or_not_theirs(worker: Worker) -> None:
    paula = await announced(worker, PAULA)
    diretora = await joined(worker, DIRETORA, "class:7")
    second = (await diretora.ok("class:7", "announcement:send", {"text": "x"}))["seq"]
    assert await paula.refused("class:7", "announcement:remind", {"target": second}) == "forbidden"
    await paula.ok("class:7", "announcement:withdraw", {"target": 1})
    assert await paula.refused("class:7", "announcement:remind", {"target": 1}) == "forbidden"


async def test_delivered_live_or_by_a_join_counts_before_it_is_read(worker: Worker) -> None:
    bruno = await joined(worker, BRUNO, "class:7")
    worker.authority.away.add(ANA.user.id)
    paula = await announced(worker, PAULA)
    await bruno.has(1, "announcement:sent")

    async def states() -> dict[str, str]:
        await paula.ok("class:7", "message:send", {"text": "commits after the marks"})
        return {each["user"]["name"]: each["state"] for each in (await progress(paula))["missing"]}

    assert await states() == {"Ana": "unreachable", "Bruno": "delivered", "Caio": "waiting"}
    await joined(worker, CAIO, "class:7")
    assert (await states())["Caio"] == "delivered"


async def follow(client: Any, target: int = 1, **more: Any) -> Any:
    return await client.ok("class:7", "announcement:progress", {"target": target, "live": True, **more})


async def test_changed_progress_comes_by_itself_from_any_worker(make_worker: MakeWorker) -> None:
    bus, often = MemoryBus(), Periods(follow=0.01)
    here, there = await make_worker(bus, periods=often), await make_worker(bus, periods=often)
    paula = await announced(here, PAULA)
    ana, bruno = await joined(there, ANA, "class:7"), await joined(here, BRUNO, "class:7")
    assert (await follow(paula))["acknowledged"] == 0
    await ana.ok("class:7", "announcement:acknowledge", {"target": 1})
    await paula.until(lambda frame: frame[3] == "announcement:progressed" and frame[4]["acknowledged"] == 1)
    await bruno.ok("class:7", "read:mark", {"seq": 1})
    await paula.until(lambda frame: frame[3] == "announcement:progressed" and frame[4]["read"] == 2)
    assert ana.got("announcement:progressed") == []


async def test_names_of_progress_move_with_it_and_unchanged_progress_is_not_sent(make_worker: MakeWorker) -> None:
    worker = await make_worker(periods=Periods(follow=0.01))
    paula, ana = await announced(worker, PAULA), await joined(worker, ANA, "class:7")
    await follow(paula, names=True)
    for _ in range(3):
        await ana.ok("class:7", "announcement:acknowledge", {"target": 1})
    await paula.until(lambda frame: frame[3] == "announcement:progressed" and len(frame[4]["done"]) == 1)
    sent = [each["acknowledged"] for each in paula.got("announcement:progressed")]
    assert sent.count(1) == 1


async def test_progress_is_not_sent_to_who_has_left(make_worker: MakeWorker) -> None:
    worker = await make_worker(periods=Periods(follow=0.01))
    paula, ana = await announced(worker, PAULA), await joined(worker, ANA, "class:7")
    diretora = await joined(worker, DIRETORA, "class:7")
    for client in (paula, diretora):
        await follow(client)
    await paula.ok("class:7", "phx_leave")
    await ana.ok("class:7", "announcement:acknowledge", {"target": 1})
    await diretora.until(lambda frame: frame[3] == "announcement:progressed" and frame[4]["acknowledged"] == 1)
    assert all(each["acknowledged"] == 0 for each in paula.got("announcement:progressed"))
