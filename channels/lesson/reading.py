"""Reading: what was said before, how far each member has read, and who has read so far."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from channels.errors import Code, Refused
from channels.event import Delivery, EventType
from channels.field import EventName, Position, TopicName
from channels.journal.entry import Mark
from channels.lesson.feature import Action, Effect, KeepMark, Notify, Push, Reply, Several
from channels.limit import MAX_COUNTED_UNREAD, MAX_HISTORY_BYTES, MAX_HISTORY_EVENTS, MAX_LISTED_READERS
from channels.member import User
from channels.topics.kind import USER
from channels.wire.codec import Broadcast, Event, as_broadcast


class HistoryRead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Events before a position (the newest of them) or after it (the oldest); of one kind, if named."""

    before: Position | None = None
    after: Annotated[Position, msgspec.Meta(examples=[])] | None = None  # no example shows both
    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_HISTORY_EVENTS, examples=[50])] = 50
    event: EventName | None = None


class HistoryPage(msgspec.Struct, frozen=True):
    """Events, oldest first; `more`: there are others further on in the direction of reading."""

    events: list[Broadcast]
    more: bool


class ReadMark(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The member has read up to this position; a mark never goes back."""

    seq: Position


class ReadMarked(msgspec.Struct, frozen=True):
    """On this connection or another one, the user has read `topic` up to its position `seq`."""

    topic: TopicName
    seq: Position


class MarkedUpTo(msgspec.Struct, frozen=True):
    """How far the user has read the topic now."""

    seq: Position


# Sent to all sessions of the user who has read.
MARKED = EventType("read:marked", ReadMarked, Delivery.EPHEMERAL, (USER.wire,))


class UnreadCount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Events by others after a position, and before another one, if named; of one kind, if named.

    For a count of what the newest events and the topic's state do not reach back to.
    """

    after: Position
    before: Position | None = None
    event: EventName | None = None


class Unread(msgspec.Struct, frozen=True):
    """How many there are among the newest 10,000; a count at its bound means that many or more."""

    count: Annotated[int, msgspec.Meta(ge=0, le=MAX_COUNTED_UNREAD, examples=[17])]


class ReceiptsRead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which members of the topic's audience have read up to this position; `unread`: and which have not."""

    seq: Position
    unread: bool = False


class Receipts(msgspec.Struct, frozen=True):
    """How many of the topic's audience have read so far, of how many `members` in all; and the first of them.

    `unread`, if asked for, has the first by name of those who have not. Both lists have 200 users at most. What is read
    in the school's quiet hours counts when these end.
    """

    count: int
    members: int
    read: list[User]
    unread: list[User] | UnsetType = UNSET


async def _read(push: Push[HistoryRead]) -> Reply[HistoryPage]:
    wanted = push.payload
    if (wanted.before is None) == (wanted.after is None):
        raise Refused(Code.BAD_PAYLOAD, "say either `before` or `after`")
    kinds = [wanted.event] if wanted.event is not None else []
    # One more than asked for tells whether there are more.
    if wanted.after is not None:
        events = await push.journal.after(push.topic.name, wanted.after, wanted.limit + 1, kinds)
        return _page(events, events[: _fitting(events[: wanted.limit])])
    events = await push.journal.before(push.topic.name, wanted.before, wanted.limit + 1, kinds)
    return _page(events, events[len(events) - _fitting(events[: -wanted.limit - 1 : -1]) :])


def _fitting(events: list[Event]) -> int:
    # How many of these, from the first, one answer may carry; one at least, or nobody could read on.
    size = 0
    for count, event in enumerate(events):
        size += len(event.payload)
        if count and size > MAX_HISTORY_BYTES:
            return count
    return len(events)


def _page(found: list[Event], shown: list[Event]) -> Reply[HistoryPage]:
    return Reply(HistoryPage([as_broadcast(event) for event in shown], len(shown) < len(found)))


def _mark(push: Push[ReadMark]) -> Effect[MarkedUpTo]:
    topic, user_id = push.topic, push.member.user.id
    seq, read = min(push.payload.seq, topic.seq), topic.reads.get(user_id, 0)
    if seq <= read:
        return Reply(MarkedUpTo(read))
    told = Notify(user_id, MARKED, ReadMarked(topic.wire_name, seq))
    mark = Mark(topic.name, user_id, seq, push.at, quiet=quiet_since(push))
    return Several(Reply(MarkedUpTo(seq)), (KeepMark(mark), told))


def quiet_since(push: Push[Any]) -> int:
    """Return when the quiet hours began in which a push comes (ms), 0 where it comes in none."""
    quiet = push.authority.hours.quiet_period(push.at)
    return 0 if quiet is None else quiet.begins


async def _count(push: Push[UnreadCount]) -> Reply[Unread]:
    wanted = push.payload
    between = push.topic.name, wanted.after, wanted.before, MAX_COUNTED_UNREAD
    return Reply(Unread(await push.journal.count(*between, event=wanted.event, not_by=push.member.user.id)))


async def _receipts(push: Push[ReceiptsRead]) -> Reply[Receipts]:
    topic, roles = push.topic.address, push.counted(push.topic.address)
    everybody = await push.journal.readers(push.topic.name, push.payload.seq, quiet_since(push))
    readers, members = await push.authority.audience(topic, roles, everybody)
    unread: list[User] | UnsetType = UNSET
    if push.payload.unread:
        unread = await push.authority.absent(topic, roles, everybody, MAX_LISTED_READERS)
    return Reply(Receipts(len(readers), members, readers[:MAX_LISTED_READERS], unread))


READ = Action("history:read", HistoryRead, _read, HistoryPage, reads=True)
MARK = Action("read:mark", ReadMark, _mark, MarkedUpTo, emits=(MARKED,))
COUNT = Action("unread:count", UnreadCount, _count, Unread, reads=True)
RECEIPTS = Action("receipts:read", ReceiptsRead, _receipts, Receipts, reads=True)
