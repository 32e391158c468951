"""What happens to each HTTP request before the application sees it: who sent it, and whether it is handled at all.

    head of a request -> too many from one connection: 429 -> no room: 503 (but health is told)
                      -> the caller, by trusted proxies -> its turn -> the application

Works on Tornado's `HTTPMessageDelegate`, which is public, and on a connection's context, which is not:
`tornado_http_server` says more.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from tornado.httputil import HTTPHeaders, HTTPInputError, HTTPMessageDelegate, RequestStartLine, ResponseStartLine

from channels.limit import FRAME_BURST, FRAME_RATE
from channels.sessions.token_bucket import TokenBucket
from channels.transports.linger import linger
from server.headers import HEADERS
from server.process.proxies import Caller, Proxies
from server.process.turns import Turns

# The longest head of a request. Browsers send a few hundred bytes to two KiB.
MAX_HEADER_BYTES = 16 * 1024

# A page or a file takes up to a millisecond, and no browser asks for 20 a second on one connection, or for 120 at once.
PAGE_COST = 2.5
_CHANNELS = "/socket/"

# RFC 9112, section 3.2.2: servers must accept the absolute form, which replaces the Host header.
_ABSOLUTE = re.compile(r"https?://([^/?#]*)(.*)", re.IGNORECASE | re.DOTALL)

# What a monitor asks, also when there is no room for clients.
_HEALTH = frozenset(("/healthz", "/readyz"))


class Source:
    """Where a connection's requests come from: its peer, its budget, and whether it uses the reserve of descriptors.

    A request of the channels costs a frame of a WebSocket: 40 polls and 10 pushes a second are what one client may do.
    Any other costs PAGE_COST. A proxy's connection carries many clients' requests and has no budget; turns keep those
    from delaying others.
    """

    __slots__ = ("_budget", "_peer", "_proxies", "spare")

    def __init__(self, peer: Caller, proxies: Proxies, *, counts: bool, spare: bool) -> None:
        self.spare = spare
        self._peer = peer
        self._proxies = proxies
        rate = FRAME_RATE if counts and not proxies.trusts(peer.address) else 0
        self._budget = TokenBucket(rate, FRAME_BURST, time.monotonic())

    def may_send(self, path: str) -> bool:
        """Charge a request; return whether there was enough for it."""
        return not self._budget.take(time.monotonic(), 1.0 if _CHANNELS in path else PAGE_COST)

    def caller(self, headers: HTTPHeaders) -> Caller:
        """Return who has sent a request; removes the headers that say so."""
        return self._proxies.caller(self._peer, headers)


class RequestFront(HTTPMessageDelegate):
    """One request on its way to the application's delegate; `on_head` is called once its head has come."""

    def __init__(
        self,
        delegate: HTTPMessageDelegate,
        http: Any,
        source: Source,
        turns: Turns,
        on_head: Callable[[], object],
    ) -> None:
        self._delegate: HTTPMessageDelegate | None = delegate
        self._http = http
        self._source = source
        self._turns = turns
        self._on_head = on_head

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        """Refuse the request, or pass it on in its turn."""
        assert isinstance(start_line, RequestStartLine)
        self._on_head()
        refusal = self._refusal(start_line)
        if refusal is not None:
            self._refuse(refusal)
            return None
        turn = self._turns.take()
        if turn is None:
            return self._pass_on(start_line, headers)
        return self._pass_on_later(turn, start_line, headers)

    async def _pass_on_later(self, turn: Awaitable[None], start_line: RequestStartLine, headers: HTTPHeaders) -> None:
        try:
            await turn
            passed = self._pass_on(start_line, headers)
            if passed is not None:
                await passed
        except asyncio.CancelledError:
            # The server has stopped. Tornado would log this as an error, with a traceback for each connection.
            self._delegate = None
            self._http.close()

    def _pass_on(self, start_line: RequestStartLine, headers: HTTPHeaders) -> Awaitable[None] | None:
        assert self._delegate is not None
        context = self._http.context
        context.remote_ip, context.protocol = self._source.caller(headers)
        absolute = _ABSOLUTE.fullmatch(start_line.path)
        if absolute is not None:
            if not absolute[1]:
                raise HTTPInputError("no host")
            headers["Host"] = absolute[1]
            path = absolute[2] if absolute[2].startswith("/") else f"/{absolute[2]}"
            start_line = start_line._replace(path=path)
        return self._delegate.headers_received(start_line, headers)

    def _refusal(self, start_line: RequestStartLine) -> HTTPStatus | None:
        if not self._source.may_send(start_line.path):
            return HTTPStatus.TOO_MANY_REQUESTS
        if self._source.spare and start_line.path.partition("?")[0] not in _HEALTH:
            return HTTPStatus.SERVICE_UNAVAILABLE
        return None

    def _refuse(self, status: HTTPStatus) -> None:
        self._delegate = None
        answer = HTTPHeaders({**HEADERS, "Connection": "close", "Content-Length": "0", "Retry-After": "1"})
        linger(self._http.stream.socket)
        self._http.write_headers(ResponseStartLine("HTTP/1.1", status, status.phrase), answer)
        self._http.finish()

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Pass a part of the body on."""
        return None if self._delegate is None else self._delegate.data_received(chunk)

    def finish(self) -> None:
        """Pass the end of the request on."""
        if self._delegate is not None:
            self._delegate.finish()

    def on_connection_close(self) -> None:
        """Pass the end of the connection on."""
        if self._delegate is not None:
            self._delegate.on_connection_close()
