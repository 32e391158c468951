"""The school's newest announcements, also those of teachers, for principals: where each is, without its words.

    announcement:send -> announcement:sent in each topic, and announcement:listed on `principals`, in one transaction

Principals follow from there how far each has come (`announcement:progress`). The words stand in the announcement alone,
so that a correction or a withdrawal has no copy to reach.
"""

import msgspec
from msgspec import UNSET, UnsetType

from channels.event import Delivery, EventType
from channels.field import Position, TopicName
from channels.lesson.announcements import Key
from channels.lesson.feature import Append
from channels.lesson.newest import Newest
from channels.limit import STATE_LISTED
from channels.topics.kind import PRINCIPALS


class AnnouncementListed(msgspec.Struct, frozen=True):
    """An announcement has gone out: it is at `target` of `topic`, and under the same key where else it went to."""

    topic: TopicName
    key: Key
    target: Position | UnsetType = UNSET  # known only when both are stored


LISTED = EventType("announcement:listed", AnnouncementListed, Delivery.DURABLE, (PRINCIPALS.wire,))


def listed(topic: str, key: str) -> Append[AnnouncementListed]:
    """Tell principals of an announcement that the same push stores first, in this topic."""
    return Append(LISTED, AnnouncementListed(topic, key), PRINCIPALS.wire, names_first=True)


class Announced(Newest):
    """The newest announcements of the school."""

    __slots__ = ()

    name = "announced"
    events = (LISTED,)
    kept = STATE_LISTED
