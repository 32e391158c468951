"""Acknowledging: readers confirm an announcement that asks for it, once, whichever of its topics they got it in.

    announcement:acknowledge {target} -> announcement:acknowledged on the announcement's own topic, for its author

That topic has one event for each reader: the number of its newest one is how many have acknowledged. It is stored like
any push, so that thousands in the same seconds share transactions; and no reader is sent the others' acknowledgements.
"""

from collections.abc import Awaitable
from typing import Annotated, Any

import msgspec
from msgspec import UNSET

from channels.errors import Code, Refused
from channels.event import Delivery, EventType, Nothing
from channels.field import Position, PushId, TopicName
from channels.lesson.announcements import Announcement, Announcements, find, read
from channels.lesson.feature import Action, Append, Effect, Notify, Push, Reply, Several
from channels.limit import STATE_ANNOUNCEMENTS
from channels.member import User
from channels.topics.kind import ANNOUNCEMENT, USER, announcement_topic

# The key under which a user's acknowledgement is stored: once in each announcement's topic.
ONCE = "by acknowledging"


class AnnouncementAcknowledge(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Confirm the announcement at `target`, which asks for it; again does nothing more."""

    target: Position
    id: PushId | None = None


class AnnouncementAcknowledged(msgspec.Struct, frozen=True):
    """A user has confirmed the announcement at `target` of `topic`."""

    topic: TopicName
    target: Position
    user: User


class AcknowledgedMarked(msgspec.Struct, frozen=True):
    """On this connection or another one, the user has confirmed the announcement at `target` of `topic`."""

    topic: TopicName
    target: Position


class AcknowledgedRead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Ask which of the announcements at these positions one has confirmed oneself."""

    targets: Annotated[list[Position], msgspec.Meta(max_length=STATE_ANNOUNCEMENTS)]


class Acknowledged(msgspec.Struct, frozen=True):
    """Those of the positions whose announcements the user has confirmed."""

    targets: list[Position]


ACKNOWLEDGED = EventType("announcement:acknowledged", AnnouncementAcknowledged, Delivery.DURABLE, (ANNOUNCEMENT.wire,))
# Sent to all sessions of the user who has confirmed.
MARKED = EventType("acknowledged:marked", AcknowledgedMarked, Delivery.EPHEMERAL, (USER.wire,))


def _acknowledge(push: Push[AnnouncementAcknowledge]) -> Effect[Any] | Awaitable[Effect[Any]]:
    # A school's newest announcement is in memory: two thousand who confirm it cost no read.
    event = push.state(Announcements).find(push.payload.target)
    return _acknowledge_older(push) if event is None else _acknowledged(push, read(event))


async def _acknowledge_older(push: Push[AnnouncementAcknowledge]) -> Effect[Any]:
    return _acknowledged(push, await find(push, push.payload.target))


def _acknowledged(push: Push[AnnouncementAcknowledge], announcement: Announcement) -> Effect[Any]:
    if announcement.withdrawn is not UNSET:
        raise Refused(Code.FORBIDDEN, "the announcement is withdrawn")
    if announcement.acknowledge is UNSET:
        raise Refused(Code.FORBIDDEN, "the announcement does not ask for it")
    user, topic, target = push.member.user, push.topic.wire_name, announcement.seq
    told = Notify(user.id, MARKED, AcknowledgedMarked(topic, target))
    event = Append(ACKNOWLEDGED, AnnouncementAcknowledged(topic, target, user), topic_of(announcement))
    return Several(event, (told,))


def stores_in_its_topic(push: Push[Any]) -> str:
    """Return the topic of the announcement that a push is about, where that is one of the newest."""
    event = push.state(Announcements).find(push.payload.target)
    announcement = read(event) if event is not None else None
    return push.topic.name if announcement is None else topic_of(announcement)


def topic_of(announcement: Announcement) -> str:
    """Return the announcement's own topic; raises `Refused` where it has none, as those of former releases."""
    if announcement.key is UNSET:
        raise Refused(Code.FORBIDDEN, "the announcement does not ask for it")
    return announcement_topic(announcement.author.id, announcement.key)


async def _read(push: Push[AcknowledgedRead]) -> Reply[Acknowledged]:
    announcements = [read(event) for event in map(push.state(Announcements).find, push.payload.targets) if event]
    topics = {topic_of(each): each.seq for each in announcements if each.key is not UNSET}
    found = await push.journal.topics_with(list(topics), push.member.user.id, ONCE)
    return Reply(Acknowledged([seq for topic, seq in topics.items() if topic in found]))


ACKNOWLEDGE = Action(
    "announcement:acknowledge",
    AnnouncementAcknowledge,
    _acknowledge,
    Nothing,
    emits=(ACKNOWLEDGED, MARKED),
    stores_in=stores_in_its_topic,
    key=lambda push: ONCE,
)
READ = Action("acknowledged:read", AcknowledgedRead, _read, Acknowledged, reads=True)
