import asyncio

import pytest

from channels.journal.batch_reader import MAX_KEYS, Gatherer


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
    gatherer = Gatherer(store.read_many)
    first = asyncio.create_task(gatherer.read(1))
    while not store.reads:
        await asyncio.sleep(0)
    others = [asyncio.create_task(gatherer.read(key)) for key in (2, 3, 3, 1, 5_000)]
    await asyncio.sleep(0)
    store.go.set()
    assert await asyncio.gather(first, *others) == [1, 4, 9, 9, 1, None]
    # The 1 is read again: the first read of it began before it was asked for the second time.
    assert store.reads == [[1], [2, 3, 1, 5_000]]


async def test_many_keys_are_read_in_several_batches() -> None:
    store = Store()
    store.go.set()
    gatherer = Gatherer(store.read_many)
    found = await asyncio.gather(*(gatherer.read(key) for key in range(MAX_KEYS + 1)))
    assert found == [key * key for key in range(MAX_KEYS + 1)]
    assert [len(keys) for keys in store.reads] == [MAX_KEYS, 1]


async def test_one_who_gives_up_takes_nothing_from_the_others() -> None:
    store = Store()
    gatherer = Gatherer(store.read_many)
    patient, impatient = (asyncio.create_task(gatherer.read(7)) for _ in range(2))
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

    gatherer = Gatherer(read_many)
    results = await asyncio.gather(gatherer.read(1), gatherer.read(2), return_exceptions=True)
    assert [str(result) for result in results] == ["away", "away"]
    failing = False
    assert await gatherer.read(1) == 0
