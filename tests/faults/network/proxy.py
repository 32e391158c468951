"""A TCP proxy that acts as a bad network: each connection is treated by its `Fate`.

    async with Proxy(lousa.port, seed) as proxy:
        proxy.turn(FAULTS["cuts"])     # from now on; the connections that are open are reset
        proxy.turn(None)               # it is calm again

It reads as much HTTP as it needs: which connection is a WebSocket, and where an answer begins and ends.
"""

import asyncio
import random
import socket
import struct
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

from tests.faults.network.fault import CALM, Choose, Fate

_PIECE = 65_536
_HEAD_END = b"\r\n\r\n"

Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Proxy:
    """The network; `done` counts the faults that it applied."""

    def __init__(self, port: int, seed: int) -> None:
        self.done: Counter[str] = Counter()
        self._server_port = port
        self._chance = random.Random(seed)
        self._choose: Choose | None = None
        self._server: asyncio.Server | None = None
        self._lines: dict[asyncio.Task[None], Line] = {}

    @property
    def port(self) -> int:
        """The URL for clients."""
        assert self._server is not None, "the proxy is not running"
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """Where the server is, behind it."""
        return f"http://127.0.0.1:{self.port}"

    def turn(self, choose: Choose | None) -> None:
        """Change the fault for new connections (None: no fault) and reset the open ones."""
        self._choose = choose
        for line in self._lines.values():
            line.reset()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        self.turn(None)
        for task in self._lines:
            task.cancel()
        await asyncio.gather(*self._lines, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = Line((reader, writer), self._chance, self.done)
        task = asyncio.create_task(line.serve(self._server_port, self._fate))
        self._lines[task] = line
        task.add_done_callback(self._lines.pop)

    def _fate(self, is_websocket: bool) -> Fate:
        self.done["WebSockets" if is_websocket else "HTTP connections"] += 1
        return CALM if self._choose is None else self._choose(self._chance, is_websocket)


class _Cut(Exception):
    """The connection must end here."""


class Line:
    """One connection through the network."""

    def __init__(self, client: Pair, chance: random.Random, done: Counter[str]) -> None:
        self._client = client
        self._server: Pair | None = None
        self._chance = chance
        self._done = done
        self._fate = CALM
        self._is_websocket = False

    async def serve(self, port: int, fate: Callable[[bool], Fate]) -> None:
        """Forward it as far as its fate allows."""
        try:
            head = await self._client[0].readuntil(_HEAD_END)
            self._is_websocket = b"\r\nupgrade: websocket\r\n" in head.lower()
            self._fate = fate(self._is_websocket)
            self._server = await asyncio.open_connection("127.0.0.1", port)
            await self._carry(head)
        except _Cut:
            self._done["cut"] += 1
            if self._fate.abruptly:
                self.reset()
        except (OSError, asyncio.IncompleteReadError):
            pass  # either side has closed
        finally:
            self._close()

    async def _carry(self, head: bytes) -> None:
        ways = [asyncio.create_task(self._go_up(head)), asyncio.create_task(self._go_down())]
        if self._is_websocket and self._fate.kill is not None:
            ways.append(asyncio.create_task(self._kill(self._fate.kill)))
        try:
            done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in done:
                way.result()
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _kill(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._done["WebSockets killed"] += 1
        self.reset()

    # Towards the server

    async def _go_up(self, head: bytes) -> None:
        assert self._server is not None
        left = await self._pass(self._server[1], head, self._fate.cut_up)
        if self._is_websocket and self._fate.swallow:
            await _discard(self._client[0])
        while data := await self._client[0].read(_PIECE):
            left = await self._pass(self._server[1], data, left)

    # Towards the client

    async def _go_down(self) -> None:
        assert self._server is not None
        left = self._fate.cut_down
        if self._is_websocket and self._fate.swallow:
            await self._pass(self._client[1], await self._server[0].readuntil(_HEAD_END), left)
            self._done["WebSockets swallowed"] += 1
            await _discard(self._server[0])
        elif self._fate.lose and not self._is_websocket:
            await self._answer(left)
        else:
            while data := await self._server[0].read(_PIECE):
                left = await self._pass(self._client[1], data, left)

    async def _answer(self, left: float) -> None:
        """Forward answers one by one until one of them is lost."""
        assert self._server is not None
        while True:
            head = await self._server[0].readuntil(_HEAD_END)
            body = await self._server[0].readexactly(_length(head))
            if self._chance.random() < self._fate.lose:
                self._done["answers lost"] += 1
                return
            left = await self._pass(self._client[1], head + body, left)

    # Both

    async def _pass(self, writer: asyncio.StreamWriter, data: bytes, left: float) -> float:
        """Forward data within the limit and return how many more bytes may pass."""
        if self._fate.delay:
            await asyncio.sleep(self._chance.uniform(0, self._fate.delay))
        writer.write(data if len(data) < left else data[: int(left)])
        await writer.drain()
        if len(data) >= left:
            raise _Cut
        return left - len(data)

    def _close(self) -> None:
        for pair in filter(None, (self._client, self._server)):
            with suppress(OSError):
                pair[1].close()

    def reset(self) -> None:
        """Reset both TCP connections (SO_LINGER of 0 seconds): no close frame, no end of stream."""
        for pair in filter(None, (self._client, self._server)):
            end: socket.socket = pair[1].get_extra_info("socket")
            if end.fileno() != -1:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            pair[1].transport.abort()


async def _discard(reader: asyncio.StreamReader) -> None:
    while await reader.read(_PIECE):
        pass


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0
