"""Ends a connection whose client still sends, so that it can read what it was sent last.

A socket that is closed while bytes of the client's are unread sends a reset, and the client's kernel then drops what
has arrived and is not read yet: the close frame, or the status that says why. So only our direction is closed at first;
what the client still sends is dropped for a moment (RFC 9112, section 9.6).
"""

import asyncio
import os
import socket

# How long the client's bytes are dropped: a round trip on a poor network, to learn that we have closed.
LINGER_SECONDS = 2.0

# And how many: what is on its way on a fast network. Past them the client gets its reset.
LINGER_BYTES = 512 * 1024

# At once: the fewer turns, the less others notice.
_READ_BYTES = 128 * 1024
_dropped = memoryview(bytearray(_READ_BYTES))


def linger(connection: socket.socket | None) -> None:
    """Drop what a client still sends, from the end of this turn on; the caller writes its last bytes, and closes."""
    if connection is None:  # closed by Tornado
        return
    try:
        fd = os.dup(connection.fileno())
    except OSError:
        return  # it is closed, or there are no file descriptors left
    asyncio.get_running_loop().call_soon(_Lingering(fd).begin)


class _Lingering:
    """Drops what a client still sends, and closes the descriptor at the client's end or at a bound."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._left = LINGER_BYTES
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Close our direction, and read on."""
        connection = socket.socket(fileno=self._fd)
        try:
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            connection.close()
            return
        self._fd = connection.detach()
        loop = asyncio.get_running_loop()
        loop.add_reader(self._fd, self._drop)
        self._timer = loop.call_later(LINGER_SECONDS, self._close)

    def _drop(self) -> None:
        try:
            size = os.readv(self._fd, [_dropped])
        except BlockingIOError:
            return
        except OSError:
            size = 0
        self._left -= size
        if not size or self._left < 0:
            self._close()

    def _close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        asyncio.get_running_loop().remove_reader(self._fd)
        os.close(self._fd)
