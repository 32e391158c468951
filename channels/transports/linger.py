"""Ends a connection whose client still sends, so that it can read what it was sent last.

A socket that is closed while bytes of the client's are unread sends a reset, and the client's kernel then drops what
has arrived and is not read yet: the close frame, or the status that says why. So only our direction is closed at first;
what the client still sends is dropped for a moment (RFC 9112, section 9.6).
"""

import asyncio
import os
import socket
from contextlib import suppress

# How long the client's bytes are dropped: a round trip on a poor network, to learn that we have closed.
LINGER_SECONDS = 2.0

# And how many: what is on its way on a fast network. Past them the client gets its reset.
LINGER_BYTES = 1024 * 1024

_READ_BYTES = 16 * 1024
_dropped = memoryview(bytearray(_READ_BYTES))


def linger(connection: socket.socket) -> None:
    """Close our direction of a connection; the caller closes its socket right after this."""
    try:
        ours = socket.socket(fileno=os.dup(connection.fileno()))
    except OSError:
        return  # it is closed, or there are no file descriptors left
    with suppress(OSError):
        ours.shutdown(socket.SHUT_WR)
        _Lingering(ours)
        return
    ours.close()


class _Lingering:
    """Drops what a client still sends, and closes the socket at its end or at a bound."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._left = LINGER_BYTES
        loop = asyncio.get_running_loop()
        loop.add_reader(connection, self._drop)
        self._timer = loop.call_later(LINGER_SECONDS, self._close)

    def _drop(self) -> None:
        try:
            size = self._connection.recv_into(_dropped)
        except BlockingIOError:
            return
        except OSError:
            size = 0
        self._left -= size
        if not size or self._left < 0:
            self._close()

    def _close(self) -> None:
        self._timer.cancel()
        asyncio.get_running_loop().remove_reader(self._connection)
        self._connection.close()
