"""Announcements: what teachers say to a class, and the principal to a class, a role or the school.

Announcements are events of the topic like any other. They fold into its state, so that the reply to a join carries the
newest ones, however much chat came after them. The members' read positions show who has read one (`reading`).
"""

from collections import deque

import msgspec
from msgspec import UNSET, UnsetType

from channels.event import Delivery, EventType
from channels.field import PushId, Text, Title
from channels.lesson.feature import Action, Append, Appended, Feature, Push, not_blank
from channels.limit import STATE_ANNOUNCEMENTS
from channels.member import User
from channels.visible import is_visible
from channels.wire.codec import Broadcast, Event, as_broadcast


class AnnouncementSend(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text with or without a title."""

    text: Text
    title: Title = ""
    id: PushId | None = None


class AnnouncementSent(msgspec.Struct, frozen=True):
    """An announcement; its title may be empty."""

    title: Title
    text: Text
    author: User
    id: PushId | UnsetType = UNSET


SENT = EventType("announcement:sent", AnnouncementSent, Delivery.DURABLE)


def _send(push: Push[AnnouncementSend]) -> Append[AnnouncementSent]:
    given = push.payload
    title = given.title.strip() if is_visible(given.title) else ""
    sent = AnnouncementSent(title, not_blank(given.text), push.member.user, given.id or UNSET)
    return Append(SENT, sent)


SEND = Action("announcement:send", AnnouncementSend, _send, Appended, emits=(SENT,))


class Announcements(Feature[list[Event]]):
    """The newest announcements of a topic, oldest first."""

    __slots__ = ("_newest",)

    name = "announcements"
    events = (SENT,)
    saved = list[Event]

    def __init__(self) -> None:
        self._newest: deque[Event] = deque(maxlen=STATE_ANNOUNCEMENTS)

    def apply(self, event: Event) -> None:
        """Keep one announcement, and drop the oldest past the bound."""
        self._newest.append(event)

    def view(self) -> list[Broadcast]:
        """Return the newest announcements, oldest first."""
        return [as_broadcast(event) for event in self._newest]

    def dump(self) -> list[Event]:
        """Return the announcements as they were broadcast."""
        return list(self._newest)

    def load(self, saved: list[Event]) -> None:
        """Take the announcements of a snapshot."""
        self._newest.extend(saved)
