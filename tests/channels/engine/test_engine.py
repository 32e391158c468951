"""One worker's engine: idle sessions, draining, closing."""

import asyncio
from collections.abc import Awaitable, Callable

from sqlalchemy.ext.asyncio import AsyncEngine

from channels.engine.engine import MIN_DRAINED_AT_ONCE
from channels.limit import (
    IDLE_SECONDS,
)
from tests.channels.support import ANA, BRUNO, DIRETORA, PAULA, Worker
from tests.statements import recorded

MakeWorker = Callable[..., Awaitable[Worker]]


async def test_silent_session_is_closed_and_pinging_one_is_not(worker: Worker) -> None:
    silent, talking, pinging = worker.connect(ANA), worker.connect(BRUNO), worker.connect(PAULA)
    worker.clock.now += IDLE_SECONDS
    await talking.ok("phoenix", "heartbeat")
    worker.engine.touch(pinging.session)
    worker.clock.now += 1
    worker.engine._sweep()
    assert (silent.closed_with, talking.closed_with, pinging.closed_with) == (4009, None, None)


async def test_close_answers_pushes_and_asks_clients_to_reconnect(make_worker: MakeWorker) -> None:
    worker = await make_worker()
    ana = worker.connect(ANA)
    await ana.ok("class:7", "phx_join")
    ref = await ana.send("class:7", "message:send", {"text": "no último instante"})
    await worker.engine.close()
    assert (await ana.until(lambda frame: frame[1] == ref))["status"] == "ok"
    assert ana.closed_with == 1012


async def test_drain_ends_sessions_stepwise_with_teachers_last(worker: Worker) -> None:
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


async def test_drain_lets_pushes_finish_within_its_time(worker: Worker) -> None:
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


async def test_start_of_the_engine_reads_nothing(database: AsyncEngine) -> None:
    # The journal was opened before, in the wait for its database; what is read regularly is read later.
    worker = Worker(database)
    await worker.journal.open()
    with recorded(database) as statements:
        worker.engine.start()
        assert statements == []
    await worker.engine.close()
