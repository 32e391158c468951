"""How a client comes in, whatever transport it uses: its credential, its role, whose page it is, how many there are.

    request -> admit() -> Admitted -> the transport makes a session          TurnedAway: why not, and for how long

Knows neither WebSockets nor polls. Each transport says a `TurnedAway` in its own way.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import urlsplit

from channels.engine.engine import Engine
from channels.errors import ChannelError, Unavailable
from channels.lesson.rules import RoleRules
from channels.limit import MAX_CONNECTIONS
from channels.member import Member
from channels.transports.admission import Admission, Crowded
from channels.transports.credential import Credential, find_credential
from channels.transports.poll_sessions import PollSessions

# When a client whose credential cannot be checked now may try again, in ms: a database that restarts takes seconds.
RETRY_MS = 2_000


class Admitted(NamedTuple):
    """Who may come in, and speaks in objects from the start; `revision` is the engine's from before the check."""

    member: Member
    revision: int
    in_objects: bool


class TurnedAway(ChannelError):
    """A client is not let in: an HTTP status that says why, and, where it may try again, in how many ms."""

    def __init__(self, status: HTTPStatus, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.retry_after = retry_after


class Gate:
    """The way into one worker: its engine, its poll sessions, and whose pages may use a cookie.

    `origins` (scheme://host) are those beside our own.
    """

    def __init__(self, engine: Engine, poll_sessions: PollSessions, origins: Collection[str] = ()) -> None:
        self.engine = engine
        self.poll_sessions = poll_sessions
        self._origins = frozenset(origins)
        self._admission = Admission(time.monotonic)

    async def admit(
        self, rules: RoleRules, headers: Mapping[str, str], argument: Callable[[str], str | None], cookie: str | None
    ) -> Admitted:
        """Say who is at the door of a role, or raise TurnedAway; `argument` gives a parameter of the query.

        FORBIDDEN: nobody's credential or another role's, a foreign page with a cookie, an unknown version of the
        protocol. TOO_MANY_REQUESTS: the user has too many connections open here. SERVICE_UNAVAILABLE: nobody can tell
        who it is, or too many come at once.
        """
        revision = self.engine.revision
        in_objects = _speaks_in_objects(argument("vsn"))
        credential = find_credential(headers, argument("access_token"), cookie)
        if credential is None:
            raise TurnedAway(HTTPStatus.FORBIDDEN, "no credential")
        self._check_origin(headers, credential)
        member = await self._authenticate(rules, credential)
        await self._wait_for_slot(rules)
        if self.engine.connections_of(member) >= MAX_CONNECTIONS:
            raise TurnedAway(HTTPStatus.TOO_MANY_REQUESTS, "too many connections of one user", RETRY_MS)
        return Admitted(member, revision, in_objects)

    def allows(self, origin: str, host: str) -> bool:
        """Tell whether pages of an origin may use a cookie here; `host` is what the client calls us."""
        return origin in self._origins or urlsplit(origin).netloc.lower() == host.lower()

    def _check_origin(self, headers: Mapping[str, str], credential: Credential) -> None:
        # Only what a browser sends by itself can be sent by accident.
        origin = headers.get("Origin")
        if credential.ambient and origin is not None and not self.allows(origin, headers.get("Host", "")):
            raise TurnedAway(HTTPStatus.FORBIDDEN, "a foreign page's request")

    async def _authenticate(self, rules: RoleRules, credential: Credential) -> Member:
        try:
            member = await self.engine.authority.authenticate(credential.secret)
        except Unavailable as error:
            message = "the database does not answer"
            raise TurnedAway(HTTPStatus.SERVICE_UNAVAILABLE, message, RETRY_MS) from error
        if member is None or member.user.role is not rules.role:
            raise TurnedAway(HTTPStatus.FORBIDDEN, "not a credential for this socket")
        return member

    async def _wait_for_slot(self, rules: RoleRules) -> None:
        try:
            wait = self._admission.take_slot(rules.role)
        except Crowded as crowded:
            raise TurnedAway(HTTPStatus.SERVICE_UNAVAILABLE, str(crowded), crowded.retry_after) from crowded
        if wait:
            await asyncio.sleep(wait)


def _speaks_in_objects(version: str | None) -> bool:
    # Who says nothing is answered in the form of their first frame.
    if version is None or version.startswith("2."):
        return False
    if version.startswith("1."):
        return True
    raise TurnedAway(HTTPStatus.FORBIDDEN, f"no version {version!r} of the protocol is spoken here")
