"""The thread of a writer: its calls, their order, and what becomes of their results."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from channels.journal.writer_thread import WriterThread
from tests.lousa import ROOT

SECONDS = 10.0


@pytest.fixture
def thread() -> Iterator[WriterThread]:
    made = WriterThread("tested")
    yield made
    made.end()


async def test_calls_are_made_in_their_order_in_one_thread(thread: WriterThread) -> None:
    made: list[tuple[int, str]] = []

    def call(number: int) -> int:
        made.append((number, threading.current_thread().name))
        return number

    futures = [thread.run(lambda number=number: call(number)) for number in range(100)]  # type: ignore[misc]
    assert await asyncio.gather(*futures) == list(range(100))
    assert made == [(number, "tested") for number in range(100)]


async def test_error_belongs_to_its_call_and_the_next_is_made(thread: WriterThread) -> None:
    failing, working = thread.run(lambda: 1 // 0), thread.run(lambda: "done")
    with pytest.raises(ZeroDivisionError):
        await failing
    assert await working == "done"


async def test_cancelled_call_is_made_and_its_result_dropped(thread: WriterThread) -> None:
    may_end = threading.Event()
    first = thread.run(lambda: may_end.wait(SECONDS))
    first.cancel()
    may_end.set()
    assert await thread.run(lambda: "next") == "next"
    assert first.cancelled()


async def test_thread_ends_after_the_calls_before(thread: WriterThread) -> None:
    running = await thread.run(threading.current_thread)
    last = thread.run(lambda: "last")
    thread.end()
    assert await last == "last"
    await asyncio.to_thread(running.join, SECONDS)
    assert not running.is_alive()


def test_thread_outlives_a_closed_event_loop() -> None:
    made, begun, may_end = WriterThread("tested"), threading.Event(), threading.Event()

    def wait() -> None:
        begun.set()
        may_end.wait(SECONDS)

    async def leave() -> None:
        made.run(wait)
        await asyncio.to_thread(begun.wait, SECONDS)

    async def ask() -> str:
        return await made.run(lambda: "alive")

    asyncio.run(leave())
    may_end.set()
    assert asyncio.run(asyncio.wait_for(ask(), SECONDS)) == "alive"
    made.end()


def test_call_that_hangs_does_not_keep_the_process() -> None:
    program = """
import asyncio, threading
from channels.journal.writer_thread import WriterThread
async def main():
    begun = threading.Event()
    WriterThread("hangs").run(lambda: (begun.set(), threading.Event().wait()))
    await asyncio.to_thread(begun.wait)
asyncio.run(main())
"""
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, timeout=6 * SECONDS, check=True)
