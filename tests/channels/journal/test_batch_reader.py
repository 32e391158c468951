import asyncio

import pytest

from channels.journal.batch_reader import MAX_KEYS, BatchReader


class Store:
    """Squares numbers below a thousand, in reads that last until they are let go."""

    def __init__(self) -> None:
        self.reads: list[list[int]] = []
        self.go = asyncio.Event()

    async def read_many(self, keys: list[int]) -> dict[int, int]:
        self.reads.append(keys)
        await self.go.wait()
        return {key: key * key for key in keys if key < 1_000}


async def test_what_is_asked_while_a_read_is_under_way_is_read_together_next() -> None:
    store = Store()
    reader = BatchReader(store.read_many)
    first = asyncio.create_task(reader.read(1))
    while not store.reads:
        await asyncio.sleep(0)
    others = [asyncio.create_task(reader.read(key)) for key in (2, 3, 3, 1, 5_000)]
    await asyncio.sleep(0)
    store.go.set()
    assert await asyncio.gather(first, *others) == [1, 4, 9, 9, 1, None]
    # The 1 is read again: the first read of it began before it was asked for the second time.
    assert store.reads == [[1], [2, 3, 1, 5_000]]


async def test_many_keys_are_read_in_several_batches() -> None:
    store = Store()
    store.go.set()
    reader = BatchReader(store.read_many)
    found = await asyncio.gather(*(reader.read(key) for key in range(MAX_KEYS + 1)))
    assert found == [key * key for key in range(MAX_KEYS + 1)]
    assert [len(keys) for keys in store.reads] == [MAX_KEYS, 1]


async def test_one_who_gives_up_takes_nothing_from_the_others() -> None:
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


async def test_a_read_that_fails_fails_for_all_of_its_batch_and_the_next_works() -> None:
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


async def test_a_batch_that_is_cancelled_leaves_no_caller_waiting() -> None:
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
