"""What of a school's events expires together, and what stays although it is old.

Only what people have written or done expires. What a class has set (a lock, slow mode, hours) is folded into its state
from the first event on, has no words, and stays.
"""

import msgspec
from msgspec import UNSET, UnsetType

from channels.event import Delivery, EventType
from channels.field import Milliseconds
from channels.lesson import (
    acknowledging,
    amending,
    announced,
    announcements,
    announcing,
    attendance,
    chat,
    flags,
    hands,
    lessons,
    notes,
    pins,
    polls,
    progress,
    reactions,
)

# The kinds of event that a school keeps for the same time, by the name of the setting.
EXPIRING: dict[str, tuple[str, ...]] = {
    "messages": (
        chat.SENT.name,
        chat.MENTIONED.name,
        *(amending.EDITED.name, amending.HIDDEN.name, amending.RESTORED.name),
        *(reactions.REACTED.name, reactions.UNREACTED.name),
        *(pins.PINNED.name, pins.UNPINNED.name),
        *(hands.RAISED.name, hands.LOWERED.name, hands.CALLED.name, hands.CLEARED.name),
    ),
    "announcements": (
        announcements.SENT.name,
        *(announcing.SCHEDULED.name, announcing.PUBLISHED.name, announcing.CANCELLED.name),
        *(announcing.MADE.name, announced.LISTED.name),
        *(announcements.CORRECTED.name, announcements.WITHDRAWN.name),
        progress.REMINDED.name,
        acknowledging.ACKNOWLEDGED.name,
    ),
    "polls": (polls.OPENED.name, polls.CLOSED.name),
    "attendance": (lessons.STARTED.name, lessons.ENDED.name, lessons.EXPECTED.name, attendance.CORRECTED.name),
    "notes": (notes.SENT.name, notes.CLOSED.name),
}

# A report expires with what was done about it, from the time on at which it was closed.
REPORTS = (flags.FLAGGED.name, flags.SEEN.name, flags.CLOSED.name)


class HistoryTrimmed(msgspec.Struct, frozen=True):
    """Events of this topic that are older than the school keeps them were deleted; a position below is incomplete."""


TRIMMED = EventType("history:trimmed", HistoryTrimmed, Delivery.DURABLE, passing=True)


class Report(msgspec.Struct, frozen=True):
    """Where a report is about, and since when it is closed."""

    topic: str
    target: int
    closed: Milliseconds | UnsetType = UNSET

    def is_open(self, before: int) -> bool:
        """Tell whether it was open at a time, or is."""
        return self.closed is UNSET or self.closed >= before


class Reference(msgspec.Struct, frozen=True):
    """The position that an event names."""

    target: int = 0
