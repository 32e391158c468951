import asyncio

import pytest

from channels.journal.batch_reader import MAX_KEYS, BatchReader


class Store:
    """Reads the squares of numbers below a thousand; a read waits until `go` is set."""

    def __init__(self) -> None:
        self.reads: list[list[int]] = []
        self.go = asyncio.Event()

    async def read_many(self, keys: list[int]) -> dict[int, int]:
        self.reads.append(keys)
        await self.go.wait()
        return {key: key * key for key in keys if key < 1_000}


async def test_keys_requested_during_a_read_share_the_next_batch() -> None:
    store = Store()
    reader = BatchReader(store.read_many)
    first = asyncio.create_task(reader.read(1))
    while not store.reads:
        await asyncio.sleep(0)
    others = [asyncio.create_task(reader.read(key)) for key in (2, 3, 3, 1, 5_000)]
    await asyncio.sleep(0)
    store.go.set()
    assert await asyncio.gather(first, *others) == [1, 4, 9, 9, 1, None]
    # The key 1 is read twice: its first read began before its second request.
    assert store.reads == [[1], [2, 3, 1, 5_000]]


async def test_many_keys_are_read_in_several_batches() -> None:
    store = Store()
    store.go.set()
    reader = BatchReader(store.read_many)
    found = await asyncio.gather(*(reader.read(key) for key in range(MAX_KEYS + 1)))
    assert found == [key * key for key in range(MAX_KEYS + 1)]
    assert [len(keys) for keys in store.reads] == [MAX_KEYS, 1]


async def test_cancelled_caller_does_not_cancel_the_shared_read() -> None:
    store = Store()
    reader = BatchReader(store.read_many)
    patient, impatient = (asyncio.create_task(reader.read(7)) for _ in range(2))
    while not store.reads:
        await asyncio.sleep(0)
    impatient.cancel()
    store.go.set()
    assert await patient == 49
    with pytest.raises(asyncio.CancelledError):
        await impatient


async def test_failed_read_fails_only_its_own_batch() -> None:
    failing = True

    async def read_many(keys: list[int]) -> dict[int, int]:
        if failing:
            raise OSError("away")
        return dict.fromkeys(keys, 0)

    reader = BatchReader(read_many)
    results = await asyncio.gather(reader.read(1), reader.read(2), return_exceptions=True)
    assert [str(result) for result in results] == ["away", "away"]
    failing = False
    assert await reader.read(1) == 0


async def test_cancelled_batch_leaves_no_caller_waiting() -> None:
    begun = asyncio.Event()

    async def read_many(keys: list[int]) -> dict[int, int]:
        begun.set()
        await asyncio.sleep(0)
        raise asyncio.CancelledError

    reader = BatchReader(read_many)
    first = asyncio.create_task(reader.read(1))
    await begun.wait()
    second = asyncio.create_task(reader.read(2))
    async with asyncio.timeout(5):
        results = await asyncio.gather(first, second, return_exceptions=True)
    assert [type(result) for result in results] == [asyncio.CancelledError] * 2
