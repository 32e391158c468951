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


async def test_preferred_requests_get_every_second_place() -> None:
    turns, started = Turns(2), list[str]()
    assert turns.take() is None
    assert turns.take() is None
    for number in range(3):
        for name, preferred in ((f"student {number}", False), (f"teacher {number}", True)):
            turn = turns.take(preferred=preferred)
            assert turn is not None
            turn.add_done_callback(lambda _, name=name: started.append(name))  # type: ignore[misc]
    async with asyncio.timeout(5):
        while len(started) < 6:
            await asyncio.sleep(0)
    assert started == ["teacher 0", "student 0", "teacher 1", "student 1", "teacher 2", "student 2"]


async def test_preferred_requests_do_not_wait_for_a_long_line() -> None:
    turns = Turns(1)
    assert turns.take() is None
    line = [turns.take() for _ in range(100)]
    teacher = turns.take(preferred=True)
    assert teacher is not None
    async with asyncio.timeout(5):
        await teacher
    assert not any(each.done() for each in line if each is not None)


async def test_line_goes_on_where_nobody_is_preferred_any_more() -> None:
    turns = Turns(2)
    waiting = [turns.take(preferred=preferred) for preferred in (False, False, True, True, True, False)]
    async with asyncio.timeout(5):
        await asyncio.gather(*(each for each in waiting if each is not None))
