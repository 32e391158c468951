"""Tornado's HTTP server with two changes: connections start in small batches, and a stop answers accepted requests.

Both use Tornado's private API, which no other file does:

* `TCPServer._handle_connection(connection, address)` is called for each accepted connection (`TCPServer.add_sockets`).
* `HTTPServer._connections` holds the HTTP connections that are open; one that became a WebSocket has left it.

Written for Tornado 6.5; tests/server/process/test_tornado_http_server.py fails when a release changes either.
"""

import asyncio
from collections import deque
from socket import socket
from typing import Any

from tornado.httpserver import HTTPServer

# Connections whose requests are started in one turn of the event loop. A turn is at most 20 ms longer for clients that
# are already connected, however many new ones arrive. The others are accepted meanwhile, so that the kernel's backlog
# stays empty: when the backlog is full, the kernel drops connections, and clients try again after 1, 3, 7 … seconds.
STARTED_AT_ONCE = 32

# How long a connection that was accepted just before the stop may take to send its request and receive its answer.
LAST_REQUESTS_SECONDS = 1.0

# How long closing the remaining connections may take: each close waits for its own handler.
CLOSE_SECONDS = 2.0


class Server(HTTPServer):
    """An HTTP server that starts at most STARTED_AT_ONCE connections in one turn of the event loop."""

    def initialize(self, *args: Any, **kwargs: Any) -> None:
        """Tornado's constructor: `HTTPServer` is configurable, so `__init__` never runs."""
        super().initialize(*args, **kwargs)
        self._waiting: deque[tuple[socket, Any]] = deque()

    def _handle_connection(self, connection: socket, address: Any) -> None:
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._start_some)
        self._waiting.append((connection, address))

    def _start_some(self) -> None:
        for _ in range(min(len(self._waiting), STARTED_AT_ONCE)):
            super()._handle_connection(*self._waiting.popleft())
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._start_some)

    async def drain(self) -> None:
        """Stop accepting; answer the requests of accepted connections; then close the idle ones."""
        self.stop()
        try:
            async with asyncio.timeout(LAST_REQUESTS_SECONDS):
                # Polled: this happens once in a worker's life.
                while self._waiting or self._connections:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        except TimeoutError:
            await self._close_rest()

    async def _close_rest(self) -> None:
        # Bounded: a handler that waits for a hanging database keeps its connection open.
        closing = asyncio.create_task(self.close_all_connections())
        await asyncio.wait([closing], timeout=CLOSE_SECONDS)
        closing.cancel()
