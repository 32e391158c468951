"""Tornado's HTTP server: connections start in small batches, no client takes what others need, a stop answers requests.

    Acceptor -> a connection -> FirstBytes -> a handshake -> Upgrades
                                           -> Tornado -> RequestFront, for each request -> the application

All uses of Tornado's private API but the WebSockets' (`channels.transports.tornado_reading`) are here and in
`request_front`:

* `TCPServer.add_sockets` fills `_sockets` and `_handlers`, whose values stop accepting.
* `HTTPServer._connections` holds the HTTP connections that are open; one that became a WebSocket has left it.
* `IOStream._read_buffer` holds `_read_buffer_size` bytes that have come; a connection's first bytes are put there.
* `IOStream._find_read_pos` looks for the end of a head in `_read_buffer` by `_read_regex`; it calls `_check_max_bytes`
  with how much has arrived, and `_read_max_bytes` is the bound.
* The context of an HTTP connection has `remote_ip` and `protocol`, from which its requests take theirs.

Written for Tornado 6.6; tests/server/process/test_tornado_http_server.py fails when a release changes one of these.
"""

import asyncio
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from socket import socket
from typing import Any, NamedTuple

from tornado.http1connection import HTTP1ServerConnection
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPConnection, HTTPMessageDelegate
from tornado.iostream import IOStream

from channels.transports.handshake import Handshake
from channels.transports.linger import linger
from channels.transports.upgrades import Upgrades
from server.process.acceptor import Acceptor
from server.process.first_bytes import FirstBytes
from server.process.proxies import Caller, Proxies
from server.process.request_front import MAX_HEADER_BYTES, RequestFront, Source
from server.process.turns import Turns

OnUpgrade = Callable[[HTTPStatus, str, str, float], object]

# Connections that are started in one turn of the event loop, beside the first that is accepted in it, and for how long:
# a message takes three turns, which stay short for those who are connected, however many new clients arrive. The others
# are accepted meanwhile, so that the kernel's backlog stays empty: when it is full, the kernel drops connections, and
# clients try again after 1, 3, 7 … seconds.
STARTED_AT_ONCE = 32
START_SECONDS = 0.0015

# Silent connections closed for a new one when file descriptors run out: several, so that their number falls although
# each that is closed lets another one in.
CLOSED_AT_ONCE = 4

# How long a connection that was accepted just before the stop may take to send its request and receive its answer.
LAST_REQUESTS_SECONDS = 1.0

# How long a connection may wait for its next request where nothing else is said, as in Tornado.
IDLE_SECONDS = 3600.0

# How long closing the remaining connections may take: each close waits for its own handler.
CLOSE_SECONDS = 2.0


# The end of a head, `\r\n\r\n`, may have begun with what was searched before.
_LONGEST_END = 4

_HEADERS_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class _Stream(IOStream):
    """A connection's stream, which answers a head that is longer than Tornado reads.

    `first` bytes of the connection have been read already; `spare`: see `Acceptor`.
    """

    def __init__(self, connection: socket, first: bytes, *, spare: bool) -> None:
        super().__init__(connection)
        self._read_buffer += first
        self._read_buffer_size = len(first)
        self.spare = spare
        self._searched = 0
        self._is_refused = False

    def read_until_regex(self, regex: bytes, max_bytes: int | None = None) -> Awaitable[bytes]:
        """Begin to read a head."""
        self._searched = 0
        return super().read_until_regex(regex, max_bytes)

    def _find_read_pos(self) -> int | None:
        # Tornado searches all that has come for each read, at 25 µs a KiB: a core for a head that comes byte by byte.
        if self._read_regex is None:
            return super()._find_read_pos()
        begin = max(0, self._searched - _LONGEST_END)
        found = self._read_regex.search(self._read_buffer, begin, MAX_HEADER_BYTES)
        self._searched = self._read_buffer_size
        self._check_max_bytes(self._read_regex, found.end() if found else self._read_buffer_size)
        return found.end() if found else None

    def _check_max_bytes(self, delimiter: bytes | re.Pattern[bytes], size: int) -> None:
        is_head = isinstance(delimiter, re.Pattern)  # Tornado's server reads nothing else by a pattern
        if is_head and self._read_max_bytes is not None and size > self._read_max_bytes:
            self._refuse()
        super()._check_max_bytes(delimiter, size)

    def _refuse(self) -> None:
        if not self._is_refused:
            self._is_refused = True
            linger(self.socket)
            with suppress(OSError):
                self.socket.send(_HEADERS_TOO_LARGE)
        # The error that follows is kept here, and its traceback leads back here: a reference cycle.
        asyncio.get_running_loop().call_soon(setattr, self, "error", None)


