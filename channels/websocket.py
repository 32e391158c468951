"""The WebSocket transport: Tornado's handler around a Session.

Writing goes past Tornado's `write_message`, which costs a task, a future and two callbacks per client (measured: 38 µs
of CPU a delivery; straight to the socket 7.7). While its stream has nothing queued, the session's buffer goes to the
socket in one system call; what the socket does not take goes through the stream, and until that is written the
session is `blocked` and keeps what comes in its bounded outbox.
"""

import asyncio
import logging
import math
from collections.abc import Awaitable
from typing import Any, ClassVar

from tornado.iostream import SSLIOStream, StreamClosedError
from tornado.web import HTTPError
from tornado.websocket import WebSocketHandler

from channels.entrance import Entrance, TurnedAway
from channels.handshake import COOKIE
from channels.limit import MAX_FRAME_BYTES
from channels.policy import RoleRules
from channels.protocol import JSON, JSON_OBJECTS, MESSAGE_PACK, Wire
from channels.session import Session

log = logging.getLogger(__name__)


class ChannelSocket(WebSocketHandler):
    """The WebSocket of one role; the subclass names its `rules`.

    Answers the upgrade with the status of `TurnedAway` where the client is not let in, 403 also where the format is
    unknown.
    """

    rules: ClassVar[RoleRules]
    _session: Session | None = None
    _transport: "SocketTransport | None" = None

    def initialize(self, entrance: Entrance) -> None:
        """Take the way into this worker."""
        self._entrance = entrance
        self._engine = entrance.engine

    async def prepare(self) -> None:
        """Check the credential before the upgrade."""
        if self._argument("format") not in (None, JSON.name, MESSAGE_PACK.name):
            raise HTTPError(403, "unknown format")
        try:
            self._admitted = await self._entrance.admit(
                self.rules, self.request.headers, self._argument, self.get_cookie(COOKIE)
            )
        except TurnedAway as error:
            if error.retry_after is not None:
                self.set_header("Retry-After", math.ceil(error.retry_after / 1000))
            raise HTTPError(error.status, error.message) from error

    def _argument(self, name: str) -> str | None:
        return self.get_query_argument(name, None)

    def check_origin(self, origin: str) -> bool:
        """Let everybody pass: `prepare` has looked at the origin, with the credential."""
        return True

    def _find_wire(self) -> Wire:
        if self._argument("format") == MESSAGE_PACK.name:
            return MESSAGE_PACK
        return JSON_OBJECTS if self._admitted.in_objects else JSON

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        """Answer what Phoenix' client offers beside its token: without that, browsers drop the connection."""
        return "phoenix" if "phoenix" in subprotocols else None

    @property
    def max_message_size(self) -> int:
        """Return the longest frame that is read; a longer one is closed with 1009."""
        return MAX_FRAME_BYTES

    def open(self, *args: str, **kwargs: str) -> None:
        """Join the engine."""
        self.set_nodelay(True)
        session = self._engine.connect(self._admitted.member, self._find_wire(), self._admitted.revision)
        self._transport = session.transport = SocketTransport(session, self)
        self._session = session

    def on_message(self, message: str | bytes) -> Awaitable[None] | None:
        """Hand a message to the engine; while this client does not read, nothing more is read from it."""
        if self._session is None or self._transport is None:
            return None
        work = self._engine.handle(self._session, message)
        if work is not None or self._session.blocked:
            return _until_read(self._transport, work)
        return None

    def on_ping(self, data: bytes) -> None:
        """Count a ping as a sign of life."""
        if self._session is not None:
            self._engine.heard(self._session)

    def on_close(self) -> None:
        """Leave the engine."""
        session, self._session, self._transport = self._session, None, None
        if session is not None:
            self._engine.disconnect(session)

    def log_exception(self, *args: Any) -> None:
        """Log our own bugs only: a refused upgrade is no error. Without the query, which may hold a bearer token."""
        if not isinstance(args[1], HTTPError):
            log.error("%s could not be served", self.request.path, exc_info=args)


class SocketTransport:
    """Writes what a session has to one WebSocket."""

    __slots__ = ("_closed", "_handler", "_session", "_socket", "_stream", "_written")

    def __init__(self, session: Session, handler: ChannelSocket) -> None:
        stream = handler.ws_connection.stream if handler.ws_connection is not None else None
        assert stream is not None, "a transport is made when its connection is open"
        self._session = session
        self._handler = handler
        self._stream = stream
        # A TLS stream has to encrypt what it sends; a plain one's socket takes it as it is.
        self._socket = None if isinstance(stream, SSLIOStream) else stream.socket
        self._written: asyncio.Future[None] | None = None
        self._closed = False

    def flush(self) -> None:
        """Write what the session has, as far as the client reads; then close, if the session has ended."""
        session = self._session
        if self._closed:
            return
        if self._written is None:
            data = session.take()
            if data:
                self._write(data)
        if session.closing is not None:
            # The last frame. A client that does not read is cut off by Tornado when it has not answered for 5 s.
            self._closed = True
            self._handler.close(session.closing.code, session.closing.reason)

    async def drained(self) -> None:
        """Wait until the client has read what went through the stream."""
        while self._written is not None:
            await asyncio.wait((self._written,))

    def _write(self, data: bytes) -> None:
        rest: bytes | memoryview = data
        try:
            if self._socket is not None and not self._stream.writing():
                sent = self._socket.send(data)
                if sent == len(data):
                    return
                rest = memoryview(data)[sent:]
        except BlockingIOError:
            pass
        except OSError as error:
            self._stream.close((type(error), error, error.__traceback__))
            return
        self._write_through_stream(rest)

    def _write_through_stream(self, data: bytes | memoryview) -> None:
        try:
            self._written = self._stream.write(data)
        except StreamClosedError:
            return
        self._session.blocked = True
        self._written.add_done_callback(self._unblock)

    def _unblock(self, written: "asyncio.Future[None]") -> None:
        self._written = None
        self._session.blocked = False
        # Where the connection is gone, on_close follows.
        if not written.cancelled() and written.exception() is None:
            self.flush()


async def _until_read(transport: SocketTransport, work: Awaitable[None] | None) -> None:
    if work is not None:
        await work
        await asyncio.sleep(0)  # what was offered is written at the end of this turn
    await transport.drained()
