"""The WebSocket transport: Tornado's handler around a Session.

Writing goes past Tornado's `write_message`, which costs a task, a future and two callbacks per client (measured: 38 µs
of CPU a delivery; straight to the socket 7.7). While its stream has nothing queued, the session's buffer goes to the
socket in one system call; what the socket does not take goes through the stream, and until that is written the
session is `blocked` and keeps what comes in its bounded outbox.
"""

import asyncio
import logging
from collections.abc import Awaitable, Collection
from typing import Any, ClassVar
from urllib.parse import urlsplit

from tornado.iostream import SSLIOStream, StreamClosedError
from tornado.web import HTTPError
from tornado.websocket import WebSocketHandler

from channels.engine import Engine
from channels.errors import Unavailable
from channels.handshake import COOKIE, Credential, find_credential
from channels.limit import MAX_CONNECTIONS, MAX_FRAME_BYTES
from channels.member import Member
from channels.policy import RoleRules
from channels.protocol import WIRES, Wire
from channels.session import Session

log = logging.getLogger(__name__)


class ChannelSocket(WebSocketHandler):
    """The WebSocket of one role; the subclass names its `rules`.

    Answers the upgrade with 403 where the credential is nobody's or another role's, the Origin of a cookie's request
    is foreign, or the protocol's version is unknown; with 429 where the user has too many connections open; with 503
    where the credential cannot be checked now.
    """

    rules: ClassVar[RoleRules]
    _session: Session | None = None
    _transport: "SocketTransport | None" = None

    def initialize(self, engine: Engine, origins: Collection[str] = ()) -> None:
        """Take the engine, and the origins (scheme://host) beside our own whose pages may use a cookie."""
        self._engine = engine
        self._origins = origins

    async def prepare(self) -> None:
        """Check the credential before the upgrade."""
        self._revision = self._engine.revision
        self._credential = self._find_credential()
        self._wire = self._find_wire()
        self._member = await self._authenticate()

    def _find_credential(self) -> Credential:
        access_token = self.get_query_argument("access_token", None)
        found = find_credential(self.request.headers, access_token, self.get_cookie(COOKIE))
        if found is None:
            raise HTTPError(403, "no credential")
        return found

    def _find_wire(self) -> Wire:
        wire = WIRES.get(self.get_query_argument("format", "json"))
        if wire is None or not self.get_query_argument("vsn", "2.0.0").startswith("2."):
            raise HTTPError(403, "unknown format or version of the protocol")
        return wire

    async def _authenticate(self) -> Member:
        try:
            member = await self._engine.authority.authenticate(self._credential.secret)
        except Unavailable as error:
            raise HTTPError(503, "the database does not answer") from error
        if member is None or member.user.role is not self.rules.role:
            raise HTTPError(403, "not a credential for this socket")
        if self._engine.connections_of(member) >= MAX_CONNECTIONS:
            raise HTTPError(429, "too many connections of one user")
        return member

    def check_origin(self, origin: str) -> bool:
        """Let a cookie be used from our own pages only; a bearer token is not sent by accident."""
        if not self._credential.ambient:
            return True
        return (
            origin in self._origins or urlsplit(origin).netloc.lower() == self.request.headers.get("Host", "").lower()
        )

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
        session = self._engine.connect(self._member, self._wire, self._revision)
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