class _Upgrade(NamedTuple):
    connection: socket
    handshake: Handshake
    caller: Caller
    began: float


class Server(HTTPServer):
    """An HTTP server that starts at most STARTED_AT_ONCE connections, and one more, in one turn of the event loop.

    The address of a client is read from the headers of `proxies`. With `counts` false, a connection has no limit.
    `upgrades` opens the WebSockets whose handshake is as usual, and `on_upgrade` is told of each: the status, the path,
    the client's address, and the seconds that it took.
    """

    def initialize(
        self,
        *args: Any,
        proxies: Proxies | None = None,
        counts: bool = True,
        upgrades: Upgrades | None = None,
        on_upgrade: OnUpgrade = lambda *_: None,
        **kwargs: Any,
    ) -> None:
        """Tornado's constructor: `HTTPServer` is configurable, so `__init__` never runs."""
        kwargs["max_header_size"] = MAX_HEADER_BYTES
        super().initialize(*args, **kwargs)
        self._upgrades = upgrades
        self._on_upgrade = on_upgrade
        self._first_bytes = FirstBytes(self._take_first, kwargs.get("idle_connection_timeout") or IDLE_SECONDS)
        self._in_line: set[socket] = set()  # handshakes that wait for their turn
        self._upgrading: set[asyncio.Task[None]] = set()
        self._proxies = proxies or Proxies()
        self._counts = counts
        self._turns = Turns()
        self._acceptor = Acceptor(self)
        self._waiting: deque[tuple[socket, Any, bool]] = deque()
        self._starting: asyncio.Handle | None = None
        self._sources: dict[HTTP1ServerConnection, Source] = {}
        # Since when connections wait for a request's head; the one that is silent for longest comes first.
        self._silent: dict[HTTP1ServerConnection, float] = {}

    def add_sockets(self, sockets: Iterable[socket]) -> None:
        """Accept on these sockets."""
        for each in sockets:
            self._sockets[each.fileno()] = each
            self._handlers[each.fileno()] = self._acceptor.add(each)

    def adopt(self, connection: socket, address: Any) -> None:
        """Take a connection that another process has accepted, as if it had come here."""
        self._acceptor.accepted(connection, address)

    def make_room(self) -> bool:
        """Close the connections that are silent for longest."""
        return sum(self._close_silent() for _ in range(CLOSED_AT_ONCE)) > 0

    def _close_silent(self) -> bool:
        first, since = self._first_bytes.oldest_since, next(iter(self._silent.values()), None)
        if first is not None and (since is None or first <= since):
            self._first_bytes.close_oldest()
        elif since is not None:
            silent = next(iter(self._silent))
            del self._silent[silent]
            silent.stream.close()
        return first is not None or since is not None

    def take(self, connection: socket, address: Any, *, spare: bool) -> None:
        """Start a connection: the first of a turn at once, others soon; a spare one may ask for the health only."""
        if self._starting is None:
            self._starting = asyncio.get_running_loop().call_soon(self._start_some)
            self._begin(connection, address, spare=spare)
        else:
            self._waiting.append((connection, address, spare))

    def _start_some(self) -> None:
        self._starting = None
        if not self._waiting:
            return
        self._starting = asyncio.get_running_loop().call_soon(self._start_some)
        ends = time.monotonic() + START_SECONDS
        for _ in range(min(len(self._waiting), STARTED_AT_ONCE)):
            connection, address, spare = self._waiting.popleft()
            self._begin(connection, address, spare=spare)
            if time.monotonic() > ends:
                break

    def _begin(self, connection: socket, address: Any, *, spare: bool) -> None:
        if spare or self._upgrades is None:
            self.handle_stream(_Stream(connection, b"", spare=spare), address)
        else:
            self._first_bytes.wait(connection, address)

    def _take_first(self, connection: socket, address: Any, data: bytes) -> None:
        assert self._upgrades is not None
        handshake = self._upgrades.read(data)
        if handshake is None:
            self.handle_stream(_Stream(connection, data, spare=False), address)
            return
        caller = self._proxies.read_caller(_peer(address), handshake.headers)
        upgrade = _Upgrade(connection, handshake, caller, time.monotonic())
        if self._turns.take_place():
            self._upgrade(self._upgrades, upgrade, waited=False)
            return
        self._in_line.add(connection)
        is_preferred = not self._upgrades.waits_in_line(handshake)
        self._turns.wait(partial(self._upgrade_in_line, self._upgrades, upgrade), preferred=is_preferred)

    def _upgrade_in_line(self, upgrades: Upgrades, upgrade: _Upgrade) -> bool:
        if upgrade.connection not in self._in_line:  # the server stops
            return False
        self._in_line.remove(upgrade.connection)
        self._upgrade(upgrades, upgrade, waited=True)
        return True

    def _upgrade(self, upgrades: Upgrades, upgrade: _Upgrade, *, waited: bool) -> None:
        status = upgrades.answer_at_once(upgrade.connection, upgrade.handshake, upgrade.caller.scheme, waited=waited)
        if status is not None:
            self._report(upgrade, status)
            return
        task = asyncio.get_running_loop().create_task(self._answer(upgrades, upgrade))
        self._upgrading.add(task)
        task.add_done_callback(self._upgrading.discard)

    async def _answer(self, upgrades: Upgrades, upgrade: _Upgrade) -> None:
        try:
            status = await upgrades.answer(upgrade.connection, upgrade.handshake, upgrade.caller.scheme)
        except asyncio.CancelledError:  # the server stops
            upgrade.connection.close()
            raise
        self._report(upgrade, status)

    def _report(self, upgrade: _Upgrade, status: HTTPStatus) -> None:
        seconds = time.monotonic() - upgrade.began
        self._on_upgrade(status, upgrade.handshake.path, upgrade.caller.address, seconds)

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        """Return the delegate of a connection's next request; until its head has come, the connection is silent."""
        assert isinstance(server_conn, HTTP1ServerConnection)
        source = self._sources.get(server_conn)
        if source is None:
            source = self._sources[server_conn] = self._source(server_conn)
        self._silent.pop(server_conn, None)
        self._silent[server_conn] = time.monotonic()
        delegate = super().start_request(server_conn, request_conn)
        return RequestFront(delegate, request_conn, source, self._turns, lambda: self._silent.pop(server_conn, None))

    def _source(self, connection: HTTP1ServerConnection) -> Source:
        context: Any = connection.context
        peer = Caller(context.remote_ip, context.protocol)
        spare = isinstance(connection.stream, _Stream) and connection.stream.spare
        return Source(peer, self._proxies, counts=self._counts, spare=spare)

    def on_close(self, server_conn: object) -> None:
        """Forget a connection that is closed, or has become a WebSocket."""
        super().on_close(server_conn)
        assert isinstance(server_conn, HTTP1ServerConnection)
        self._silent.pop(server_conn, None)
        self._sources.pop(server_conn, None)

    async def drain(self) -> None:
        """Stop accepting; answer the requests of accepted connections; then close the idle ones."""
        self.stop()
        try:
            async with asyncio.timeout(LAST_REQUESTS_SECONDS):
                # Polled: this happens once in a worker's life.
                while self._is_busy():  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        except TimeoutError:
            await self._close_rest()

    def _is_busy(self) -> bool:
        return any((self._waiting, self._first_bytes, self._connections, self._in_line, self._upgrading))

    async def _close_rest(self) -> None:
        self._first_bytes.close()
        while self._in_line:
            self._in_line.pop().close()
        for task in self._upgrading:
            task.cancel()
        # Bounded: a handler that waits for a hanging database keeps its connection open.
        closing = asyncio.create_task(self.close_all_connections())
        await asyncio.wait([closing], timeout=CLOSE_SECONDS)
        closing.cancel()


def _peer(address: Any) -> Caller:
    unknown = "0.0.0.0"  # noqa: S104 - what Tornado calls the client of a Unix socket
    return Caller(address[0] if isinstance(address, tuple) else unknown, "http")
