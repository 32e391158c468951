"""The WebSocket transport: Tornado's handler and protocol around a Session, with the hot path around Tornado's.

    request -> ChannelSocket: credential -> upgrade -> SocketProtocol -> SocketTransport <-> Session
               gone after the upgrade                  frames read       messages in and out

Most handshakes take a shorter way, through `upgrades`, and come to `connect` from there. Tornado does the others, the
closing and the stream (TLS, partial writes, the event loop). Messages bypass it in both directions. Its `write_message`
costs a task, a future and two callbacks per client (measured: 38 µs of CPU a delivery). Instead, one system call sends
a session's data to the socket while the stream has nothing queued; otherwise the data goes through the stream, and
until it is written the session is `blocked` and keeps new messages in its bounded outbox. Reading is replaced as well:
see `tornado_reading`.
"""

import asyncio
import logging
import math
from collections.abc import Awaitable
from http import HTTPStatus
from ssl import SSLWantReadError, SSLWantWriteError
from typing import Any

from tornado.iostream import StreamClosedError
from tornado.web import HTTPError
from tornado.websocket import WebSocketHandler, WebSocketProtocol, WebSocketProtocol13

from channels.engine.engine import Engine
from channels.lesson.rules import Role
from channels.limit import MAX_FRAME_BYTES, READ_COST, REPLY_ROOM_BYTES
from channels.sessions.session import Session
from channels.transports.credential import SIGN_IN_COOKIE
from channels.transports.gate import Admitted, Gate, Place, Request, TurnedAway
from channels.transports.handshake import choose_subprotocol, is_key
from channels.transports.tornado_reading import SocketProtocol
from channels.wire.codec import JSON, JSON_OBJECTS, MESSAGE_PACK, Wire

log = logging.getLogger(__name__)


def socket_path(role: Role) -> str:
    """Return the address at which a role opens its WebSockets."""
    return f"/{role.path}/socket/websocket"


class ChannelSocket(WebSocketHandler):
    """The WebSocket of one role.

    Answers the upgrade with the status of `TurnedAway` when the client is refused. It exists during the upgrade only.
    """

    def initialize(self, gate: Gate, role: Role) -> None:
        """Take the gate of this worker, and the role that connects here."""
        self._gate = gate
        self._role = role

    async def prepare(self) -> None:
        """Check the request and its credential before the upgrade, and wait for a slot of the admission queue."""
        self._check_handshake()
        try:
            self._wires = find_wires(self._argument("format"))
            self._admitted = await self._gate.admit(self._asked())
        except TurnedAway as away:
            self._turn_away(away)

    def _check_handshake(self) -> None:
        # RFC 6455, section 4.2.1; Tornado checks the rest.
        keys = self.request.headers.get_list("Sec-WebSocket-Key")
        if self.request.version == "HTTP/1.0" or len(keys) != 1 or not is_key(keys[0]):
            raise HTTPError(HTTPStatus.BAD_REQUEST, "not a WebSocket handshake")

    def _turn_away(self, away: TurnedAway) -> None:
        # Not raised: that would clear the headers and render an error page, thousands of times in a storm.
        self.set_status(away.status)
        if away.retry_after is not None:
            self.set_header("Retry-After", math.ceil(away.retry_after / 1000))
        self.finish(away.message)

    def _asked(self) -> Request:
        headers, cookie = self.request.headers, self.get_cookie(SIGN_IN_COOKIE)
        return Request(self._role, self._place(), headers, self._argument, cookie)

    def _place(self) -> Place:
        return Place(self.request.protocol, self.request.headers.get("Host", ""))

    def _argument(self, name: str) -> str | None:
        return self.get_query_argument(name, None)

    def check_origin(self, origin: str) -> bool:
        """Return True: `prepare` has checked the origin together with the credential."""
        return True

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        """Select the subprotocol."""
        return choose_subprotocol(subprotocols)

    @property
    def max_message_size(self) -> int:
        """Return the longest frame that is read; a longer one is closed with 1009."""
        return MAX_FRAME_BYTES

    def get_websocket_protocol(self) -> WebSocketProtocol | None:
        """Return Tornado's protocol with our own reading."""
        protocol = super().get_websocket_protocol()
        return SocketProtocol(self, False, protocol.params) if isinstance(protocol, WebSocketProtocol13) else None

    def open(self, *args: str, **kwargs: str) -> None:
        """Connect a session to the engine, and give the connection to its transport."""
        self.set_nodelay(True)
        assert isinstance(self.ws_connection, SocketProtocol), "as get_websocket_protocol has made it"
        if self.ws_connection.stream.closed():
            return  # the client left during the upgrade: nothing would end a session made now
        transport = connect(self._gate.engine, self.ws_connection, self._admitted, self._wires)
        # The answer to the upgrade went through the stream.
        transport.wait_for(self.ws_connection.stream.write(b""))
        # The handler is now referenced only by its own templates' modules.
        self.ui.clear()

    def log_exception(self, *args: Any) -> None:
        """Log only our own bugs, not refused upgrades; omit the query, which may hold a bearer token."""
        if not isinstance(args[1], HTTPError):
            log.error("%s could not be served", self.request.path, exc_info=args)


