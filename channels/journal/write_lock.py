"""The turn to write, among the processes that append to one SQLite file: each has it in the order of asking.

SQLite lets a writer that finds the file locked sleep and look again, longer each time, up to 100 ms: whoever has just
committed is back first. Measured, 4 processes that commit without a pause (batches of 20, with fsync): a commit took at
most 2.2 s and 0.23 s at the 99th percentile by SQLite's waiting alone, 0.2 s and 0.03 s with turns, and a sixth more
of them came through. A lock of the kernel's (flock) wakes who waits; it ends with the process that has it.
"""

import fcntl
import threading
from typing import IO


class Turn:
    """One process' place in the line at the file at `path`, which is made where there is none. For one thread."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file = open(path, "a")  # noqa: SIM115 (open for as long as this lives)
        self._held: IO[str] | None = None

    def take(self, seconds: float) -> None:
        """Wait for the turn; raise TimeoutError where it does not come in time, and OSError where it cannot come."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._held = self._file
        except BlockingIOError:
            self._held = _Place(self._path).wait(seconds)

    def give(self) -> None:
        """Let the next one write."""
        held, self._held = self._held, None
        if held is self._file:
            fcntl.flock(held, fcntl.LOCK_UN)
        elif held is not None:
            held.close()

    def close(self) -> None:
        """Leave the line."""
        self.give()
        self._file.close()


class _Place:
    """A place in the line, for once. It has a file of its own: when nobody waits any more, the turn passes by.

    A thread, because flock knows no timeout; only where there is somebody else, which costs 50 µs.
    """

    def __init__(self, path: str) -> None:
        self._file = open(path, "a")  # noqa: SIM115 (closed by whoever has the turn)
        self._lock = threading.Lock()
        self._has_come = threading.Event()
        self._is_left = False

    def wait(self, seconds: float) -> IO[str]:
        """Return the locked file, whose closing gives the turn on; raise TimeoutError."""
        threading.Thread(target=self._queue, daemon=True).start()
        self._has_come.wait(seconds)
        with self._lock:
            if self._has_come.is_set():
                return self._file
            self._is_left = True
        raise TimeoutError("another worker has been writing for too long")

    def _queue(self) -> None:
        fcntl.flock(self._file, fcntl.LOCK_EX)
        with self._lock:
            if self._is_left:
                self._file.close()
            else:
                self._has_come.set()
