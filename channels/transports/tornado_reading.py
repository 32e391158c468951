"""Reads WebSockets without Tornado's own reader: the only module that uses private API of its stream and protocol.

    socket readable -> stream._handle_read = SocketProtocol._read -> FrameReader -> handler.on_message

Tornado's reader waits for each part of each frame with a coroutine and a future: 45 µs of CPU a message, most of it in
epoll. Here all frames of one socket read are parsed at once, in 1.5 µs a frame. `test_tornado_reading.py` fails when a
release of Tornado changes what this relies on; compare the two before adapting either.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, cast

from tornado.iostream import IOStream
from tornado.util import _websocket_mask
from tornado.websocket import WebSocketProtocol13, _WebSocketParams

from channels.errors import Closing
from channels.limit import FRAME_BURST, MAX_FRAME_BYTES
from channels.transports.linger import linger
from channels.wire.frames import CLOSE, CONTINUATION, Broken, FrameReader

# Bytes read from a socket at once: many messages, but a bound on how long the other clients wait for this one. All
# connections read into one buffer, so that an idle one holds none.
READ_BYTES = 16 * 1024
_buffer = memoryview(bytearray(READ_BYTES))

# Frames of one client that are handled before others have their turn: a frame costs up to 0.2 ms, so twenty clients
# that send as much as they can delay the others by 30 ms.
MAX_FRAMES_A_TURN = 8

_PARAMS = _WebSocketParams(max_message_size=MAX_FRAME_BYTES)

# Frames still parsed after our close frame, to find the client's: as many as it could send before it received ours.
# Past them nothing is read, and Tornado closes the connection 5 s after our close frame.
MAX_LATE_FRAMES = int(FRAME_BURST)


class SocketListener(Protocol):
    """Receives a client's messages. `on_vain_read`, `on_part`, `settle` and `wait_for` are not Tornado's names."""

    def on_message(self, message: str | bytes) -> Awaitable[None] | None:
        """Handle a message; the next one is handled only after the returned awaitable is done."""

    def on_vain_read(self) -> None:
        """Note that bytes were read from the socket which complete no frame."""

    def on_part(self) -> None:
        """Note a frame that does not complete its message."""

    def on_ping(self, data: bytes) -> None:
        """Note a ping, which has been answered."""

    def on_pong(self, data: bytes) -> None:
        """Note a pong."""

    def on_ws_connection_close(self, close_code: int | None = None, close_reason: str | None = None) -> None:
        """Note, once, that the connection is gone."""

    def settle(self) -> Awaitable[None] | None:
        """Write the replies that are due; an awaitable where some come later. Nothing is handled after this."""

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

    @classmethod
    def on(cls, connection: socket.socket) -> "SocketProtocol":
        """Make the protocol of a connection whose handshake has been answered; set its handler, then call `begin`."""
        # Tornado's constructor only keeps the handler.
        protocol = cls(cast(Any, None), False, _PARAMS)
        protocol.stream = IOStream(connection)
        return protocol

    async def _receive_frame_loop(self) -> None:
        """Begin; the request's coroutine ends with this call."""
        self.begin()

    def begin(self) -> None:
        """Have the stream call `_read` when there are bytes."""
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
        if self._late_frames > MAX_LATE_FRAMES:
            # Nothing is read any more: to drop what a client sends at full speed takes a core.
            self._listen_for((stream._state or 0) & ~stream.io_loop.READ)
            return
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
        elif size is not None:
            self._reader.feed(bytes(_buffer[:size]))
            if not self._handle_all():
                self.handler.on_vain_read()

    def _handle_all(self) -> bool:
        """Handle the frames that have arrived; return whether there was one."""
        found = False
        turns = iter(range(MAX_FRAMES_A_TURN))
        try:
            while self._handling is None and not self.client_terminated:
                if next(turns, None) is None:
                    self._handling = _next_turn()
                    break
                frame = self._reader.next()
                if frame is None or (self.server_terminated and self._is_too_late()):
                    return found
                found = True
                self._handling = self._handle(*frame)
        except Broken as broken:
            self._handling = self._fail(broken.closing)
        if self._handling is not None:
            self._handling.add_done_callback(self._go_on)
        return True

    def _is_too_late(self) -> bool:
        self._late_frames += 1
        return self._late_frames > MAX_LATE_FRAMES

    def _handle(self, opcode: int, data: str | bytes) -> "asyncio.Future[None] | None":
        if isinstance(data, str):
            return self._run_callback(self.handler.on_message, data)
        if opcode == CONTINUATION:
            return self._run_callback(self.handler.on_part)
        if opcode == CLOSE and not self.server_terminated:
            return self._settle_and(lambda: self._handle_message(CLOSE, data))
        return self._handle_message(opcode, data)

    def _settle_and(self, end: Callable[[], object]) -> "asyncio.Future[None] | None":
        # What came before the end is answered before it (section 5.5.1 allows it, 7.1.7 does not forbid it).
        settling = self._run_callback(self.handler.settle)
        if settling is None:
            end()
        else:
            settling.add_done_callback(lambda _: end())
        return settling

    def _fail(self, closing: Closing) -> "asyncio.Future[None] | None":
        def end() -> None:
            if not self.stream.closed():
                self.close(closing.code, closing.reason)
                linger(self.stream.socket)
                self._abort()

        return self._settle_and(end)

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


def _next_turn() -> "asyncio.Future[None]":
    loop = asyncio.get_running_loop()
    turn = loop.create_future()
    loop.call_soon(turn.set_result, None)
    return turn
