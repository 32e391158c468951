"""A process that is forked from this one and ends with it, however this one ends.

What it runs begins after the fork with the signals' defaults, except that SIGINT and SIGHUP, which a terminal sends to
all of a group, are left to the parent. Linux only: the kernel tells of an end through a pidfd, and ends a child whose
parent is gone (PR_SET_PDEATHSIG, prctl(2); it outlives exec).
"""

import asyncio
import ctypes
import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Collection
from typing import NoReturn

log = logging.getLogger(__name__)

_PR_SET_PDEATHSIG = 1


class Process:
    """One child, which runs `do` and then exits with 0, or with 1 after an exception. For a running event loop."""

    def __init__(self, name: str, do: Callable[[], object]) -> None:
        self.name = name
        self.started_at = time.monotonic()
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.pid = _fork(do)
        self._fd = os.pidfd_open(self.pid)
        asyncio.get_running_loop().add_reader(self._fd, self._reap)

    def _reap(self) -> None:
        asyncio.get_running_loop().remove_reader(self._fd)
        os.close(self._fd)
        self.ended.set_result(os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1]))

    @property
    def seconds(self) -> float:
        """How long it has been there."""
        return time.monotonic() - self.started_at

    @property
    def ending(self) -> str:
        """How it has ended, in words."""
        code = self.ended.result()
        return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"

    async def wait(self) -> int:
        """Wait until it has ended, and return its exit code, negative the number of the signal that ended it."""
        return await asyncio.shield(self.ended)  # many may wait, and one who gives up must not take it from the others

    async def stop(self, seconds: float) -> bool:
        """Ask it to end, and end it if it takes longer; tell whether it did as it was asked."""
        self.send(signal.SIGTERM)
        await asyncio.wait([self.ended], timeout=seconds)
        self.send(signal.SIGKILL)
        return await self.wait() in (0, -signal.SIGTERM)  # the latter: it had not got so far as to handle it

    def send(self, number: signal.Signals) -> None:
        """Send a signal, if it is still there."""
        if not self.ended.done():
            os.kill(self.pid, number)  # until it is reaped, its number is nobody else's


def _fork(do: Callable[[], object]) -> int:
    # A signal that came between the fork and the child's own handlers would be told to the parent's event loop.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    parent = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    gc.freeze()  # what both have in common is not touched, and so not copied, by the child's collections
    try:
        pid = os.fork()
        if not pid:
            _be_child(do, parent, before)
        return pid
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _be_child(do: Callable[[], object], parent: int, mask: Collection[int]) -> NoReturn:
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        for each in (signal.SIGTERM, signal.SIGCHLD):
            signal.signal(each, signal.SIG_DFL)
        for each in (signal.SIGINT, signal.SIGHUP):
            signal.signal(each, signal.SIG_IGN)
        _end_with(parent)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        do()
        code = 0
    except BaseException:
        log.critical("it cannot go on", exc_info=True)
    finally:
        # Nothing of the parent's may run here on the way out.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _end_with(parent: int) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it was quicker
        os._exit(1)
