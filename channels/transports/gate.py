"""Admits clients on both transports: checks credential, role, origin, version and rate, then waits for a queue slot.

    request -> admit() -> Admitted -> the transport makes a session          TurnedAway: the reason, and when to retry

Knows neither WebSockets nor polls. Each transport answers a `TurnedAway` in its own way.
"""

import asyncio
import logging
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from http import HTTPStatus
from typing import NamedTuple

from channels.engine.engine import Engine
from channels.errors import ChannelError, Unavailable
from channels.lesson.rules import Role
from channels.limit import MAX_CONNECTIONS
from channels.member import Member
from channels.metric import Kind, Metric, Sample
from channels.transports.admission import Admission, Crowded
from channels.transports.credential import Credential, find_credential
from channels.transports.handshake_rates import HandshakeRates
from channels.transports.origin import comes_from, origin_of
from channels.transports.poll_sessions import PollSessions

log = logging.getLogger(__name__)

# What Phoenix' clients send: three numbers, of which the first selects the format.
_VERSION = re.compile(r"([12])\.[0-9]{1,9}\.[0-9]{1,9}")

# Retry delay, in ms, while credentials cannot be checked: a database takes seconds to restart.
RETRY_MS = 2_000


ADMITTED = Metric("lousa_admitted_total", Kind.COUNTER, "Clients admitted.", ("role",))
TURNED_AWAY = Metric(
    "lousa_turned_away_total",
    Kind.COUNTER,
    "Clients refused before their connection, by HTTP status; 503: too many came at once, or a database is away.",
    ("status",),
)
WAITING = Metric("lousa_admission_waiting", Kind.GAUGE, "Clients that wait for their slot of the admission queue.")
METRICS = (ADMITTED, TURNED_AWAY, WAITING)


class Place(NamedTuple):
    """Where a request was sent: the scheme (http or https) that the browser used, and the Host header."""

    scheme: str
    host: str


class Request(NamedTuple):
    """A client's request to connect as a role; `argument` gives a parameter of the query, `cookie` the sign-in's."""

    role: Role
    place: Place
    headers: Mapping[str, str]
    argument: Callable[[str], str | None]
    cookie: str | None

    def credential(self) -> Credential | None:
        """Return the credential that the client has sent."""
        return find_credential(self.headers, self.argument("access_token"), self.cookie)


class Admitted(NamedTuple):
    """An admitted client. `revision` is the engine's before the check; `in_objects` is the format of its frames."""

    member: Member
    revision: int
    in_objects: bool