def find_wires(name: str | None) -> tuple[Wire, Wire]:
    """Return how messages are encoded for the parameter `format`: as arrays, and as objects where a client sends these.

    Raises TurnedAway for an unknown one.
    """
    if name in (None, JSON.name):
        return JSON, JSON_OBJECTS
    if name == MESSAGE_PACK.name:
        return MESSAGE_PACK, MESSAGE_PACK
    raise TurnedAway(HTTPStatus.FORBIDDEN, "unknown format")


def connect(
    engine: Engine, protocol: SocketProtocol, admitted: Admitted, wires: tuple[Wire, Wire]
) -> "SocketTransport":
    """Connect a session to the engine, and give the connection to its transport."""
    session = engine.connect(admitted.member, wires[admitted.in_objects], admitted.revision)
    protocol.handler = session.transport = transport = SocketTransport(engine, session, protocol)
    return transport


class SocketTransport:
    """One client's WebSocket: the transport of its session and the handler of Tornado's protocol."""

    __slots__ = ("_engine", "_is_closed", "_protocol", "_session", "_socket", "_stream", "_written")

    def __init__(self, engine: Engine, session: Session, protocol: SocketProtocol) -> None:
        self._engine = engine
        self._session = session
        self._protocol: SocketProtocol | None = protocol
        self._stream = protocol.stream
        self._socket = protocol.stream.socket  # an SSLSocket when the stream uses TLS
        self._written: asyncio.Future[None] | None = None
        self._is_closed = False
        session.go_straight(self._socket)

    # Receiving

    def on_message(self, message: str | bytes) -> Awaitable[None] | None:
        """Pass a message to the engine; stop reading from a client that does not read its replies."""
        session = self._session
        work = self._engine.handle(session, message)
        if work is None:
            self._end_at_once()
        if work is not None or session.blocked or session.waiting_bytes > REPLY_ROOM_BYTES:
            return self._until_read(work)
        return None

    async def _until_read(self, work: Awaitable[None] | None) -> None:
        if work is not None:
            await work
        await asyncio.sleep(0)  # replies are written at the end of this turn
        while self._written is not None:
            await asyncio.wait((self._written,))

    def on_vain_read(self) -> None:
        """Charge a read that completes no frame to the client's budget."""
        self._engine.spend(self._session, READ_COST)
        self._end_at_once()

    def on_part(self) -> None:
        """Charge a part of a message as a frame."""
        self._engine.touch(self._session)
        self._end_at_once()

    def on_ping(self, data: bytes) -> None:
        """Note a ping as activity."""
        self._engine.touch(self._session)
        self._end_at_once()

    def on_pong(self, data: bytes) -> None:
        """Note a pong as activity, although the server sends no pings."""
        self._engine.touch(self._session)
        self._end_at_once()

    def _end_at_once(self) -> None:
        # Not at the end of the turn: a read may hold thousands of frames, which need not be handled any more.
        if self._session.closing is not None:
            self.flush()

    def on_ws_connection_close(self, close_code: int | None = None, close_reason: str | None = None) -> None:
        """Disconnect the session from the engine."""
        self._is_closed, self._protocol = True, None
        self._engine.disconnect(self._session)

    def settle(self) -> Awaitable[None] | None:
        """Write the replies that are due; an awaitable where pushes are still on their way into the journal."""
        settling = self._engine.settle(self._session)
        if settling is not None or self._session.blocked:
            return self._settle(settling)
        self.flush()
        return None

    async def _settle(self, settling: Awaitable[None] | None) -> None:
        if settling is not None:
            await settling
        while self._written is not None:
            await asyncio.wait((self._written,))
        self.flush()

    def log_exception(self, *args: Any) -> None:
        """Log a bug of ours; the connection ends."""
        log.error("a message could not be handled", exc_info=args)

    # Sending

    def flush(self) -> None:
        """Write the session's messages unless the client reads too slowly; then close if the session has ended."""
        session = self._session
        if self._is_closed:
            return
        if self._written is None:
            data = session.take()
            if data:
                self._write(data)
        if session.closing is not None and self._protocol is not None:
            # The last frame. Tornado drops a client that does not answer it within 5 s.
            self._is_closed = True
            self._protocol.close(session.closing.code, session.closing.reason)

    def _write(self, data: bytes) -> None:
        # Directly to the socket; the stream sends the rest.
        try:
            sent = self._socket.send(data)
        except (BlockingIOError, SSLWantWriteError, SSLWantReadError):
            sent = 0
        except OSError:
            self._stream.close()
            return
        if sent < len(data):
            self._write_through_stream(memoryview(data)[sent:])

    def _write_through_stream(self, data: memoryview) -> None:
        try:
            self.wait_for(self._stream.write(data))
        except StreamClosedError:
            return  # Tornado reports the end of the connection

    def wait_for(self, written: "asyncio.Future[None]") -> None:
        """Hold the session back until the stream has written."""
        if not written.done():
            self._written = written
            self._session.blocked = True
            self._session.go_straight(None)
            written.add_done_callback(self._unblock)

    def _unblock(self, written: "asyncio.Future[None]") -> None:
        if written is not self._written:
            return  # a later write is still pending
        self._written = None
        self._session.blocked = False
        # After an error, Tornado reports the end of the connection.
        if not written.cancelled() and written.exception() is None:
            self._session.go_straight(self._socket)
            self.flush()
