"""A thread that calls functions one after another, for an event loop that awaits what they return.

    run(function) -> queue -> the thread calls it -> the future has its result in the loop's next turn

An executor of `concurrent.futures` does the same with a future of its own for each call, two locks and two more
callbacks. Measured at 1,000 messages a second to 250 classes, in turn: 0.93 times the server's CPU without it.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

_Result = TypeVar("_Result")
_Call = tuple[Callable[[], Any], "asyncio.Future[Any]"]


class WriterThread:
    """A thread with a name, which begins with the first call."""

    def __init__(self, name: str) -> None:
        # Not bounded here: the commit queue awaits each result before its next call.
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        # A daemon: a commit that hangs on a disk that does not answer must not keep the process from ending.
        self._thread = Thread(target=_work, args=(self._calls,), name=name, daemon=True)

    def run(self, function: Callable[[], _Result]) -> "asyncio.Future[_Result]":
        """Call a function after those before it; it is called also where the future is cancelled meanwhile."""
        if self._thread.ident is None:
            self._thread.start()
        future: asyncio.Future[_Result] = asyncio.get_running_loop().create_future()
        self._calls.put((function, future))
        return future

    def end(self) -> None:
        """End the thread after the calls before; nothing waits for it."""
        self._calls.put(None)


def _work(calls: "SimpleQueue[_Call | None]") -> None:
    while (call := calls.get()) is not None:
        _answer(*call)
        del call  # nothing is kept of it while the thread waits


def _answer(function: Callable[[], Any], future: "asyncio.Future[Any]") -> None:
    answer: Callable[[Any], None]
    try:
        result, answer = function(), future.set_result
    except BaseException as error:  # whatever it is, the caller gets it
        result, answer = error, future.set_exception
    with suppress(RuntimeError):  # the event loop is closed: nobody awaits the result
        future.get_loop().call_soon_threadsafe(_settle, future, answer, result)


def _settle(future: "asyncio.Future[Any]", answer: Callable[[Any], None], result: Any) -> None:
    if not future.done():  # else it was cancelled
        answer(result)
