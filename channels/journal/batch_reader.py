"""Reads keys for many callers in few batches (a data loader).

After a restart thousands of clients come back within seconds, each with a sign-in to be read. The keys that are asked
for while one read is under way are read together next. Measured with SQLite, per key: alone 0.9 ms of CPU, 500
together 0.07 ms.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from itertools import islice
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

# Enough that a query's fixed cost is spread thin; small enough that its rows do not hold the loop for long.
MAX_KEYS = 500


class BatchReader(Generic[K, V]):
    """Reads keys in batches, one batch at a time, by `read_many`, which returns what it found of them."""

    def __init__(self, read_many: Callable[[list[K]], Awaitable[Mapping[K, V]]]) -> None:
        self._read_many = read_many
        self._waiting: dict[K, asyncio.Future[V | None]] = {}
        self._task: asyncio.Task[None] | None = None

    async def read(self, key: K) -> V | None:
        """Read one key, in a read that begins after this call; raise what `read_many` raises."""
        if key not in self._waiting:
            self._waiting[key] = asyncio.get_running_loop().create_future()
        future = self._waiting[key]
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())
        # A caller that is cancelled must not take the result from others who wait for the same key.
        return await asyncio.shield(future)

    async def _work(self) -> None:
        while self._waiting:
            batch = dict(islice(self._waiting.items(), MAX_KEYS))
            for key in batch:
                del self._waiting[key]
            await self._answer(batch)

    async def _answer(self, batch: dict[K, asyncio.Future[V | None]]) -> None:
        try:
            found = await self._read_many(list(batch))
        except asyncio.CancelledError:
            # Those who wait for a batch that was never begun would wait without end, too.
            for future in (*batch.values(), *self._waiting.values()):
                future.cancel()
            self._waiting.clear()
            raise
        except Exception as error:
            for future in batch.values():
                future.set_exception(error)
        else:
            for key, future in batch.items():
                future.set_result(found.get(key))
