"""Background tasks: one that checks something again and again, and how they end within a bounded time."""

import asyncio
import io
import logging
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, NoReturn

from server.databases.errors import DatabaseError
from server.process.epoll_selector import EpollSelector

log = logging.getLogger(__name__)

# SQLAlchemy takes 2 s to give up a connection whose database hangs. A stop does not wait for that: what such a task
# did is rolled back with its connection.
CANCEL_SECONDS = 1.0
# One for the closing, one for the wait after it, and one more.
CANCELS = 3


async def keep_checking(
    check: Callable[[], Awaitable[None]], seconds: float, failure: str, woken: asyncio.Event | None = None
) -> NoReturn:
    """Check now and `seconds` after each check, also after one that failed; `failure` is what the log then says.

    When `woken` is set, also during a check, the next one comes at once.
    """
    woken = woken or asyncio.Event()
    while True:
        try:
            await check()
        except DatabaseError:
            pass  # the next check tries again; that the database is away is logged by those who watch it
        except Exception:
            log.exception("%s; it is tried again", failure)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await woken.wait()
        woken.clear()


async def cancel(*tasks: asyncio.Task[Any]) -> None:
    """Cancel these tasks, and wait until they have ended, but at most CANCEL_SECONDS."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=CANCEL_SECONDS)


def run_server(main: Coroutine[Any, Any, None]) -> None:
    """Run as `asyncio.run` does, and end within a bounded time whatever tasks are left.

    `asyncio.run` cancels them once, and waits without end for one that goes on: aiosqlite's closing of a connection
    whose thread has ended waits for that thread again.
    """

    async def run() -> None:
        try:
            await main
        finally:
            await _cancel_left()

    with asyncio.Runner(loop_factory=_make_loop) as runner:
        runner.run(run())


def _make_loop() -> asyncio.AbstractEventLoop:
    return asyncio.SelectorEventLoop(EpollSelector()) if sys.platform == "linux" else asyncio.new_event_loop()


async def _cancel_left() -> None:
    for _ in range(CANCELS):
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=CANCEL_SECONDS / CANCELS)


async def finish(name: str, work: Coroutine[Any, Any, None], seconds: float) -> None:
    """Await the end of something that stops, but at most so long; then log where all tasks stand, and go on.

    Raise what `work` raises.
    """
    task = asyncio.create_task(work)
    done, _ = await asyncio.wait([task], timeout=seconds)
    if done:
        task.result()
        return
    log.error("%s did not close within %g s; these tasks are left:\n%s", name, seconds, _stacks())
    await cancel(task)


def _stacks() -> str:
    text = io.StringIO()
    for task in asyncio.all_tasks():
        task.print_stack(file=text)
    return text.getvalue()
