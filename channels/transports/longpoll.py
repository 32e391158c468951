"""The long-poll transport over HTTP, for networks that block WebSockets: Tornado's handler around a `PollSession`.

    GET without a token: opens a session (410 and its token)      GET: polls      POST: pushes frames (ndjson)
    DELETE: ends the session                                      OPTIONS: answers a CORS preflight

As Phoenix' clients expect, every answer is HTTP 200 with a JSON body whose `status` gives the result; only faults of
the HTTP request itself have another HTTP status. The token authenticates a request: it cannot be guessed, and no
browser sends it automatically.

The reasons: docs/notes/long-polling.md.
"""

import asyncio
import base64
import binascii
import logging
from http import HTTPStatus
from typing import Any

import msgspec
from tornado.web import HTTPError, RequestHandler, stream_request_body

from channels.errors import Code, Refused
from channels.lesson.rules import Role
from channels.limit import MAX_FRAME_BYTES, MAX_POST_BYTES, MAX_POST_FRAMES
from channels.transports.credential import SIGN_IN_COOKIE
from channels.transports.gate import Gate, Place, Request, TurnedAway
from channels.transports.linger import linger
from channels.transports.poll_session import PollAnswer, gone, status_body
from channels.transports.poll_sessions import LeaveRequest, PollRequest, PushRequest
from channels.transports.poll_token import PollToken
from channels.wire.codec import JSON

log = logging.getLogger(__name__)

NDJSON = "application/x-ndjson"
SESSION_HEADER = "X-Phoenix-Longpoll-Token"

_GONE = b'{"status":410'
_FAILED = b'{"status":500'

# Digits of a Content-Length: as many as the largest 64-bit number has.
MAX_LENGTH_DIGITS = 19

# How long browsers may cache the answer to a preflight, in seconds; the same as Phoenix.
PREFLIGHT_SECONDS = 3600


