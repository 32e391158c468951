"""Requests are distributed over turns of the event loop."""

import asyncio
from collections.abc import Callable

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


def start(turns: Turns, started: list[str], name: str, *, preferred: bool = False) -> None:
    def begin() -> bool:
        started.append(name)
        return True

    if turns.take_place():
        begin()
    else:
        turns.wait(begin, preferred=preferred)


async def until(is_done: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not is_done():
            await asyncio.sleep(0)


async def test_preferred_requests_get_every_second_place() -> None:
    turns, started = Turns(2), list[str]()
    assert turns.take() is None
    assert turns.take() is None
    for number in range(3):
        start(turns, started, f"student {number}")
        start(turns, started, f"teacher {number}", preferred=True)
    await until(lambda: len(started) == 6)
    assert started == ["teacher 0", "student 0", "teacher 1", "student 1", "teacher 2", "student 2"]


async def test_preferred_requests_do_not_wait_for_a_long_line() -> None:
    turns, started = Turns(1), list[str]()
    assert turns.take() is None
    line = [turns.take() for _ in range(100)]
    start(turns, started, "teacher", preferred=True)
    await until(lambda: started == ["teacher"])
    assert not any(each.done() for each in line if each is not None)


async def test_line_goes_on_where_nobody_is_preferred_any_more() -> None:
    turns, started = Turns(2), list[str]()
    for number, preferred in enumerate((False, False, True, True, True, False)):
        start(turns, started, str(number), preferred=preferred)
    await until(lambda: len(started) == 6)


async def test_what_has_nothing_to_start_takes_no_place() -> None:
    turns, started = Turns(1), list[str]()
    start(turns, started, "first")
    for _ in range(10):
        turns.wait(lambda: False, preferred=False)
    start(turns, started, "second")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert started == ["first", "second"]


async def test_line_goes_on_after_a_defect() -> None:
    turns, started, errors = Turns(1), list[str](), list[str]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(str(context["exception"])))

    def fail() -> bool:
        raise ValueError("a defect")

    start(turns, started, "first")
    turns.wait(fail, preferred=False)
    start(turns, started, "second")
    await until(lambda: len(started) == 2)
    assert errors == ["a defect"]
