"""A child process that ends when its parent ends, even if the parent is killed.

After the fork the child has the default signal handlers, except that it ignores SIGINT and SIGHUP: a terminal sends
these to the whole process group, and the parent handles them. Linux only: a pidfd reports the end of the child, and
the kernel kills a child whose parent has gone (PR_SET_PDEATHSIG, prctl(2); it survives exec).
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
from pathlib import Path
from typing import NoReturn

log = logging.getLogger(__name__)

_PR_SET_PDEATHSIG = 1

_STATES = {
    "R": "it runs",
    "S": "it waits",
    "D": "it waits for a disk",
    "T": "it was stopped by a signal",
    "t": "it was stopped by a debugger",
    "Z": "it has ended",
}


class ChildProcess:
    """A child that runs `do`, then exits with 0, or with 1 after an exception. Needs a running event loop."""

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
    def age_seconds(self) -> float:
        """Seconds since the fork."""
        return time.monotonic() - self.started_at

    @property
    def ending(self) -> str:
        """How the process ended, in words for the log."""
        code = self.ended.result()
        return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"

    async def wait(self) -> int:
        """Wait for the end; return the exit code, or minus the number of the signal that ended the process."""
        return await asyncio.shield(self.ended)  # several may wait: cancelling one must not cancel the shared future

    async def stop(self, seconds: float) -> bool:
        """Send SIGTERM, then SIGKILL if it has not ended after `seconds`; return whether SIGTERM was enough."""
        self.send(signal.SIGTERM)
        await asyncio.wait([self.ended], timeout=seconds)
        self.send(signal.SIGKILL)
        return await self.wait() in (0, -signal.SIGTERM)  # killed by SIGTERM: it had no handler yet

    def send(self, number: signal.Signals) -> None:
        """Send a signal, unless it has ended."""
        if not self.ended.done():
            os.kill(self.pid, number)  # the pid is not reused before the child is reaped


def _fork(do: Callable[[], object]) -> int:
    # A signal between the fork and the child's own handlers would be written to the parent's event loop.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    parent = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    gc.freeze()  # the child's garbage collections then do not write to shared pages, so the kernel does not copy them
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
        end_with(parent)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        do()
        code = 0
    except BaseException:
        log.critical("the process ends after an unexpected error", exc_info=True)
    finally:
        # Skips the parent's exit handlers and finalizers.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def state_of(pid: int) -> str:
    """Return in words what the system says that a process does, as in proc(5)."""
    try:
        letter = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return "it is not there"
    return _STATES.get(letter, f"its state is {letter}")


def end_with(parent: int) -> None:
    """Be killed when the parent, whose pid this is, ends; exec keeps that."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # the parent ended before prctl
        os._exit(1)
