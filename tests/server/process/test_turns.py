"""Requests are distributed over turns of the event loop."""

import asyncio

from server.process.turns import Turns


async def test_a_few_start_in_each_turn_in_order() -> None:
    turns, started = Turns(3), list[int]()

    async def request(number: int) -> None:
        turn = turns.take()
        if turn is not None:
            await turn
        started.append(number)

    requests = [asyncio.create_task(request(number)) for number in range(10)]
    seen = []
    while len(started) < 10:
        before = len(started)
        await asyncio.sleep(0)
        seen.append(len(started) - before)
    await asyncio.gather(*requests)
    assert started == list(range(10))
    assert max(seen) == 3


async def test_cancelled_requests_take_no_place() -> None:
    turns = Turns(1)
    assert turns.take() is None
    gone, waiting = turns.take(), turns.take()
    assert gone is not None
    assert waiting is not None
    gone.cancel()
    async with asyncio.timeout(5):
        await waiting
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert turns.take() is None
