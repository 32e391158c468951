"""Joins: what a client that joins a topic is answered, from memory where that suffices, else from the journal."""

import time
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Generic, TypeVar

import msgspec

from channels.engine.deliveries import Deliveries
from channels.engine.membership import Membership
from channels.errors import Code, Refused
from channels.field import Epoch, Position
from channels.journal.journal import Journal
from channels.lesson.feature import Viewer
from channels.lesson.rules import RuleBook
from channels.limit import MAX_TOPICS
from channels.member import Authority, Member
from channels.sessions.session import Session
from channels.topics.hub import Hub
from channels.topics.topic import Topic
from channels.wire.codec import Broadcast, ClientMessage, Event, as_broadcast

S = TypeVar("S")


class Join(msgspec.Struct, frozen=True):
    """Join the topic; parameters of a client's own are passed over.

    `since` and `epoch` are the position that the client has of it, from its last events and the reply to its last join.
    `present` false: join without being shown to the others.
    """

    since: Annotated[int, msgspec.Meta(ge=0, examples=[41])] | None = None
    epoch: Epoch | None = None
    present: bool = True


class Joined(msgspec.Struct, Generic[S]):
    """The topic is joined: its journal and newest position, the events missed, its state, how far the user has read.

    Not `complete`: more was missed than `events` has, or the position given is not one of this journal. The client then
    forgets what it keeps of the topic, and begins with these events, the newest.
    """

    epoch: Epoch
    seq: Position
    complete: bool
    events: list[Broadcast]
    state: S
    read: Position


Extend = Callable[[Session, Topic, Joined[Any]], Joined[Any]]


class Joins:
    """Answers joins. `extend` adds to a topic's join reply what only its own kind of topic says."""

    def __init__(
        self,
        hub: Hub,
        journal: Journal,
        authority: Authority,
        membership: Membership,
        rules: RuleBook,
        deliveries: Deliveries,
        extend: Extend,
    ) -> None:
        self._hub = hub
        self._journal = journal
        self._authority = authority
        self._membership = membership
        self._rules = rules
        self._deliveries = deliveries
        self._extend = extend

    def join(self, session: Session, message: ClientMessage) -> Awaitable[None] | None:
        """Join a topic and reply; where an awaitable comes back, the journal is read first. Raises `Refused`."""
        _, address = self._rules.resolve(session.member, message.topic)
        name = address.name
        wanted = session.wire.read(message.payload, Join)
        if len(session.subscriptions) >= MAX_TOPICS and message.topic not in session.subscriptions:
            raise Refused(Code.TOO_MANY_TOPICS, f"at most {MAX_TOPICS} topics may be joined at once")
        # A class that comes back all at once is answered from memory. Each join: 0.9 ms of CPU with a query and a task
        # for it, 0.15 without.
        topic = self._hub.at_hand(name)
        events = self._hub.remembered(topic, self._since(wanted)) if topic is not None else None
        if topic is None or events is None:
            return self._read_and_join(session, message, name, wanted)
        joined = self._joined_from_memory(session.member, topic, events, self._knows(wanted))
        self._enter(session, message, topic, wanted.present, joined)
        return None

    async def read(self, member: Member, topic_name: str) -> Joined[Any]:
        """Return what a join without a position would be answered now, for a page that a member opens.

        The join that follows gives this position, and is answered what came since. Raises `Refused` and
        `JournalUnavailable`.
        """
        _, address = self._rules.resolve(member, topic_name)
        async with self._hub.holding(address.name) as topic:
            events, complete = await self._hub.missed(topic, None)
            return self._joined(member, topic, events, complete)

    async def _read_and_join(self, session: Session, message: ClientMessage, name: str, wanted: Join) -> None:
        async with self._hub.holding(name) as topic:
            events, complete = await self._hub.missed(topic, self._since(wanted))
            # No await from here on: between what the reply carries and what comes after it there must be no gap.
            joined = self._joined(session.member, topic, events, complete and self._knows(wanted))
            self._enter(session, message, topic, wanted.present, joined)

    def _knows(self, wanted: Join) -> bool:
        return wanted.since is None or wanted.epoch in (None, self._journal.epoch)

    def _since(self, wanted: Join) -> int | None:
        return wanted.since if self._knows(wanted) else None

    def _joined(self, member: Member, topic: Topic, events: list[Event], complete: bool) -> Joined[Any]:
        listed = [as_broadcast(event) for event in events]
        read = topic.reads.get(member.user.id, 0)
        state = topic.state.view(self._viewer(member, topic))
        return Joined(self._journal.epoch, topic.seq, complete, listed, state, read)

    def _joined_from_memory(self, member: Member, topic: Topic, events: list[Event], complete: bool) -> Joined[Any]:
        # What is the same for a class that comes back is encoded once. The events must be those that memory has now:
        # what was read from the journal may have been amended meanwhile.
        listed: Any = topic.list_newest(events) if events else []
        read = topic.reads.get(member.user.id, 0)
        state = topic.state.encoded_view(self._viewer(member, topic))
        return Joined(self._journal.epoch, topic.seq, complete, listed, state, read)

    def _viewer(self, member: Member, topic: Topic) -> Viewer:
        is_staff = self._rules.of(member).is_staff
        at = time.time_ns() // 1_000_000
        return Viewer(member, is_staff, topic.address, at, self._authority, self._journal.key)

    def _enter(
        self, session: Session, message: ClientMessage, topic: Topic, present: bool, joined: Joined[Any]
    ) -> None:
        if session.closing is not None:
            return
        # Checked again: the right may have gone while the journal was read.
        self._rules.rule(session.member, topic.address)
        self._membership.enter(session, message, topic, self._extend(session, topic, joined))
        self._deliveries.joined(topic, session.member)
        if topic.address.kind.presence:
            self._membership.show(session, topic, present)
