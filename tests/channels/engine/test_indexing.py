"""What was not indexed when the server stopped waits while a school comes back; what comes later does not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from channels.engine.engine import Periods
from channels.engine.indexing import Indexing
from tests.channels.support import ANA, Worker
from tests.channels.topics.support import MakeWorker

LONG = 3_600.0


@asynccontextmanager
async def _running(worker: Worker, backlog_seconds: float) -> AsyncIterator[Indexing]:
    indexing = Indexing(worker.engine.journal, lambda name: True, backlog_seconds=backlog_seconds)
    task = asyncio.create_task(indexing.run(0.01))
    try:
        yield indexing
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _worker(make_worker: MakeWorker) -> Worker:
    """Return a worker whose own index looks only once, at its start."""
    return await make_worker(periods=Periods(index=LONG))


async def _say(worker: Worker, text: str) -> None:
    ana = worker.connect(ANA)
    await ana.ok("class:7", "phx_join")
    await ana.ok("class:7", "message:send", {"text": text})


async def _until_indexed(worker: Worker) -> None:
    async with asyncio.timeout(10):
        while await worker.engine.journal.unindexed():
            await asyncio.sleep(0.01)


async def test_what_is_left_of_before_waits(make_worker: MakeWorker) -> None:
    worker = await _worker(make_worker)
    await _say(worker, "Olá")
    assert await worker.engine.journal.unindexed() == ["class:7"]
    async with _running(worker, LONG):
        for _ in range(20):
            await asyncio.sleep(0.01)
            assert await worker.engine.journal.unindexed() == ["class:7"]


async def test_it_is_indexed_after_its_time(make_worker: MakeWorker) -> None:
    worker = await _worker(make_worker)
    await _say(worker, "Olá")
    async with _running(worker, 0.05):
        await _until_indexed(worker)


async def test_nothing_waits_where_nothing_was_left(make_worker: MakeWorker) -> None:
    worker = await _worker(make_worker)
    async with _running(worker, LONG) as indexing, asyncio.timeout(10):
        while indexing._since is None:
            await asyncio.sleep(0.01)
        await _say(worker, "Olá")
        await _until_indexed(worker)
