"""The principal's snapshots: the whole school in numbers, at most once a second, when something changed.

A snapshot is whole, so that a lost one is mended by the next: `{"at", "totals", "classes"}`, the classes in the order
of their titles, each with who is there and its messages of the last 30 minutes.
"""

from collections import Counter
from collections.abc import Callable, Mapping

import msgspec

from channels.member import Classroom, Role
from channels.presence import Presence

# A lesson's length, more or less: what the small charts show.
CHART_MINUTES = 30

# Snapshots are made at most this often: faster is restless to look at, and the school's numbers are not small.
SNAPSHOT_SECONDS = 1.0

_MINUTE = 60_000


class Totals(msgspec.Struct, frozen=True):
    """Users online by role, open connections, and messages of the last 60 seconds."""

    students: int
    teachers: int
    principals: int
    connections: int
    messages_per_minute: int


class ClassRow(msgspec.Struct, frozen=True):
    """One class: who has it open, of how many enrolled, and its messages per minute, oldest first."""

    id: int
    title: str
    students_online: int
    students: int
    teachers_online: int
    messages: list[int]


class Snapshot(msgspec.Struct, frozen=True):
    """The school at one moment (`at`, ms since 1970)."""

    at: int
    totals: Totals
    classes: list[ClassRow]


class MinuteCounts:
    """How many messages each class had in each of the last minutes; grows only with classes that are in use."""

    def __init__(self) -> None:
        self._counts: dict[str, dict[int, int]] = {}

    def add(self, topic: str, at: int) -> None:
        """Count one message."""
        minutes = self._counts.setdefault(topic, {})
        minute = at // _MINUTE
        if minute not in minutes:
            for old in [known for known in minutes if known <= minute - CHART_MINUTES]:
                del minutes[old]
        minutes[minute] = minutes.get(minute, 0) + 1

    def series(self, topic: str, at: int) -> list[int]:
        """Return the counts of the last minutes, oldest first, the running one last."""
        minutes = self._counts.get(topic, {})
        last = at // _MINUTE
        return [minutes.get(minute, 0) for minute in range(last - CHART_MINUTES + 1, last + 1)]


class Dashboard:
    """Makes snapshots out of presence, counted messages, and who is connected."""

    def __init__(self, presence: Presence, roles_online: Callable[[], Counter[Role]], connections: Callable[[], int]):
        self._presence = presence
        self._roles_online = roles_online
        self._connections = connections
        self._messages = MinuteCounts()
        self._told: Snapshot | None = None

    def count_message(self, topic: str, at: int) -> None:
        """Count a message of a class."""
        self._messages.add(topic, at)

    def snapshot(self, classes: Mapping[int, Classroom], at: int) -> Snapshot:
        """Return the school as it is now."""
        rows = [self._row(classroom, at) for classroom in sorted(classes.values(), key=lambda c: (c.title, c.id))]
        roles = self._roles_online()
        # A window that slides: the last minute counts by the part of it that still lies within 60 seconds.
        past = 1 - at % _MINUTE / _MINUTE
        rate = round(sum(row.messages[-2] * past + row.messages[-1] for row in rows))
        totals = Totals(roles[Role.STUDENT], roles[Role.TEACHER], roles[Role.PRINCIPAL], self._connections(), rate)
        return Snapshot(at, totals, rows)

    def changed(self, classes: Mapping[int, Classroom], at: int) -> Snapshot | None:
        """Return the school as it is now, or None where it is as the last call told it."""
        now, told = self.snapshot(classes, at), self._told
        if told is not None and (told.totals, told.classes) == (now.totals, now.classes):
            return None
        self._told = now
        return now

    def _row(self, classroom: Classroom, at: int) -> ClassRow:
        here = self._presence.counts(classroom.topic)
        messages = self._messages.series(classroom.topic, at)
        return ClassRow(
            classroom.id, classroom.title, here[Role.STUDENT], classroom.students, here[Role.TEACHER], messages
        )
