"""Samples the functions in which a server spends its CPU: loaded into the server before its own code.

The kernel interrupts the process after every few milliseconds of CPU (ITIMER_PROF). What the main thread has used since
the last time is put down to the function that is running, whatever it has called in C or in the kernel included, and so
is a system call to the function that makes it. The sums are written to a file when the benchmark asks, by SIGUSR2.
"""

import atexit
import json
import os
import signal
import time
from collections import defaultdict
from pathlib import Path
from types import CodeType, FrameType

FILE = "LOUSA_BENCH_PROFILE"

# Of CPU; the kernel makes 4 of it where it counts in ticks.
INTERVAL_SECONDS = 0.002

_SITE = "site-packages/"
_LIBRARY = os.path.dirname(os.__file__) + "/"
_ROOT = str(Path(__file__).parent.parent) + "/"


class Profiler:
    """The CPU seconds of this process' main thread, by function."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._sums: defaultdict[CodeType, float] = defaultdict(float)
        self._last = time.thread_time()

    def take(self, number: int, frame: FrameType | None) -> None:
        """Handle the timer's signal."""
        now = time.thread_time()
        if frame is not None:
            self._sums[frame.f_code] += now - self._last
        self._last = now

    def tell(self, number: int, frame: FrameType | None) -> None:
        """Handle the benchmark's signal; the file appears atomically."""
        sums: defaultdict[str, float] = defaultdict(float)
        # A copy: the timer can interrupt this.
        for code, seconds in self._sums.copy().items():
            sums[name(code)] += seconds
        unfinished = self._file.with_suffix(".new")
        unfinished.write_text(json.dumps(sums))
        unfinished.replace(self._file)


def name(code: CodeType) -> str:
    """Return a function's name with the shortest unique name of its file."""
    file = code.co_filename.partition(_SITE)[2] or code.co_filename.removeprefix(_ROOT).removeprefix(_LIBRARY)
    return f"{file} {code.co_qualname}"


def start() -> None:
    """Start sampling in this process."""
    profiler = Profiler(Path(os.environ[FILE]))
    signal.signal(signal.SIGPROF, profiler.take)
    signal.signal(signal.SIGUSR2, profiler.tell)
    signal.setitimer(signal.ITIMER_PROF, INTERVAL_SECONDS, INTERVAL_SECONDS)


if FILE in os.environ:
    start()
    # A signal during the interpreter's shutdown would kill the process.
    atexit.register(signal.setitimer, signal.ITIMER_PROF, 0)