class TurnedAway(ChannelError):
    """A refused client: the HTTP status, and after how many ms it may retry, if at all."""

    def __init__(self, status: HTTPStatus, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.retry_after = retry_after


class Gate:
    """Admits clients to one worker. Pages of `origins` (scheme://host:port) may use a cookie, as our own pages may.

    `admission` and `handshakes` replace the default limits; `sleep` is awaited until a client's slot is free.
    """

    def __init__(
        self,
        engine: Engine,
        poll_sessions: PollSessions,
        origins: Collection[str] = (),
        *,
        admission: Admission | None = None,
        handshakes: HandshakeRates | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.engine = engine
        self.poll_sessions = poll_sessions
        self._origins = frozenset(origins)
        self._admission = admission or Admission(time.monotonic)
        self._handshakes = HandshakeRates(time.monotonic) if handshakes is None else handshakes
        self._sleep = sleep
        self._waiting: Counter[int] = Counter()  # clients in the queue, by user
        self._has_explained_scheme = False
        self._admitted: Counter[str] = Counter()
        self._turned_away: Counter[int] = Counter()

    async def admit(self, request: Request) -> Admitted:
        """Authenticate a client for its role and wait for its slot.

        Raises TurnedAway: FORBIDDEN (no credential of this role, a foreign page with a cookie, an unknown version of
        the protocol), TOO_MANY_REQUESTS (the user has too many connections, or opens them too fast) or
        SERVICE_UNAVAILABLE (the database is away, or the queue is full).
        """
        try:
            admitted = await self._admit(request)
        except TurnedAway as away:
            self._turned_away[away.status.value] += 1
            raise
        self._admitted[request.role.name] += 1
        return admitted

    async def _admit(self, request: Request) -> Admitted:
        role = request.role
        revision = self.engine.revision
        in_objects = _speaks_in_objects(request.argument("vsn"))
        credential = request.credential()
        if credential is None:
            raise TurnedAway(HTTPStatus.FORBIDDEN, "no credential")
        self._check_origin(request, credential)
        member = await self._authenticate(role, credential)
        self._check_user(member)
        await self._wait_for_slot(role, member)
        return Admitted(member, revision, in_objects)

    def admit_at_once(self, request: Request) -> Admitted | None:
        """Admit a client that is in memory and need not wait; None: call `admit`.

        Raises TurnedAway as `admit` does.
        """
        try:
            admitted = self._admit_at_once(request)
        except TurnedAway as away:
            self._turned_away[away.status.value] += 1
            raise
        if admitted is not None:
            self._admitted[request.role.name] += 1
        return admitted

    def _admit_at_once(self, request: Request) -> Admitted | None:
        role, credential = request.role, request.credential()
        member = self.engine.authority.recall(credential.secret) if credential is not None else None
        if credential is None or member is None or (role.waits_in_line and self._admission.has_queue):
            return None
        self._check_origin(request, credential)
        _check_role(role, member)
        self._check_user(member)
        self._admission.take_slot(waits=role.waits_in_line)
        return Admitted(member, self.engine.revision, _speaks_in_objects(request.argument("vsn")))

    def read_numbers(self) -> Iterator[Sample]:
        """Return what this gate has counted since its start, and who waits now."""
        yield from (ADMITTED.of(count, role) for role, count in self._admitted.items())
        yield from (TURNED_AWAY.of(count, str(status)) for status, count in self._turned_away.items())
        yield WAITING.of(self._waiting.total())

    def allows(self, origin: str, place: Place) -> bool:
        """Return whether pages of an origin may use a cookie at a place."""
        given = _normal(origin)
        if given in self._origins or (place.host and given == origin_of(*place)):
            return True
        self._explain_scheme(given, place)
        return False

    def _explain_scheme(self, origin: str, place: Place) -> None:
        if not self._has_explained_scheme and place.host and origin == origin_of("https", place.host):
            self._has_explained_scheme = True
            log.warning(
                "A page of %s is refused: its request came over plain HTTP. If a proxy that speaks HTTPS stands before "
                "this server, name the proxy's address with --behind-proxy, and have it set X-Forwarded-Proto.",
                origin,
            )

    def _check_origin(self, request: Request, credential: Credential) -> None:
        # A foreign page can only send credentials that the browser attaches by itself: cookies, not tokens.
        if credential.ambient and not comes_from(request.headers, lambda origin: self.allows(origin, request.place)):
            raise TurnedAway(HTTPStatus.FORBIDDEN, "a foreign page's request")

    async def _authenticate(self, role: Role, credential: Credential) -> Member:
        try:
            member = await self.engine.authority.authenticate(credential.secret)
        except Unavailable as error:
            message = "the database does not answer"
            raise TurnedAway(HTTPStatus.SERVICE_UNAVAILABLE, message, RETRY_MS) from error
        return _check_role(role, member)

    def _check_user(self, member: Member) -> None:
        # Checked before a slot is taken, so that one user cannot fill the queue. Queued clients count as connections.
        if self.engine.connections_of(member) + self._waiting[member.user.id] >= MAX_CONNECTIONS:
            raise TurnedAway(HTTPStatus.TOO_MANY_REQUESTS, "too many connections of one user", RETRY_MS)
        wait = self._handshakes.seconds_until_handshake(member.user.id)
        if wait:
            message = "one user opens connections too fast"
            raise TurnedAway(HTTPStatus.TOO_MANY_REQUESTS, message, int(1000 * wait) + 1)

    async def _wait_for_slot(self, role: Role, member: Member) -> None:
        try:
            wait = self._admission.take_slot(waits=role.waits_in_line)
        except Crowded as crowded:
            raise TurnedAway(HTTPStatus.SERVICE_UNAVAILABLE, str(crowded), crowded.retry_after) from crowded
        if wait:
            await self._wait(wait, member.user.id)

    async def _wait(self, seconds: float, user_id: int) -> None:
        self._waiting[user_id] += 1
        try:
            await self._sleep(seconds)
        finally:
            self._waiting[user_id] -= 1
            if not self._waiting[user_id]:
                del self._waiting[user_id]


def _check_role(role: Role, member: Member | None) -> Member:
    if member is None or member.user.role != role.name:
        raise TurnedAway(HTTPStatus.FORBIDDEN, "not a credential for this socket")
    return member


def _normal(origin: str) -> str:
    scheme, _, host = origin.partition("://")
    return origin_of(scheme, host)


def _speaks_in_objects(version: str | None) -> bool:
    # Without a version, the client's first frame decides the format.
    found = _VERSION.fullmatch("2.0.0" if version is None else version)
    if found is None:
        raise TurnedAway(HTTPStatus.FORBIDDEN, f"no version {version!r} of the protocol is spoken here")
    return found[1] == "1"
