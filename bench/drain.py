"""Takes in what a server sends to thousands of sockets, without being what is measured.

Every client of a class gets the same bytes. So a few sockets are read in Python, and of all others only the number of
bytes counts, which the kernel drops without copying them. That loop is `drain.c`, compiled at first use: in Python it
took a fifth more CPU, and the generator was as busy as the fastest servers, whose bottleneck it must not be.
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
_SOURCE = Path(__file__).with_name("drain.c")
_MILLISECONDS = 1000


class Drain:
    """Sockets by their slots, the places in the sequence given; `received` has the bytes that each one got.

    The slots in `keeps` are left to the caller to read and to count.
    """

    def __init__(self, sockets: Sequence[socket.socket], keeps: Sequence[int]) -> None:
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

    def wait(self, seconds: float) -> int:
        """Read and drop what has come, or comes within that time; return how many sockets had something.

        Those of them that are kept are in `kept` then. Raises `ConnectionError` when the server has closed a
        connection that is not kept.
        """
        milliseconds = max(0, int(seconds * _MILLISECONDS))
        found = self._library.drain(self._epoll.fileno(), milliseconds, *self._tables)
        if found < 0:
            raise ConnectionError(f"the server closed connection {-1 - found}")
        return int(found)

    @property
    def kept(self) -> Sequence[int]:
        """The slots that the last `wait` has left to the caller."""
        return self._kept[1 : 1 + self._kept[0]]

    def least(self, first: int, count: int) -> int:
        """Return the fewest bytes that one of these slots has got."""
        return int(self._library.least(self._tables[1] + 8 * first, count))

    def reset(self) -> None:
        """Count from 0."""
        ctypes.memset(self._tables[1], 0, 8 * len(self.received))

    def close(self) -> None:
        """Give the epoll back."""
        self._epoll.close()


def _address(table: "array[int] | bytearray") -> int:
    """Return where a table lies; it must not grow any more."""
    return ctypes.addressof(ctypes.c_char.from_buffer(table))


@cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(str(_compiled()))
    pointer = ctypes.c_void_p
    library.drain.argtypes = [ctypes.c_int, ctypes.c_int, pointer, pointer, pointer, pointer]
    library.least.argtypes = [pointer, ctypes.c_int]
    library.least.restype = ctypes.c_int64
    library.watch.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_uint32]
    return library


def _compiled() -> Path:
    """Compile the source, unless that has been done."""
    digest = hashlib.sha256(_SOURCE.read_bytes()).hexdigest()[:16]
    target = ROOT / "build" / "bench" / f"drain-{digest}.so"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        compiler = shutil.which("cc") or program("gcc")
        # Under another name first: two generators may compile at once.
        unfinished = target.with_suffix(f".{id(target)}")
        subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-Wall", "-o", unfinished, _SOURCE], check=True)
        unfinished.replace(target)
    return target
