"""Announcements: what teachers say to a class, and the principal to a class, a role or the school.

They are events of the topic like any other, and fold into its state: whoever joins gets the newest ones at once, also
when a long chat stands between. Who has read one is told by the members' read positions (`reading`).
"""

from collections import deque
from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from channels.action import PUSH_ID_PATTERN, Action, Append, Appended, Push, not_blank
from channels.event import Delivery, EventType
from channels.limit import MAX_TEXT_CHARACTERS, MAX_TITLE_CHARACTERS, STATE_ANNOUNCEMENTS
from channels.member import User
from channels.protocol import Broadcast, Event, as_broadcast


class AnnouncementSend(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text with or without a title; `id` is the client's own, so that a retry counts once."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_TEXT_CHARACTERS)]
    title: Annotated[str, msgspec.Meta(max_length=MAX_TITLE_CHARACTERS)] = ""
    id: Annotated[str, msgspec.Meta(pattern=PUSH_ID_PATTERN)] | None = None


class AnnouncementSent(msgspec.Struct, frozen=True):
    """An announcement; its title may be empty. `id` is the one that its author's client gave it, if any."""

    title: str
    text: str
    author: User
    id: str | UnsetType = UNSET


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
