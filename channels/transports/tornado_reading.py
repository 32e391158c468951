"""Reads WebSockets without Tornado's own reader: the only module that uses private API of its stream and protocol.

    socket readable -> stream._handle_read = SocketProtocol._read -> FrameReader -> handler.on_message

Tornado's reader waits for each part of each frame with a coroutine and a future: 45 µs of CPU a message, most of it in
epoll. Here all frames of one socket read are parsed at once, in 1.5 µs a frame. `test_tornado_reading.py` fails when a
release of Tornado changes what this relies on; compare the two before adapting either.
"""

import asyncio
from collections.abc import Awaitable
from typing import Any, Protocol

from tornado.util import _websocket_mask
from tornado.websocket import WebSocketProtocol13

from channels.limit import FRAME_BURST
from channels.wire.frames import CONTINUATION, Broken, FrameReader

# Bytes read from a socket at once: many messages, but a bound on how long the other clients wait for this one. All
# connections read into one buffer, so that an idle one holds none.
READ_BYTES = 16 * 1024
_buffer = memoryview(bytearray(READ_BYTES))

# Frames still parsed after our close frame, to find the client's: as many as it could send before it received ours.
# Past them nothing is parsed, and Tornado closes the connection 5 s after our close frame.
MAX_LATE_FRAMES = int(FRAME_BURST)


class SocketListener(Protocol):
    """Receives a client's messages; all names are Tornado's except `on_part` and `wait_for`."""

    def on_message(self, message: str | bytes) -> Awaitable[None] | None:
        """Handle a message; the next one is handled only after the returned awaitable is done."""

    def on_part(self) -> None:
        """Note a frame that does not complete its message."""

    def on_ping(self, data: bytes) -> None:
        """Note a ping, which has been answered."""

    def on_pong(self, data: bytes) -> None:
        """Note a pong."""

    def on_ws_connection_close(self, close_code: int | None = None, close_reason: str | None = None) -> None:
        """Note, once, that the connection is gone."""

    def log_exception(self, *args: Any) -> None:
        """Log what `on_message` raised."""

    def wait_for(self, written: "asyncio.Future[None]") -> None:
        """Write nothing to the socket until the stream has flushed."""


class SocketProtocol(WebSocketProtocol13):
    """Tornado's WebSocket protocol with our reading.

    Replaces `_receive_frame_loop`, and `_handle_read` of the stream. While a message is being handled, the next one
    waits, and nothing more is read from the socket.
    """

    # Slots, because Python shares attribute keys among objects of a class only up to 30 attributes: Tornado's own
    # fill that, and three more would cost 1.3 KB a client.
    __slots__ = ("_handling", "_is_paused", "_late_frames", "_reader")

    handler: SocketListener

    async def _receive_frame_loop(self) -> None:
        """Have the stream call `_read` when there are bytes; the request's coroutine ends with this call."""
        self._reader = FrameReader(_websocket_mask, self.params.max_message_size)
        self._handling: asyncio.Future[None] | None = None
        self._is_paused = False
        self._late_frames = 0
        stream = self.stream
        if stream.closed():
            self._end()
            return
        self._reader.feed(stream._consume(stream._read_buffer_size))
        stream._handle_read = self._read  # type: ignore[method-assign]
        stream.set_close_callback(self._end)
        self._handle_all()

    def _read(self) -> None:
        stream = self.stream
        if self._handling is not None:
            self._is_paused = True
            self._listen_for((stream._state or 0) & ~stream.io_loop.READ)
            return
        try:
            size = stream.read_from_fd(_buffer)
        except OSError:
            stream.close()
            return
        if size == 0:
            stream.close()
        elif size is not None and self._late_frames <= MAX_LATE_FRAMES:
            self._reader.feed(bytes(_buffer[:size]))
            self._handle_all()

    def _handle_all(self) -> None:
        try:
            while self._handling is None and not self.client_terminated:
                frame = self._reader.next()
                if frame is None or (self.server_terminated and self._is_too_late()):
                    return
                self._handling = self._handle(*frame)
        except Broken as broken:
            self.close(broken.closing.code, broken.closing.reason)
            self._abort()
        if self._handling is not None:
            self._handling.add_done_callback(self._go_on)

    def _is_too_late(self) -> bool:
        self._late_frames += 1
        return self._late_frames > MAX_LATE_FRAMES

    def _handle(self, opcode: int, data: str | bytes) -> "asyncio.Future[None] | None":
        if isinstance(data, str):
            return self._run_callback(self.handler.on_message, data)
        if opcode == CONTINUATION:
            return self._run_callback(self.handler.on_part)
        return self._handle_message(opcode, data)

    def _go_on(self, handled: "asyncio.Future[None]") -> None:
        self._handling = None
        if self.stream.closed():
            return
        if self._is_paused:
            self._is_paused = False
            self._listen_for(self.stream._state or 0)
        self._handle_all()

    def _listen_for(self, events: int) -> None:
        self.stream.io_loop.update_handler(self.stream.fileno(), events)

    def _write_frame(self, fin: bool, opcode: int, data: bytes, flags: int = 0) -> "asyncio.Future[None]":
        """Write a control frame; the session's messages must not overtake one that waits in the stream."""
        written = super()._write_frame(fin, opcode, data, flags)
        self.handler.wait_for(written)
        return written

    def _end(self) -> None:
        self._abort()
        # Breaks the reference cycle of stream and protocol, which only the garbage collector would free.
        self.stream.__dict__.pop("_handle_read", None)
        self.handler.on_ws_connection_close(self.close_code, self.close_reason)
