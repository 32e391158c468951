"""Waits for the first bytes of new connections, which tell what each of them is: a WebSocket's handshake, or HTTP.

    connection -> wait() -> the first bytes have come -> take(connection, address, bytes)
                         -> the client has left, or has been silent for too long: it is closed

A connection that waits has no object of Tornado's yet.
"""

import asyncio
import time
from collections.abc import Callable
from socket import socket
from typing import Any

from server.process.request_front import MAX_HEADER_BYTES

Take = Callable[[socket, Any, bytes], None]


class FirstBytes:
    """The connections that have sent nothing yet, for at most `idle_seconds` each; `take` is called with the others."""

    def __init__(self, take: Take, idle_seconds: float) -> None:
        self._take = take
        self._idle_seconds = idle_seconds
        # Since when each waits; the one that waits for longest comes first.
        self._waiting: dict[socket, float] = {}
        self._sweep: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def oldest_since(self) -> float | None:
        """Since when the connection waits that waits for longest, on the monotonic clock; None without one."""
        return next(iter(self._waiting.values()), None)

    def wait(self, connection: socket, address: Any) -> None:
        """Read a new connection, now or as soon as something comes."""
        # Over a short way the handshake has come together with the connection.
        if self._read(connection, address):
            return
        self._waiting[connection] = time.monotonic()
        asyncio.get_running_loop().add_reader(connection, self._on_readable, connection, address)
        if self._sweep is None:
            self._sweep_after(self._idle_seconds)

    def close_oldest(self) -> None:
        """Close the connection that waits for longest."""
        self._close(next(iter(self._waiting)))

    def close(self) -> None:
        """Close all connections that wait."""
        for each in list(self._waiting):
            self._close(each)
        if self._sweep is not None:
            self._sweep.cancel()

    def _on_readable(self, connection: socket, address: Any) -> None:
        asyncio.get_running_loop().remove_reader(connection)
        since = self._waiting.pop(connection)
        if not self._read(connection, address):  # woken in vain
            self._waiting[connection] = since
            asyncio.get_running_loop().add_reader(connection, self._on_readable, connection, address)

    def _read(self, connection: socket, address: Any) -> bool:
        """Read what has come; return False if nothing has."""
        try:
            data = connection.recv(MAX_HEADER_BYTES)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if data:
            self._take(connection, address, data)
        else:
            connection.close()
        return True

    def _close(self, connection: socket) -> None:
        asyncio.get_running_loop().remove_reader(connection)
        del self._waiting[connection]
        connection.close()

    def _sweep_after(self, seconds: float) -> None:
        self._sweep = asyncio.get_running_loop().call_later(seconds, self._close_silent)

    def _close_silent(self) -> None:
        self._sweep = None
        before = time.monotonic() - self._idle_seconds
        while (since := self.oldest_since) is not None and since <= before:
            self.close_oldest()
        if since is not None:
            self._sweep_after(max(0.0, since - before))
