"""Events for one user, on the user's own topic: who they are, what they may join, which rights have changed.

The engine sends these by itself; `reading` adds how far the user has read.
"""

from typing import Any, Literal

import msgspec

from channels.engine.joins import Joined
from channels.event import Delivery, EventType, Nothing
from channels.lesson.rules import TopicEntry
from channels.member import User
from channels.topics.kind import USER


class JoinedOwn(Joined[Nothing]):
    """As for every topic; and who the user is, and what they may join."""

    user: User
    topics: list[TopicEntry]


class RightsChanged(msgspec.Struct, frozen=True):
    """All that the user may join now. Joined topics that are no longer among them have been closed (`phx_close`)."""

    topics: list[TopicEntry]


class SessionEnded(msgspec.Struct, frozen=True):
    """The sign-in has ended, and the connection ends after this."""

    code: Literal["signed_out"]
    message: str


RIGHTS_CHANGED = EventType("rights:changed", RightsChanged, Delivery.ORDERED, (USER.wire,))
SESSION_ENDED = EventType("session:ended", SessionEnded, Delivery.ORDERED, (USER.wire,))

# What the engine sends by itself on a user's own topic.
EVENTS: tuple[EventType[Any], ...] = (SESSION_ENDED, RIGHTS_CHANGED)
