"""Reading: what was said before, how far each member has read, and who has read so far."""

from typing import Annotated

import msgspec

from channels.errors import Code, Refused
from channels.event import Delivery, EventType
from channels.field import Position, TopicName
from channels.journal.journal import Mark
from channels.lesson.feature import Action, Answer, Marked, MarkedUpTo, Push
from channels.limit import MAX_HISTORY_BYTES, MAX_HISTORY_EVENTS, MAX_LISTED_READERS
from channels.member import User
from channels.topics.topic import USER_TOPIC
from channels.wire.codec import Broadcast, Event, as_broadcast


class HistoryRead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Events before a position (the newest of them) or after it (the oldest); of one kind, if named."""

    before: Position | None = None
    after: Annotated[Position, msgspec.Meta(examples=[])] | None = None  # no example shows both
    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_HISTORY_EVENTS, examples=[50])] = 50
    event: Annotated[str, msgspec.Meta(pattern=r"^[a-z:]{1,64}$")] | None = None


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


# Told to all connections of the one who has read.
MARKED = EventType("read:marked", ReadMarked, Delivery.EPHEMERAL, USER_TOPIC)


class ReceiptsRead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who of those for whom the topic is meant has read up to this position."""

    seq: Position


class Receipts(msgspec.Struct, frozen=True):
    """How many have read so far, of how many `members` for whom the topic is meant; and the first of them."""

    count: int
    members: int
    read: list[User]


async def _read(push: Push[HistoryRead]) -> Answer[HistoryPage]:
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


def _page(found: list[Event], shown: list[Event]) -> Answer[HistoryPage]:
    return Answer(HistoryPage([as_broadcast(event) for event in shown], len(shown) < len(found)))


def _mark(push: Push[ReadMark]) -> Marked:
    seq = min(push.payload.seq, push.topic.seq)
    return Marked(Mark(push.topic.name, push.member.user.id, seq, push.at))


async def _receipts(push: Push[ReceiptsRead]) -> Answer[Receipts]:
    everybody = await push.journal.readers(push.topic.name, push.payload.seq)
    readers, members = await push.authority.audience(push.topic.name, everybody)
    return Answer(Receipts(len(readers), members, readers[:MAX_LISTED_READERS]))


READ = Action("history:read", HistoryRead, _read, HistoryPage)
MARK = Action("read:mark", ReadMark, _mark, MarkedUpTo, emits=(MARKED,))
RECEIPTS = Action("receipts:read", ReceiptsRead, _receipts, Receipts)
