"""Reads what a server sends to thousands of sockets, at so little cost that it does not limit the measurement.

All clients of a class receive the same bytes. So a few sockets are read in Python; for all others only the number of
bytes is counted, and the kernel drops them without a copy. That loop is `drain.c`, compiled at first use: in Python it
took a fifth more CPU, and the generator was as busy as the fastest servers. It must not be their bottleneck.

A server that gathers messages into frames, for each client on its own, sends each other bytes. Of its frames the lines
are counted, which are the same for all.
"""

import ctypes
import hashlib
import select
import shutil
import socket
import subprocess
from array import array
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from tests.lousa import ROOT
from tests.programs import program

AT_ONCE = 4096  # as in drain.c
FRAME_BYTES = 24  # `struct frame` there
_SOURCE = Path(__file__).with_name("drain.c")
_MILLISECONDS = 1000


class Drain:
    """Sockets by slot, their index in the given sequence; `received` has the number of bytes of each.

    The caller reads and counts the slots in `keeps`. With `lines` the bytes of all lines are counted, each with one
    byte for its end, and not those of the frames.
    """

    def __init__(self, sockets: Sequence[socket.socket], keeps: Sequence[int], *, lines: bool = False) -> None:
        self.received = array("q", bytes(8 * len(sockets)))
        self._sockets = array("i", [each.fileno() for each in sockets])
        self._keeps = bytearray(len(sockets))
        self._kept = array("i", bytes(4 * (1 + AT_ONCE)))
        self._epoll = select.epoll()
        self._library = _library()
        for slot in keeps:
            self._keeps[slot] = 1
        for slot, each in enumerate(sockets):
            self._library.watch(self._epoll.fileno(), each.fileno(), slot)
        self._tables = [_address(each) for each in (self._sockets, self.received, self._keeps, self._kept)]
        self._frames = bytearray(FRAME_BYTES * len(sockets))
        self._tables.append(_address(self._frames) if lines else 0)

    def wait(self, seconds: float) -> int:
        """Read and drop the data that arrives within the timeout; return how many sockets had data.

        `kept` then has those of them that are kept. Raises `ConnectionError` when the server has closed a
        connection that is not kept.
        """
        milliseconds = max(0, int(seconds * _MILLISECONDS))
        found = self._library.drain(self._epoll.fileno(), milliseconds, *self._tables)
        if found < 0:
            raise ConnectionError(f"the server closed connection {-1 - found}")
        return int(found)

    @property
    def kept(self) -> Sequence[int]:
        """The slots that the last `wait` left to the caller."""
        return self._kept[1 : 1 + self._kept[0]]

    def least(self, first: int, count: int) -> int:
        """Return the smallest number of bytes received by one of these slots."""
        return int(self._library.least(self._tables[1] + 8 * first, count))

    def reset(self) -> None:
        """Reset the counts to 0."""
        ctypes.memset(self._tables[1], 0, 8 * len(self.received))

    def close(self) -> None:
        """Close the epoll."""
        self._epoll.close()


def _address(table: "array[int] | bytearray") -> int:
    """Return the memory address of a table; it must not grow any more."""
    return ctypes.addressof(ctypes.c_char.from_buffer(table))


@cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(str(_compiled()))
    pointer = ctypes.c_void_p
    library.drain.argtypes = [ctypes.c_int, ctypes.c_int, pointer, pointer, pointer, pointer, pointer]
    library.least.argtypes = [pointer, ctypes.c_int]
    library.least.restype = ctypes.c_int64
    library.watch.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_uint32]
    return library


def _compiled() -> Path:
    """Compile the source if not yet done."""
    digest = hashlib.sha256(_SOURCE.read_bytes()).hexdigest()[:16]
    target = ROOT / "build" / "bench" / f"drain-{digest}.so"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        compiler = shutil.which("cc") or program("gcc")
        # Compiles under another name first: two generators may compile at once.
        unfinished = target.with_suffix(f".{id(target)}")
        subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-Wall", "-o", unfinished, _SOURCE], check=True)
        unfinished.replace(target)
    return target
