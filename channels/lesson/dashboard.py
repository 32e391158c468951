"""The principal's snapshots: the whole school in numbers, at most once a second, when something changed.

A snapshot is whole, so that a lost one is mended by the next: `{"at", "totals", "classes"}`, the classes in the order
of their titles, each with who is there and its messages of the last 30 minutes.
"""

from collections.abc import Mapping

import msgspec

from channels.cluster.message_rates import MessageRates
from channels.cluster.presence import ONLINE, Presence
from channels.event import Delivery, EventType
from channels.field import ClassTitle, Identity, Milliseconds
from channels.member import STUDENT, TEACHER, Classroom, RoleName
from channels.topics.kind import DASHBOARD


class Totals(msgspec.Struct, frozen=True):
    """Users online by role (roles with nobody are absent), open connections, and messages of the last 60 seconds."""

    users: dict[RoleName, int]
    connections: int
    messages_per_minute: int


class ClassRow(msgspec.Struct, frozen=True):
    """One class: who has it open, of how many enrolled, its messages of the last 60 seconds, and of each minute.

    `messages` is oldest first, the running minute last.
    """

    id: Identity
    title: ClassTitle
    students_online: int
    students: int
    teachers_online: int
    messages_per_minute: int
    messages: list[int]


class Snapshot(msgspec.Struct, frozen=True):
    """The school at one moment."""

    at: Milliseconds
    totals: Totals
    classes: list[ClassRow]


DASHBOARD_CHANGED = EventType("dashboard:changed", Snapshot, Delivery.SNAPSHOT, DASHBOARD.wire)


class Dashboard:
    """Makes snapshots out of who is where and what was counted."""

    name = "dashboard"
    event = DASHBOARD_CHANGED

    def __init__(self, presence: Presence, rates: MessageRates) -> None:
        self._presence = presence
        self._rates = rates
        self._told: Snapshot | None = None

    def view(self, classes: Mapping[int, Classroom], at: int) -> Snapshot:
        """Return the school as it is now."""
        series = self._rates.series()
        # A window that slides: the last minute counts by the part of it that still lies within 60 seconds.
        past = 1 - self._rates.elapsed
        rows = [
            self._row(each, series, past) for each in sorted(classes.values(), key=lambda each: (each.title, each.id))
        ]
        return Snapshot(at, self._totals(rows), rows)

    def changed(self, classes: Mapping[int, Classroom], at: int) -> Snapshot | None:
        """Return the school as it is now, or None where it is as the last call told it."""
        now, told = self.view(classes, at), self._told
        if told is not None and (told.totals, told.classes) == (now.totals, now.classes):
            return None
        self._told = now
        return now

    def _row(self, classroom: Classroom, series: list[dict[str, int]], past: float) -> ClassRow:
        topic = classroom.topic
        here = self._presence.counts(topic)
        messages = [counts.get(topic, 0) for counts in series]
        return ClassRow(
            classroom.id,
            classroom.title,
            here[STUDENT],
            classroom.students,
            here[TEACHER],
            round(messages[-2] * past + messages[-1]),
            messages,
        )

    def _totals(self, rows: list[ClassRow]) -> Totals:
        rate = sum(row.messages_per_minute for row in rows)
        connections = self._presence.sessions(ONLINE)
        return Totals(dict(self._presence.counts(ONLINE)), connections, rate)
