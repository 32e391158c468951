"""The client side of one WebSocket (RFC 6455), on a plain asyncio transport, so that a test can break it."""

import asyncio
import base64
import os
from typing import Self

from tests.carrier import OnEnd, OnFrame, Refused

_TEXT, _BINARY, _CLOSE, _PING, _PONG = 1, 2, 8, 9, 10
_NORMAL = (1000).to_bytes(2, "big")

# A mask of zeros is valid and costs nothing. Masks protect proxies; here is none.
_MASK = bytes(4)

# How long the other side may take for the closing handshake.
_GOODBYE_SECONDS = 5.0


class WebSocket(asyncio.Protocol):
    """One connection, a `tests.carrier.Carrier`; its frames are text, or `binary`."""

    def __init__(self, on_frame: OnFrame, on_end: OnEnd, *, binary: bool) -> None:
        self.code: int | None = None
        self.gone = asyncio.Event()
        self._on_frame = on_frame
        self._on_end = on_end
        self._opcode = _BINARY if binary else _TEXT
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._is_silent = False  # no more callbacks for the client
        self._is_cut = False
        self._is_closing = False  # a close frame arrived; later data is ignored
        self._upgraded: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @classmethod
    async def open(
        cls,
        port: int,
        path: str,
        on_frame: OnFrame,
        on_end: OnEnd,
        seconds: float,
        *,
        binary: bool = False,
        host: str = "127.0.0.1",
    ) -> Self:
        """Connect to a host within `seconds`; raises `Refused`."""
        self = cls(on_frame, on_end, binary=binary)
        try:
            async with asyncio.timeout(seconds):
                await asyncio.get_running_loop().create_connection(lambda: self, host, port)
                self._ask_for_upgrade(f"{host}:{port}", path)
                await self._upgraded
        except (OSError, TimeoutError) as error:
            self.drop()
            raise Refused(f"{type(error).__name__}: {error}") from error
        except BaseException:
            self.drop()
            raise
        return self

    def _ask_for_upgrade(self, host: str, path: str) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: {host}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            f"Sec-WebSocket-Key: {key}",
            "Sec-WebSocket-Version: 13",
        ]
        if self._transport is not None:
            self._transport.write("\r\n".join([*lines, "", ""]).encode())

    @property
    def local_port(self) -> int:
        """The client's port, which identifies the connection."""
        assert self._transport is not None, "the connection is gone"
        port: int = self._transport.get_extra_info("sockname")[1]
        return port

    # Callbacks of asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        """Report the end once."""
        self._transport = None
        self.gone.set()
        if not self._upgraded.done():
            self._upgraded.set_exception(Refused(f"closed before the upgrade: {error}"))
        elif not self._upgraded.cancelled() and self._upgraded.exception() is None and not self._is_silent:
            self._is_silent = True
            self._on_end(self.code)

    def data_received(self, data: bytes) -> None:
        """Read the upgrade, then frames."""
        if self._is_cut:
            return
        self._buffer += data
        if not self._upgraded.done():
            self._read_upgrade()
        if self._upgraded.done():
            while not self._is_closing and self._read_frame():
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
        if self._is_cut:
            return
        if opcode == self._opcode:
            if not self._is_silent:
                self._on_frame(payload)
        elif opcode == _PING:
            self._write(_PONG, payload)
        elif opcode == _CLOSE:
            self._is_closing = True
            self.code = int.from_bytes(payload[:2], "big") if payload else None
            if not self._is_silent:
                self._write(_CLOSE, payload[:2])
            if self._transport is not None:
                self._transport.close()

    # Actions of the client

    def send(self, frame: bytes) -> None:
        """Send a frame; does nothing on a closed connection."""
        if not self._is_silent:
            self._write(self._opcode, frame)

    def _write(self, opcode: int, payload: bytes) -> None:
        if self._transport is None or self._is_cut:
            return
        if len(payload) < 126:
            head = bytes((128 | opcode, 128 | len(payload)))
        else:
            head = bytes((128 | opcode, 128 | 126)) + len(payload).to_bytes(2, "big")
        self._transport.write(head + _MASK + payload)

    def close(self) -> None:
        """Send a close frame and wait for the other side's; no callback runs after that."""
        if self._is_silent:
            return
        self._is_silent = True
        self._write(_CLOSE, _NORMAL)
        asyncio.get_running_loop().call_later(_GOODBYE_SECONDS, self.drop)

    def drop(self) -> None:
        """Abort the connection without a close frame."""
        self._is_silent = self._is_cut = True
        if self._transport is not None:
            self._transport.abort()

    def cut(self) -> None:
        """Stop all data in both directions but keep the connection open: neither side is notified."""
        self._is_silent = self._is_cut = True
        if self._transport is not None:
            self._transport.pause_reading()
