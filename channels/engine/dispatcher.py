"""What is done with each message of a session: join, leave, heartbeat or push.

A push goes: session (frame rate, stale joins) -> the user's push rate -> the role's rule -> the payload's type -> the
action -> its outcome carried out. Pushes that are stored are answered when the journal says so, by a callback; only
what has to read returns an awaitable, and the transport reads no further from that client until it is done. So what
one client sends is carried out in the order in which it came.
"""

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, Generic, TypeVar

import msgspec

from channels.cluster.bus import Bus
from channels.engine.membership import Membership
from channels.errors import INTERNAL, Code, Refused, Unavailable
from channels.event import Nothing
from channels.field import Epoch, Position
from channels.journal.journal import Entry, Journal, Mark, Receipt
from channels.lesson import reading
from channels.lesson.feature import Answer, Append, Appended, Flash, Marked, MarkedUpTo, Outcome, Push
from channels.lesson.rules import RoleRules, known_events
from channels.limit import MAX_TOPICS, Limits
from channels.member import Authority, Role
from channels.sessions.registry import Registry
from channels.sessions.session import Session
from channels.topics.hub import Hub
from channels.topics.topic import Topic
from channels.wire.codec import Broadcast, ClientMessage, Event, as_broadcast

log = logging.getLogger(__name__)

S = TypeVar("S")

# The broker's topic for read marks; no client can join it.
READS = "reads"


class Join(msgspec.Struct, frozen=True):
    """Join the topic; parameters of a client's own are passed over.

    `since` and `epoch` are the position that the client has of it, from its last events and the reply to its last join.
    `present` false: listen without being shown to the others.
    """

    since: Annotated[int, msgspec.Meta(ge=0, examples=[41])] | None = None
    epoch: Epoch | None = None
    present: bool = True


class Joined(msgspec.Struct, Generic[S]):
    """The topic is joined: its journal and newest position, the events missed, its state, how far the user has read.

    Not `complete`: more was missed than is told, or the position given is not one of this journal. What the client
    keeps of the topic is then to be forgotten, and begins with these events, the newest.
    """

    epoch: Epoch
    seq: Position
    complete: bool
    events: list[Broadcast]
    state: S
    read: Position


Extend = Callable[[Session, Topic, Joined[Any]], Joined[Any]]


