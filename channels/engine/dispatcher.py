"""What is done with each message of a session: join, leave, heartbeat or push.

    session (frame rate, older joins) -> sign-in at its end: read again -> rate of joins -> Joins
                                      -> rate of pushes -> Pushes

Work that only needs memory and the journal's queue is done at once, and a push that is stored is answered by a callback
of the journal. Only what reads returns an awaitable; the transport reads no further from that client until it is done.
So the messages of one client are carried out in the order in which they came.
"""

from collections.abc import Awaitable, Callable

from channels.engine.joins import Joins
from channels.engine.membership import Membership
from channels.engine.pushes import Pushes
from channels.engine.rights import Rights
from channels.errors import Code, Refused
from channels.event import Nothing
from channels.sessions.registry import Registry
from channels.sessions.session import Session
from channels.wire.codec import ClientMessage


class Dispatcher:
    """Carries out what clients ask; `clock` is in seconds, and `joined` counts the joins."""

    def __init__(
        self,
        registry: Registry,
        membership: Membership,
        rights: Rights,
        joins: Joins,
        pushes: Pushes,
        clock: Callable[[], float],
    ) -> None:
        self._registry = registry
        self._rights = rights
        self._membership = membership
        self._joins = joins
        self._pushes = pushes
        self._reruns = pushes.reruns.tasks
        self._failures = pushes.failures
        self._clock = clock
        self.joined = 0

    def handle(self, session: Session, data: bytes | str) -> Awaitable[None] | None:
        """Do what a client's message asks; where an awaitable comes back, read no further until it is done."""
        try:
            message = session.receive(data, self._clock())
        except Refused as refusal:
            self._failures.refuse_unread(session, data, refusal)
            return None
        if message is None:
            return None
        try:
            if session.member.is_due():
                return self._finish(session, message, self._dispatch_rechecked(session, message))
            work = self._dispatch(session, message)
        except Exception as error:
            self._failures.fail(session, message, error)
            return None
        return None if work is None else self._finish(session, message, work)

    def _dispatch(self, session: Session, message: ClientMessage) -> Awaitable[None] | None:
        if session in self._reruns:
            return self._dispatch_settled(session, message)
        if message.event == "phx_join":
            _limit(self._registry.seconds_until_join(session, self._clock()), "too many topics joined at once")
            self.joined += 1
            return self._joins.join(session, message)
        if message.event == "phx_leave":
            session.reply(message, Nothing())
            self._membership.take_away(session, message.topic)
        elif message.event == "heartbeat" and message.topic == "phoenix":
            session.reply(message, Nothing())
        else:
            return self._push(session, message)
        return None

    async def _dispatch_rechecked(self, session: Session, message: ClientMessage) -> None:
        await self._rights.recheck(session)
        work = self._dispatch(session, message) if session.closing is None else None
        if work is not None:
            await work

    async def _dispatch_settled(self, session: Session, message: ClientMessage) -> None:
        await self._pushes.settle(session)
        work = self._dispatch(session, message)
        if work is not None:
            await work

    def _push(self, session: Session, message: ClientMessage) -> Awaitable[None] | None:
        if message.topic in session.subscriptions:
            _limit(self._registry.seconds_until_push(session, self._clock()), "too many messages at once")
        return self._pushes.push(session, message)

    async def _finish(self, session: Session, message: ClientMessage, work: Awaitable[None]) -> None:
        try:
            await work
        except Exception as error:
            self._failures.fail(session, message, error)


def _limit(seconds: float, too_fast: str) -> None:
    if seconds:
        raise Refused(Code.TOO_FAST, f"{too_fast}; wait a moment", int(seconds * 1000) + 1)