@stream_request_body
class ChannelPoll(RequestHandler):
    """The long-poll endpoint of one role."""

    _answer: PollAnswer | None = None
    _receiving: PollToken | None = None  # while a body is read
    _has_hung_up = False

    def initialize(self, gate: Gate, role: Role) -> None:
        """Take the gate of this worker, and the role that connects here."""
        self._gate = gate
        self._role = role
        self._poll_sessions = gate.poll_sessions
        self._body = bytearray()

    def set_default_headers(self) -> None:
        """Forbid caches to store the answer."""
        self.set_header("Content-Type", "application/json")
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")

    def prepare(self) -> None:
        """Allow the configured origins, and refuse a body before it is read: a stranger's, or one that is too long."""
        self._allow_origin()
        length = self._announced_bytes()
        if self.request.method != "POST":
            if length or "Transfer-Encoding" in self.request.headers:  # it should have no body
                self.set_status(HTTPStatus.BAD_REQUEST)
                self._refuse_body(b"")
        elif length > MAX_POST_BYTES:
            self.set_status(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            self._refuse_body(status_body(413))
        else:
            self._prepare_push(self._token())

    def _prepare_push(self, token: PollToken | None) -> None:
        if token is None or not self._poll_sessions.may_exist(token):
            self._refuse_body(gone())
        elif not self._poll_sessions.begin_body(token):
            self._refuse_body(status_body(408))
        else:
            self._receiving = token
            self._http.set_max_body_size(MAX_POST_BYTES)

    @property
    def _http(self) -> Any:
        return self.request.connection

    def _refuse_body(self, answer: bytes) -> None:
        # The body stays unread, so the connection ends with this answer.
        self.set_header("Connection", "close")
        linger(self._http.stream.socket)
        self.finish(answer)

    def _end_body(self) -> None:
        self._body = bytearray()
        if self._receiving is not None:
            self._poll_sessions.end_body(self._receiving)
            self._receiving = None

    def _announced_bytes(self) -> int:
        # RFC 9110, section 8.6: digits; a repeated value such as "5, 5" may be refused.
        length = self.request.headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdigit() and len(length) <= MAX_LENGTH_DIGITS):
            self.set_header("Connection", "close")
            raise HTTPError(HTTPStatus.BAD_REQUEST, "no length")
        return int(length)

    def data_received(self, chunk: bytes) -> None:
        """Keep a part of the body."""
        self._body += chunk

    def check_xsrf_cookie(self) -> None:
        """Skip the check: the session's token protects as well, since only our own answers contain it."""

    def compute_etag(self) -> None:
        """Return None: no client asks for an answer by its ETag, and computing one would hash every answer."""

    async def get(self) -> None:
        """Answer a poll; open a session when the request has no token."""
        token = self._token()
        if token is not None:
            await self._pass_on(token, PollRequest(token.session, self._role.name, token.answer))
        elif self._names_in_header():
            self.finish(gone())
        else:
            # A parameter that is not our token belongs to the page: the client has no session yet.
            self.finish(await self._open())

    async def post(self) -> None:
        """Handle the frames in the body; a poll carries their replies."""
        token, frames = self._receiving, self._frames()
        self._end_body()
        assert token is not None, "`prepare` answers a request without one"
        if len(frames) > MAX_POST_FRAMES or max(map(len, frames), default=0) > MAX_FRAME_BYTES:
            self.finish(status_body(413))
        else:
            await self._pass_on(token, PushRequest(token.session, self._role.name, frames))

    async def delete(self) -> None:
        """End the session."""
        token = self._token()
        if token is None:
            self.finish(gone())
        else:
            await self._pass_on(token, LeaveRequest(token.session, self._role.name))

    def options(self) -> None:
        """Answer a preflight (Fetch standard, section 3.2.3); `prepare` has set the header that allows the origin."""
        requested = self.request.headers.get("Access-Control-Request-Headers")
        if requested is not None:
            self.set_header("Access-Control-Allow-Headers", requested)
        self.set_header("Access-Control-Allow-Methods", "GET, POST, DELETE, OPTIONS")
        self.set_header("Access-Control-Max-Age", PREFLIGHT_SECONDS)

    def on_connection_close(self) -> None:
        """Cancel the poll; the next one gets its messages."""
        super().on_connection_close()
        self._has_hung_up = True
        self._end_body()
        # Breaks two reference cycles, which only the garbage collector would free with all that was read: the handler's
        # templates' modules, and the exception in Tornado's future of the body, whose traceback leads to the request.
        # The future is dropped in the next turn, after the tasks that await it are woken.
        self._break_cycles()
        asyncio.get_running_loop().call_soon(vars(self.request).pop, "_body_future", None)
        if self._answer is not None:
            self._answer.cancel()

    async def _pass_on(self, token: PollToken, request: PollRequest | PushRequest | LeaveRequest) -> None:
        self._answer = self._poll_sessions.ask(token, request)
        try:
            body = await self._answer
            if not self._poll_sessions.reaches(token):
                # A kept connection would reach this worker again; a new one may reach the session's own.
                self.set_header("Connection", "close")
            self.finish(self._as_understood(body))
        except asyncio.CancelledError:
            if self._has_hung_up:
                return
            if not self._answer.cancelled():
                raise
            # The worker stops; how many frames it handled is unknown.
            self.finish(status_body(500, code=Code.UNAVAILABLE))

    def _as_understood(self, answer: bytes) -> bytes:
        # Stock clients before 1.8.2, which send the token in the query, take 410 for a new session in which their
        # topics are still joined, and receive nothing. On 500 all of them reconnect and join again.
        if self.request.method == "GET" and answer.startswith(_GONE) and not self._names_in_header():
            return _FAILED + answer.removeprefix(_GONE)
        return answer

    async def _open(self) -> bytes:
        if self.get_query_argument("format", JSON.name) != JSON.name:
            return status_body(403, reason="a poll speaks JSON only")
        try:
            admitted = await self._gate.admit(self._asked())
            return self._poll_sessions.open(
                admitted.member, admitted.revision, self.request.remote_ip or "", in_objects=admitted.in_objects
            )
        except TurnedAway as away:
            if away.status is HTTPStatus.FORBIDDEN:
                return status_body(403, reason=away.message)
            # Phoenix' clients know no other status that means "later".
            return status_body(500, code=Code.UNAVAILABLE, message=away.message, retry_after=away.retry_after)
        except Refused as refusal:
            return status_body(500, **msgspec.to_builtins(refusal.response))

    def _asked(self) -> Request:
        headers, cookie = self.request.headers, self.get_cookie(SIGN_IN_COOKIE)
        return Request(self._role, self._place(), headers, self._argument, cookie)

    def _place(self) -> Place:
        return Place(self.request.protocol, self.request.headers.get("Host", ""))

    def _argument(self, name: str) -> str | None:
        return self.get_query_argument(name, None)

    def _token_text(self) -> str | None:
        # Stock clients up to 1.8 append their token to the page's own parameters: the last one is the session's.
        return self.request.headers.get(SESSION_HEADER) or self._argument("token") or None

    def _names_in_header(self) -> bool:
        return bool(self.request.headers.get(SESSION_HEADER))

    def _token(self) -> PollToken | None:
        text = self._token_text()
        return None if text is None else self._poll_sessions.read(text)

    def _frames(self) -> list[bytes]:
        body = bytes(self._body)
        if self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != NDJSON:
            return [body]
        return [_frame(line) for line in body.split(b"\n") if line.strip()]

    def _allow_origin(self) -> None:
        self.set_header("Vary", "Origin")
        origin = self.request.headers.get("Origin")
        if origin is not None and self._gate.allows(origin, self._place()):
            self.set_header("Access-Control-Allow-Origin", origin)
            self.set_header("Access-Control-Allow-Credentials", "true")

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer an error in a body that stock clients can read; an unsupported method gets an empty 400."""
        if status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            self.set_status(HTTPStatus.BAD_REQUEST)
            self.finish()
        else:
            self.finish(status_body(status_code))

    def log_exception(self, *args: Any) -> None:
        """Log only our own bugs; omit the query, which may hold a bearer token."""
        if not isinstance(args[1], HTTPError):
            log.error("%s could not be served", self.request.path, exc_info=args)


def _frame(line: bytes) -> bytes:
    # A line that is not JSON is a binary frame in base64; a line that is neither is refused later as a bad frame.
    if line[:1] in (b"[", b"{"):
        return line
    try:
        return base64.b64decode(line, validate=True)
    except binascii.Error:
        return line