class Dispatcher:
    """Carries out what clients ask. `extend` adds to a topic's join reply what only its own kind of topic says."""

    def __init__(
        self,
        hub: Hub,
        bus: Bus,
        journal: Journal,
        authority: Authority,
        registry: Registry,
        membership: Membership,
        rules: Mapping[Role, RoleRules],
        limits: Limits,
        clock: Callable[[], float],
        extend: Extend,
    ) -> None:
        self._hub = hub
        self._bus = bus
        self._journal = journal
        self._authority = authority
        self._registry = registry
        self._membership = membership
        self._rules = rules
        self._events = known_events(rules.values())
        self._limits = limits
        self._clock = clock
        self._extend = extend
        self._marks = msgspec.msgpack.Decoder(Mark)

    def handle(self, session: Session, data: bytes | str) -> Awaitable[None] | None:
        """Do what a client's message asks; where an awaitable comes back, read no further until it is done."""
        try:
            message = session.receive(data, self._clock())
        except Refused as refusal:
            session.offer(session.wire.reply(None, None, "phoenix", "error", refusal.response))
            return None
        if message is None:
            return None
        try:
            work = self._dispatch(session, message)
        except Exception as error:
            self._tell_failure(session, message, error)
            return None
        return None if work is None else self._finish(session, message, work)

    async def _finish(self, session: Session, message: ClientMessage, work: Awaitable[None]) -> None:
        try:
            await work
        except Exception as error:
            self._tell_failure(session, message, error)

    def _tell_failure(self, session: Session, message: ClientMessage, error: Exception) -> None:
        if isinstance(error, Unavailable):
            error = Refused(Code.UNAVAILABLE, "the database does not answer; try again", retry_after=2_000)
        if isinstance(error, Refused):
            _refuse(session, message, error)
            return
        where = (session.member.user.id, message.event, message.topic)
        log.error("user %d: %s on %s could not be handled", *where, exc_info=error)
        session.end(INTERNAL)

    def _dispatch(self, session: Session, message: ClientMessage) -> Awaitable[None] | None:
        if message.event == "phx_join":
            return self._join(session, message)
        if message.event == "phx_leave":
            session.reply(message, Nothing())
            self._membership.take_away(session, message.topic)
        elif message.event == "heartbeat" and message.topic == "phoenix":
            session.reply(message, Nothing())
        else:
            return self._push(session, message)
        return None

    # Joins

    def _join(self, session: Session, message: ClientMessage) -> Awaitable[None] | None:
        _limit(self._registry.seconds_until_join(session, self._clock()), "too many topics joined at once")
        _, name = self._rules[session.member.user.role].resolve(session.member, message.topic)
        wanted = session.wire.read(message.payload, Join)
        if len(session.subscriptions) >= MAX_TOPICS and message.topic not in session.subscriptions:
            raise Refused(Code.TOO_MANY_TOPICS, f"at most {MAX_TOPICS} topics may be joined at once")
        # A class that comes back all at once is answered from memory. Each join: 0.9 ms of CPU with a query and a task
        # for it, 0.15 without.
        topic = self._hub.topics.get(name)
        events = self._hub.remembered(topic, self._since(wanted)) if topic is not None else None
        if topic is None or events is None:
            return self._read_and_join(session, message, name, wanted)
        self._enter(session, message, topic, wanted.present, self._joined(session, topic, events, self._knows(wanted)))
        return None

    async def _read_and_join(self, session: Session, message: ClientMessage, name: str, wanted: Join) -> None:
        async with self._hub.holding(name) as topic:
            events, complete = await self._hub.missed(topic, self._since(wanted))
            # No await from here on: between what the reply carries and what comes after it there must be no gap.
            joined = self._joined(session, topic, events, complete and self._knows(wanted))
            self._enter(session, message, topic, wanted.present, joined)

    def _knows(self, wanted: Join) -> bool:
        return wanted.since is None or wanted.epoch in (None, self._journal.epoch)

    def _since(self, wanted: Join) -> int | None:
        return wanted.since if self._knows(wanted) else None

    def _joined(self, session: Session, topic: Topic, events: list[Event], complete: bool) -> Joined[Any]:
        listed = [as_broadcast(event) for event in events]
        read = topic.reads.get(session.member.user.id, 0)
        return Joined(self._journal.epoch, topic.seq, complete, listed, topic.state.view(), read)

    def _enter(
        self, session: Session, message: ClientMessage, topic: Topic, present: bool, joined: Joined[Any]
    ) -> None:
        if session.closing is not None:
            return
        # Asked again: the right may have gone while the journal was read.
        rule, _ = self._rules[session.member.user.role].resolve(session.member, message.topic)
        self._membership.enter(session, message, topic, self._extend(session, topic, joined))
        if rule.presence:
            self._membership.show(session, message, topic, present)

    # Pushes

    def _push(self, session: Session, message: ClientMessage) -> Awaitable[None] | None:
        subscription = session.subscriptions.get(message.topic)
        if subscription is None:
            raise Refused(Code.UNMATCHED_TOPIC, f"{message.topic} is not joined")
        _limit(self._registry.seconds_until_push(session, self._clock()), "too many messages at once")
        rule, _ = self._rules[session.member.user.role].resolve(session.member, message.topic)
        action = rule.actions.get(message.event)
        if action is None:
            raise self._not_there(message)
        payload = session.wire.read(message.payload, action.payload)
        topic = self._hub.topics[subscription.topic]
        outcome = action.run(Push(session.member, topic, payload, _now(), self._journal, self._authority))
        if isinstance(outcome, Awaitable):
            return self._carry_out_later(session, message, topic, outcome)
        self._carry_out(session, message, topic, outcome)
        return None

    def _not_there(self, message: ClientMessage) -> Refused:
        if message.event in self._events:
            return Refused(Code.FORBIDDEN, f"you may not do {message.event} on {message.topic}")
        return Refused(Code.UNKNOWN_EVENT, f"there is no event {message.event!r}")

    async def _carry_out_later(
        self, session: Session, message: ClientMessage, topic: Topic, outcome: Awaitable[Outcome[Any]]
    ) -> None:
        self._carry_out(session, message, topic, await outcome)

    def _carry_out(self, session: Session, message: ClientMessage, topic: Topic, outcome: Outcome[Any]) -> None:
        if isinstance(outcome, Append):
            self._append(session, message, topic, outcome)
        elif isinstance(outcome, Answer):
            session.reply(message, outcome.response)
        elif isinstance(outcome, Flash):
            self._hub.flash(topic.name, outcome.event.name, outcome.event.encode(outcome.payload))
            session.reply(message, Nothing())
        elif isinstance(outcome, Marked):
            self._mark(session, message, topic, outcome)

    def _append(self, session: Session, message: ClientMessage, topic: Topic, outcome: Append[Any]) -> None:
        if session.appending >= self._limits.max_appending:
            raise Refused(Code.OVERLOADED, "too many of your messages wait to be stored", retry_after=1_000)

        bare = message.bare()

        def done(receipt: Receipt | Refused) -> None:
            session.appending -= 1
            if isinstance(receipt, Refused):
                _refuse(session, bare, receipt)
            else:
                session.reply(bare, Appended(receipt.seq, receipt.at))

        event = outcome.event
        payload = event.encode(outcome.payload)
        entry = Entry(topic.name, event.name, payload, session.member.user.id, outcome.push_id, _now())
        self._journal.append(entry, done)
        session.appending += 1

    def _mark(self, session: Session, message: ClientMessage, topic: Topic, outcome: Marked) -> None:
        mark = outcome.mark
        read = topic.reads.get(mark.user_id, 0)
        if mark.seq > read:
            self._journal.mark_read(mark)
            read = topic.reads[mark.user_id] = mark.seq
            self._bus.publish(READS, msgspec.msgpack.encode(mark))
            told = reading.MARKED.encode(reading.ReadMarked(topic.wire_name, read))
            self._hub.flash(f"user:{mark.user_id}", reading.MARKED.name, told)
        session.reply(message, MarkedUpTo(read))

    def hear_mark(self, data: bytes) -> None:
        """Take what another worker tells on READS: a user's next join may be here.

        Where the broker loses it, that join tells an older position; the client marks again what it shows.
        """
        try:
            mark = self._marks.decode(data)
        except msgspec.DecodeError as error:
            log.debug("a worker tells of a mark in a way that this version does not know: %s", error)
            return
        topic = self._hub.topics.get(mark.topic)
        if topic is not None:
            topic.reads[mark.user_id] = max(mark.seq, topic.reads.get(mark.user_id, 0))


def _refuse(session: Session, message: ClientMessage, refusal: Refused) -> None:
    # Phoenix answers an unmatched topic without a join_ref: there is no such join.
    join_ref = None if refusal.code is Code.UNMATCHED_TOPIC else message.join_ref
    if message.ref is not None:
        session.offer(session.wire.reply(join_ref, message.ref, message.topic, "error", refusal.response))


def _limit(seconds: float, too_fast: str) -> None:
    if seconds:
        raise Refused(Code.TOO_FAST, f"{too_fast}; wait a moment", int(seconds * 1000) + 1)


def _now() -> int:
    return time.time_ns() // 1_000_000
