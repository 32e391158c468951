"""A school's web filter, for tests: a TCP proxy that passes pages and polls, and treats WebSockets by its mode.

async with Filter(lousa.port) as web_filter:
    ...                          # a browser goes to web_filter.url
    web_filter.switch("kill")    # also resets the WebSockets that are open
"""

import asyncio
import random
import socket
import struct
from types import TracebackType
from typing import Literal, Self, get_args

# Modes for WebSockets: "refuse" answers the upgrade with 403, "hang" does not answer it, "kill" resets the connection
# soon after it opens, "swallow" opens it and discards its frames.
Mode = Literal["pass", "refuse", "hang", "kill", "swallow"]
BLOCKING_MODES = tuple(mode for mode in get_args(Mode) if mode != "pass")

_REFUSAL = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_CHUNK = 65_536

Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Filter:
    """The filter before a server on a loopback port; `upgrades` counts the attempts to open a WebSocket."""

    def __init__(self, port: int) -> None:
        self.mode: Mode = "pass"
        self.upgrades = 0
        self._port = port
        self._server: asyncio.Server | None = None
        self._websockets: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """The URL of the server's pages through the filter."""
        assert self._server is not None, "the filter is not running"
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def switch(self, mode: Mode) -> None:
        """Change the mode for new WebSockets and reset the open ones."""
        self.mode = mode
        for writer in list(self._websockets):
            _reset(writer)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve((reader, writer)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, client: Pair) -> None:
        try:
            head = await client[0].readuntil(b"\r\n\r\n")
            if b"\r\nupgrade: websocket\r\n" in head.lower():
                await self._serve_websocket(head, client)
            else:
                await self._forward(head, client)
        except (OSError, asyncio.IncompleteReadError):
            pass  # either side has closed
        finally:
            client[1].close()

    async def _serve_websocket(self, head: bytes, client: Pair) -> None:
        self.upgrades += 1
        self._websockets.add(client[1])
        try:
            match self.mode:
                case "refuse":
                    client[1].write(_REFUSAL)
                    await client[1].drain()
                case "hang":
                    await _discard(client[0])
                case "kill":
                    asyncio.get_running_loop().call_later(random.uniform(0.1, 0.5), _reset, client[1])
                    await self._forward(head, client)
                case "swallow":
                    await self._open_and_swallow(head, client)
                case "pass":
                    await self._forward(head, client)
        finally:
            self._websockets.discard(client[1])

    async def _open_and_swallow(self, head: bytes, client: Pair) -> None:
        server = await self._connect(head)
        try:
            client[1].write(await server[0].readuntil(b"\r\n\r\n"))
            await _discard(client[0])
        finally:
            server[1].close()

    async def _forward(self, head: bytes, client: Pair) -> None:
        server = await self._connect(head)
        try:
            ways = ((client[0], server[1]), (server[0], client[1]))
            directions = [asyncio.create_task(_pipe(*way)) for way in ways]
            await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
            for direction in directions:
                direction.cancel()
            await asyncio.gather(*directions, return_exceptions=True)
        finally:
            server[1].close()

    async def _connect(self, head: bytes) -> Pair:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(head)
        return reader, writer


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()


async def _discard(reader: asyncio.StreamReader) -> None:
    while await reader.read(_CHUNK):
        pass


def _reset(writer: asyncio.StreamWriter) -> None:
    """Reset a TCP connection (SO_LINGER of 0 seconds): no close frame, no end of stream."""
    client: socket.socket = writer.get_extra_info("socket")
    if client.fileno() != -1:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
