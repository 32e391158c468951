"""Samples how much of a worker's CPU the Redis broker uses: loaded into the server before its own code.

The kernel interrupts the process after every few milliseconds of CPU (ITIMER_PROF). What the main thread has used since
the last time is put down to what it is doing now: to the broker, if the innermost code of ours that is running is
in `channels/broker/`, or if an asyncio stream runs, which only redis-py's connections are. The journal's thread is
not the main thread. The sum is kept in a file named for the process, which the benchmark reads meanwhile.
"""

import atexit
import mmap
import os
import signal
import struct
import time
from functools import lru_cache
from pathlib import Path
from types import FrameType

FOLDER = "LOUSA_BENCH_SAMPLES"

# Of CPU; the kernel makes 4 of it where it counts in ticks.
INTERVAL_SECONDS = 0.002

_SUM = struct.Struct("d")
_ROOT = Path(__file__).parent.parent
_OURS = (str(_ROOT / "channels"), str(_ROOT / "server"))
_BROKER = f"{_ROOT / 'channels' / 'broker'}{os.sep}"
_STREAMS = ("_SelectorSocketTransport.", "StreamReader.", "StreamReaderProtocol.", "StreamWriter.")


class Sampler:
    """The CPU seconds of this process' main thread in the broker."""

    def __init__(self, folder: Path) -> None:
        file = folder / str(os.getpid())
        file.write_bytes(_SUM.pack(0.0))
        with file.open("r+b") as opened:
            self._shown = mmap.mmap(opened.fileno(), _SUM.size)
        self._sum = 0.0
        self._last = time.thread_time()

    def take(self, number: int, frame: FrameType | None) -> None:
        """Handle the signal."""
        now = time.thread_time()
        if _is_broker(frame):
            self._sum += now - self._last
            _SUM.pack_into(self._shown, 0, self._sum)
        self._last = now


def _is_broker(frame: FrameType | None) -> bool:
    while frame is not None:
        code = frame.f_code
        found = _belongs(code.co_filename, code.co_qualname)
        if found is not None:
            return found
        frame = frame.f_back
    return False


@lru_cache(4096)
def _belongs(file: str, name: str) -> bool | None:
    """Return whether a frame is the broker's or other code of ours; None if its caller decides."""
    if file.startswith(_BROKER) or name.startswith(_STREAMS):
        return True
    return False if file.startswith(_OURS) else None


def start() -> None:
    """Start sampling in this process and in each of its forks, which inherit no timer."""
    signal.signal(signal.SIGPROF, Sampler(Path(os.environ[FOLDER])).take)
    signal.setitimer(signal.ITIMER_PROF, INTERVAL_SECONDS, INTERVAL_SECONDS)


def read(folder: Path, pid: int) -> float:
    """Return a process' CPU seconds in the broker."""
    (seconds,) = _SUM.unpack((folder / str(pid)).read_bytes())
    return float(seconds)


if FOLDER in os.environ:
    start()
    os.register_at_fork(after_in_child=start)
    # A signal during the interpreter's shutdown would kill the process.
    atexit.register(signal.setitimer, signal.ITIMER_PROF, 0)
