"""A client's end of one WebSocket, on a bare asyncio transport, so that a test may treat it badly.

Tornado's client says goodbye in good order; here a line can also be dropped without a word, or be cut half open: it
stays connected and nothing passes any more in either direction.
"""

import asyncio
import base64
import os
from collections.abc import Callable
from typing import Self

_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10

# A mask of zeros is valid and costs nothing: the mask protects proxies, and there is none.
_MASK = bytes(4)


class Refused(Exception):
    """The connection did not come about; `status` is what the server answered, None where it did not."""

    def __init__(self, why: str, status: int | None = None) -> None:
        super().__init__(why)
        self.status = status


class Socket(asyncio.Protocol):
    """One connection; `on_text` gets each message, `on_end` the close code once, or None without one."""

    def __init__(self, on_text: Callable[[bytes], None], on_end: Callable[[int | None], None]) -> None:
        self._on_text = on_text
        self._on_end = on_end
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._code: int | None = None
        self._cut = False
        self._upgraded: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @classmethod
    async def open(
        cls,
        port: int,
        path: str,
        on_text: Callable[[bytes], None],
        on_end: Callable[[int | None], None],
        seconds: float,
    ) -> Self:
        """Connect to this machine within some seconds; raises `Refused`."""
        loop = asyncio.get_running_loop()
        self = cls(on_text, on_end)
        try:
            async with asyncio.timeout(seconds):
                await loop.create_connection(lambda: self, "127.0.0.1", port)
                self._ask_for_upgrade(port, path)
                await self._upgraded
        except (OSError, TimeoutError) as error:
            self.drop()
            raise Refused(f"{type(error).__name__}: {error}") from error
        except BaseException:
            self.drop()
            raise
        return self

    def _ask_for_upgrade(self, port: int, path: str) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: 127.0.0.1:{port}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            f"Sec-WebSocket-Key: {key}",
            "Sec-WebSocket-Version: 13",
        ]
        assert self._transport is not None
        self._transport.write("\r\n".join([*lines, "", ""]).encode())

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        """End, and say so once."""
        self._transport = None
        if not self._upgraded.done():
            self._upgraded.set_exception(Refused(f"closed before the upgrade: {error}"))
        elif not self._upgraded.cancelled() and self._upgraded.exception() is None and not self._cut:
            self._on_end(self._code)

    def data_received(self, data: bytes) -> None:
        """Take bytes."""
        if self._cut:
            return
        self._buffer += data
        if not self._upgraded.done():
            self._read_upgrade()
        if self._upgraded.done():
            while self._read_frame():
                pass

    def _read_upgrade(self) -> None:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        status = int(self._buffer.split(b" ", 2)[1])
        del self._buffer[: end + 4]
        if status == 101:
            self._upgraded.set_result(None)
        else:
            self._upgraded.set_exception(Refused(f"the server answered {status}", status))

    def _read_frame(self) -> bool:
        if len(self._buffer) < 2:
            return False
        opcode, length, start = self._buffer[0] & 15, self._buffer[1], 2
        if length > 125:
            start = 4 if length == 126 else 10
            length = int.from_bytes(self._buffer[2:start], "big")
        if len(self._buffer) < start + length:
            return False
        payload = bytes(self._buffer[start : start + length])
        del self._buffer[: start + length]
        self._take(opcode, payload)
        return True

    def _take(self, opcode: int, payload: bytes) -> None:
        if self._cut:
            return
        if opcode == _TEXT:
            self._on_text(payload)
        elif opcode == _PING:
            self._write(_PONG, payload)
        elif opcode == _CLOSE:
            self._code = int.from_bytes(payload[:2], "big") if payload else None
            self._write(_CLOSE, payload[:2])
            if self._transport is not None:
                self._transport.close()

    # What the client does

    def send(self, text: bytes) -> None:
        """Send a message; nothing happens where the line is gone."""
        self._write(_TEXT, text)

    def _write(self, opcode: int, payload: bytes) -> None:
        if self._transport is None or self._cut:
            return
        if len(payload) < 126:
            head = bytes((128 | opcode, 128 | len(payload)))
        else:
            head = bytes((128 | opcode, 128 | 126)) + len(payload).to_bytes(2, "big")
        self._transport.write(head + _MASK + payload)

    def drop(self) -> None:
        """End the connection without a word; nothing of it is seen any more."""
        self._cut = True
        if self._transport is not None:
            self._transport.abort()

    def cut(self) -> None:
        """Let nothing pass any more, in either direction, and keep the connection: neither side is told."""
        self._cut = True
        if self._transport is not None:
            self._transport.pause_reading()
