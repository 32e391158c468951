import asyncio

import pytest

from server.accounts.fair_queue import NOBODY, Client, FairQueue, QueueFull


class Line:
    """A queue of one place, which somebody has; notes in which order others get theirs."""

    def __init__(self, max_waiting: int = 100) -> None:
        self.order: list[str] = []
        self.queue = FairQueue(1, max_waiting)
        self._leave = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def occupy(self) -> None:
        async def stay() -> None:
            async with self.queue.place(NOBODY):
                await self._leave.wait()

        self._tasks.append(asyncio.create_task(stay()))
        await asyncio.sleep(0)

    async def wait(self, name: str, address: str, account: str, *, is_known: bool = False) -> asyncio.Task[None]:
        async def come() -> None:
            async with self.queue.place(Client(address, account, is_known)):
                self.order.append(name)

        task = asyncio.create_task(come())
        self._tasks.append(task)
        await asyncio.sleep(0)
        return task

    async def end(self) -> list[str]:
        self._leave.set()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        return self.order


@pytest.fixture
async def line() -> Line:
    line = Line()
    await line.occupy()
    return line


async def test_addresses_take_turns(line: Line) -> None:
    for number in range(3):
        await line.wait(f"flood {number}", "10.0.0.1", f"user{number}")
    await line.wait("ana", "10.0.0.2", "ana")
    assert await line.end() == ["flood 0", "ana", "flood 1", "flood 2"]


async def test_accounts_of_an_address_take_turns(line: Line) -> None:
    for number in range(3):
        await line.wait(f"guess {number}", "10.0.0.1", "paula")
    await line.wait("ana", "10.0.0.1", "ana")
    assert await line.end() == ["guess 0", "ana", "guess 1", "guess 2"]


async def test_known_browsers_go_first(line: Line) -> None:
    await line.wait("stranger", "10.0.0.1", "ana")
    await line.wait("known", "10.0.0.1", "ana", is_known=True)
    assert await line.end() == ["known", "stranger"]


async def test_cancelled_client_is_skipped_and_its_place_passed_on(line: Line) -> None:
    first = await line.wait("first", "10.0.0.1", "ana")
    await line.wait("second", "10.0.0.1", "ana")
    first.cancel()
    assert await line.end() == ["second"]
    async with line.queue.place(NOBODY):
        pass


async def test_place_given_to_a_client_just_cancelled_is_passed_on() -> None:
    queue = FairQueue(1, 10)
    async with queue.place(NOBODY):
        waiting = asyncio.create_task(queue.place(NOBODY).__aenter__())
        await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    async with asyncio.timeout(5), queue.place(NOBODY):
        pass


async def test_full_queue_refuses_the_newest_of_the_largest_address() -> None:
    line = Line(max_waiting=3)
    await line.occupy()
    flood = [await line.wait(f"flood {number}", "10.0.0.1", f"user{number}") for number in range(3)]
    with pytest.raises(QueueFull):
        await (await line.wait("flood 3", "10.0.0.1", "user3"))
    await line.wait("ana", "10.0.0.2", "ana")
    await line.wait("known", "10.0.0.1", "ana", is_known=True)
    assert await line.end() == ["known", "flood 0", "ana", "flood 1"]
    assert isinstance(flood[2].exception(), QueueFull)
