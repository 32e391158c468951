"""Acknowledging: once a person, for the author's eyes only, whichever topic it was read in."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from channels.broker.memory import MemoryBus
from channels.journal.entry import Stored, Writer
from channels.topics.kind import announcement_topic
from tests.channels.lesson.test_announcing import BOTH, CAIO, ME, joined
from tests.channels.support import ANA, BRUNO, CLASS, DIRETORA, PAULA, Client, Worker, member, writer_for


async def asked(paula: Any, **more: Any) -> tuple[int, str]:
    """Announce something that asks for it; return its position and its own topic."""
    seq: int = (await paula.ok("class:7", "announcement:send", {"text": "Leiam", "acknowledge": True, **more}))["seq"]
    key = (await paula.has(1, "announcement:sent"))[-1]["key"]
    return seq, announcement_topic(PAULA.user.id, key)


async def test_author_gets_each_acknowledgement_once_and_no_reader_does(worker: Worker) -> None:
    paula, ana, bruno = [await joined(worker, who, "class:7", ME) for who in (PAULA, ANA, BRUNO)]
    elsewhere = await joined(worker, ANA, ME)
    target, topic = await asked(paula)
    await paula.ok(topic, "phx_join")
    for push_id in ("1", "1", "2", None):
        wanted = {"target": target, **({"id": push_id} if push_id else {})}
        assert await ana.ok("class:7", "announcement:acknowledge", wanted) == {}
    await bruno.ok("class:7", "announcement:acknowledge", {"target": target})
    events = await paula.has(2, "announcement:acknowledged")
    assert [(each["seq"], each["user"]["name"]) for each in events] == [(1, "Ana"), (2, "Bruno")]
    assert ana.got("announcement:acknowledged") == bruno.got("announcement:acknowledged") == []
    assert await elsewhere.has(1, "acknowledged:marked") == [{"topic": "class:7", "target": target}]
    assert await ana.ok("class:7", "acknowledged:read", {"targets": [target, 99]}) == {"targets": [target]}


async def test_acknowledgements_are_joined_by_author_and_principal_only(worker: Worker) -> None:
    paula, ana, diretora = [await joined(worker, who, "class:7") for who in (PAULA, ANA, DIRETORA)]
    _, topic = await asked(paula)
    await diretora.ok(topic, "phx_join")
    assert await ana.refused(topic, "phx_join") == "unmatched_topic"
    others = announcement_topic(DIRETORA.user.id, topic[-16:])
    assert await paula.refused(others, "phx_join") == "forbidden"


async def test_acknowledged_in_one_topic_counts_for_the_others(worker: Worker) -> None:
    diretora, caio = await joined(worker, DIRETORA, ME), await joined(worker, CAIO, *BOTH)
    await diretora.ok(ME, "announcement:send", {"text": "Leiam", "to": BOTH, "acknowledge": True})
    await caio.has(2, "announcement:sent")
    await caio.ok("class:8", "announcement:acknowledge", {"target": 1})
    assert await caio.ok("class:7", "acknowledged:read", {"targets": [1]}) == {"targets": [1]}


async def test_what_does_not_ask_cannot_be_acknowledged(worker: Worker) -> None:
    paula, ana = await joined(worker, PAULA, "class:7"), await joined(worker, ANA, "class:7")
    plain = (await paula.ok("class:7", "announcement:send", {"text": "x"}))["seq"]
    message = (await ana.ok("class:7", "message:send", {"text": "x"}))["seq"]
    assert await ana.refused("class:7", "announcement:acknowledge", {"target": plain}) == "forbidden"
    assert await ana.refused("class:7", "announcement:acknowledge", {"target": message}) == "bad_payload"
    assert await paula.refused("class:7", "announcement:acknowledge", {"target": plain}) == "forbidden"


async def test_withdrawn_announcement_answers_only_retries(worker: Worker) -> None:
    paula, ana, bruno = [await joined(worker, who, "class:7") for who in (PAULA, ANA, BRUNO)]
    target, _ = await asked(paula)
    await ana.ok("class:7", "announcement:acknowledge", {"target": target, "id": "1"})
    await paula.ok("class:7", "announcement:withdraw", {"target": target})
    assert await ana.ok("class:7", "announcement:acknowledge", {"target": target, "id": "1"}) == {}
    assert await bruno.refused("class:7", "announcement:acknowledge", {"target": target, "id": "1"}) == "forbidden"


async def test_older_announcement_is_acknowledged_from_history(worker: Worker) -> None:
    paula, ana = await joined(worker, PAULA, "class:7"), await joined(worker, ANA, "class:7")
    target, topic = await asked(paula)
    for number in range(55):
        worker.clock.now += 1
        await paula.ok("class:7", "announcement:send", {"text": str(number)})
    await ana.ok("class:7", "announcement:acknowledge", {"target": target})
    assert (await paula.ok(topic, "phx_join"))["seq"] == 1


class Counting:
    """A writer that counts its transactions."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self.commits = 0

    async def commit(self, *batch: Any) -> list[Stored]:
        """Store a batch."""
        self.commits += 1
        return await self._writer.commit(*batch)

    async def close(self) -> None:
        """Close the writer."""
        await self._writer.close()


@pytest.mark.long
async def test_two_thousand_acknowledge_at_once_in_few_transactions(
    make_worker: Callable[..., Any], database: AsyncEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    bus, writers = MemoryBus(), [Counting(writer_for(database)) for _ in range(2)]
    workers = [await make_worker(bus, writer=writer) for writer in writers]
    students = [member(1_000 + number, f"Aluno {number}", "student", CLASS) for number in range(2_000)]
    for worker in workers:
        worker.authority.members |= {each.login: each for each in students}
    paula = await joined(workers[0], PAULA, "class:7")
    clients = [workers[index % 2].connect(student) for index, student in enumerate(students)]
    for client in clients:
        await client.ok("class:7", "phx_join", {"present": False})
    target, topic = await asked(paula)
    before, begun = sum(writer.commits for writer in writers), time.monotonic()
    at_once = asyncio.Semaphore(400)  # all of them share this process, and its loop must get to the database

    async def acknowledge(client: Client) -> None:
        async with at_once:
            await client.ok("class:7", "announcement:acknowledge", {"target": target})

    await asyncio.gather(*map(acknowledge, clients))
    seconds, commits = time.monotonic() - begun, sum(writer.commits for writer in writers) - before
    progress = await paula.ok("class:7", "announcement:progress", {"target": target})
    assert progress["acknowledged"] == 2_000
    assert (await paula.ok(topic, "phx_join"))["seq"] == 2_000
    assert commits <= 2_000 / 20, f"{commits} transactions"
    with capsys.disabled():
        print(f" {database.dialect.name}: 2,000 acknowledged in {seconds:.2f} s and {commits} transactions", end="")
