"""Announcements: what teachers say to a class, and the principal to a class, a role or the school.

They are events of the topic like any other, and fold into its state: whoever joins gets the newest ones at once, also
when a long chat stands between. Who has read one is told by the members' read positions (`reading`).
"""

from collections import deque
from typing import Annotated

import msgspec

from channels.action import PUSH_ID_PATTERN, Action, Append, Push, not_blank
from channels.limit import MAX_TEXT_CHARACTERS, MAX_TITLE_CHARACTERS, STATE_ANNOUNCEMENTS
from channels.protocol import Event, as_broadcast

SENT = "announcement:sent"


class AnnouncementSend(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`announcement:send`: a text with or without a title; `id` is the client's own, for retries."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_TEXT_CHARACTERS)]
    title: Annotated[str, msgspec.Meta(max_length=MAX_TITLE_CHARACTERS)] = ""
    id: Annotated[str, msgspec.Meta(pattern=PUSH_ID_PATTERN)] | None = None


def _send(push: Push[AnnouncementSend]) -> Append:
    payload = push.payload
    announcement = {"title": payload.title.strip(), "text": not_blank(payload.text), "author": push.member.user}
    if payload.id is not None:
        announcement["id"] = payload.id
    return Append(SENT, announcement, payload.id)


SEND = Action("announcement:send", AnnouncementSend, _send)


class Announcements:
    """The newest announcements of a topic."""

    kinds = (SENT,)

    def __init__(self) -> None:
        self._newest: deque[Event] = deque(maxlen=STATE_ANNOUNCEMENTS)

    def apply(self, event: Event) -> None:
        """Fold one event."""
        self._newest.append(event)

    def view(self) -> dict[str, object]:
        """Return what this feature adds to the topic's state."""
        return {"announcements": [as_broadcast(event) for event in self._newest]}
