"""What a process does until a signal stops it: it may come before the process serves, or while a database is away."""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from channels.errors import Unavailable
from server.tasks import cancel

log = logging.getLogger(__name__)

T = TypeVar("T")

# How long to wait before the next attempt to start while a database is away.
START_AGAIN_SECONDS = 0.5


class StoppedEarly(Exception):
    """The process received a stop signal before it served."""


async def when_it_answers(start: Callable[[], Awaitable[None]], stopped: asyncio.Event) -> None:
    """Start something that needs a database, retrying while it is away; raise StoppedEarly on a stop signal."""
    logged = False
    while True:
        try:
            return await unless_stopped(stopped, start())
        except Unavailable as error:
            if not logged:
                log.warning("A database is away; this worker opens when it is back: %s", error)
            logged = True
        with suppress(TimeoutError):
            await asyncio.wait_for(stopped.wait(), START_AGAIN_SECONDS)


async def unless_stopped(stopped: asyncio.Event, work: Awaitable[T]) -> T:
    """Await something that may hang; raise StoppedEarly as soon as this process receives a stop signal."""
    working, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stopped.wait())
    await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
    if working.done():
        await cancel(stopping)
        return working.result()
    await cancel(working, stopping)
    raise StoppedEarly


def stopped_by(*signals: signal.Signals, once: bool) -> asyncio.Event:
    """Return an event that these signals set; with `once` the next signal has its default effect."""
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()

    def stop() -> None:
        stopped.set()
        for each in signals if once else ():
            loop.remove_signal_handler(each)

    for each in signals:
        loop.add_signal_handler(each, stop)
    return stopped
