"""Announcements: what teachers say to a class, and the principal to a class, a role or the school.

They are events of the topic like any other, and fold into its state: whoever joins gets the newest ones at once, also
when a long chat stands between. Who has read one is told by the members' read positions (`reading`).
"""

from collections import deque

import msgspec
from msgspec import UNSET, UnsetType

from channels.event import Delivery, EventType
from channels.field import PushId, Text, Title
from channels.lesson.feature import Action, Append, Appended, Push, not_blank
from channels.limit import STATE_ANNOUNCEMENTS
from channels.member import User
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
    sent = AnnouncementSent(given.title.strip(), not_blank(given.text), push.member.user, given.id or UNSET)
    return Append(SENT, sent, given.id)


SEND = Action("announcement:send", AnnouncementSend, _send, Appended, emits=(SENT,))


class Announced(msgspec.Struct, frozen=True):
    """The newest announcements of a topic, oldest first."""

    announcements: list[Broadcast]


class Announcements:
    """The newest announcements of a topic."""

    kinds = (SENT.name,)

    def __init__(self) -> None:
        self._newest: deque[Event] = deque(maxlen=STATE_ANNOUNCEMENTS)

    def apply(self, event: Event) -> None:
        """Fold one event."""
        self._newest.append(event)

    def view(self) -> Announced:
        """Return what this feature adds to the topic's state."""
        return Announced([as_broadcast(event) for event in self._newest])
