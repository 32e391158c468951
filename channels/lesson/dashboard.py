"""The principal's live view: the whole school in numbers, then once a second what has changed.

    presence, message rates, lessons -> the topics that changed -> changed(): their rows -> Changes, version 8 after 7
                                                                   view(): every row     -> Snapshot, version 8

A tick costs by what has changed, not by the size of the school: 4.9 µs of CPU for each class in which something did
(`python -m bench dashboard`).
What follows from the time alone is left to the clients: they move the charts when the minute changes, and weigh the
last minute by the time that has passed since, and know by it for how long a lesson goes on without a teacher. So a
class without new messages is not sent again and again.
"""

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from channels.cluster.message_rates import CHART_MINUTES, MessageRates
from channels.cluster.presence import ONLINE, Presence
from channels.event import Delivery, EventType
from channels.field import ClassTitle, Identity, Milliseconds
from channels.journal.journal import Journal
from channels.lesson.running import LessonNow, RunningLessons
from channels.member import STUDENT, TEACHER, Classroom, RoleName
from channels.topics.kind import DASHBOARD

Version = Annotated[
    int,
    msgspec.Meta(
        description="Grows by one with each change. Versions of another connection mean nothing in this one.",
        examples=[7],
    ),
]
Minute = Annotated[int, msgspec.Meta(description="The running minute, counted from 1970.", examples=[29_926_800])]
Elapsed = Annotated[
    int, msgspec.Meta(description="How many milliseconds of the running minute have passed.", examples=[12_400])
]


class Totals(msgspec.Struct, frozen=True):
    """Users online by role (roles with nobody are absent), open connections, and messages of the last 60 seconds."""

    users: dict[RoleName, int]
    connections: int
    messages_per_minute: int


class ClassRow(msgspec.Struct, omit_defaults=True):
    """One class: who has it open, of how many enrolled, and its messages of each of the last 30 minutes.

    `messages` is oldest first, the running minute last; before its first minute there were none. `lesson` is absent
    while none runs.
    """

    id: Identity
    title: ClassTitle
    students_online: int
    students: int
    teachers_online: int
    messages: list[int]
    lesson: LessonNow | None = None


class ClassChange(msgspec.Struct):
    """What has changed of one class, or all of a class that is new; a field that is absent is as before.

    `messages` has the newest minutes, the running one last: they replace as many, and the older ones stay. A new class
    without it has had no messages. `lesson` is null where it is over.
    """

    id: Identity
    title: ClassTitle | UnsetType = UNSET
    students_online: int | UnsetType = UNSET
    students: int | UnsetType = UNSET
    teachers_online: int | UnsetType = UNSET
    messages: list[int] | UnsetType = UNSET
    lesson: LessonNow | UnsetType | None = UNSET


class Snapshot(msgspec.Struct, frozen=True):
    """The school at one moment, its classes by title."""

    version: Version
    at: Milliseconds
    minute: Minute
    elapsed: Elapsed
    totals: Totals
    classes: list[ClassRow]


class Changes(msgspec.Struct, frozen=True):
    """What has changed since version `previous`; a client that has another version joins again.

    Where `minute` is greater than before, the chart of each class first moves on by as many minutes, which begin with
    no messages; then the changes apply. `gone` are classes that the school no longer has.
    """

    version: Version
    previous: Version
    at: Milliseconds
    minute: Minute
    elapsed: Elapsed
    totals: Totals
    classes: list[ClassChange]
    gone: list[Identity]


DASHBOARD_CHANGED = EventType("dashboard:changed", Changes, Delivery.ORDERED, (DASHBOARD.wire,))


class Dashboard:
    """Keeps a row for each class, as clients have it, and says what has changed of them.

    `compared` is how many classes the last call of `changed` looked at.
    """

    name = "dashboard"
    event = DASHBOARD_CHANGED

    def __init__(self, presence: Presence, rates: MessageRates) -> None:
        self.compared = 0
        self._presence = presence
        self._rates = rates
        self._moved = presence.watch()
        self._counted = rates.watch()
        self._lessons = RunningLessons(presence)
        self._classes: Mapping[int, Classroom] = {}
        self._rows: dict[int, ClassRow] = {}  # by title
        self._by_topic: dict[str, ClassRow] = {}
        self._sums = [0, 0]  # messages of all classes in the last minute and in the running one
        self._version = 0
        self._minute, self._passed = rates.now()
        self._totals = Totals({}, 0, 0)

    async def refresh(self, journal: Journal, at: int) -> None:
        """Take over which lessons run; the next call of `changed` tells it."""
        await self._lessons.refresh(journal, at)

    def rest(self) -> None:
        """Forget the lessons, because nobody looks."""
        self._lessons.forget()

    def view(self, at: int) -> Snapshot:
        """Return the school as the last call of `changed` left it."""
        rows = [msgspec.structs.replace(row, messages=[*row.messages]) for row in self._rows.values()]
        return Snapshot(self._version, at, self._minute, self._elapsed, self._totals, rows)

    def changed(self, classes: Mapping[int, Classroom], at: int) -> Changes | None:
        """Return what has changed since the last call, or None where nothing has."""
        before = (self._minute, self._totals)
        self._move_on()
        changes = _Found()
        gone = [] if classes is self._classes else self._follow(classes, changes)
        self._take_people(changes)
        self._take_messages(changes)
        self._take_lessons(changes)
        self._totals = self._total()
        if not changes and not gone and before == (self._minute, self._totals):
            return None
        self._version += 1
        found, previous = [*changes.values()], self._version - 1
        return Changes(self._version, previous, at, self._minute, self._elapsed, self._totals, found, gone)

    @property
    def _elapsed(self) -> int:
        return round(self._passed * 60_000)

    def _move_on(self) -> None:
        """Move the charts on to the running minute."""
        minute, self._passed = self._rates.now()
        nothing = [0] * min(minute - self._minute, CHART_MINUTES)
        self._minute = minute
        if nothing:
            self._sums = [*self._sums, *nothing][-2:]
            for row in self._rows.values():
                if row.messages:
                    row.messages = _chart(row.messages + nothing)

    def _follow(self, classes: Mapping[int, Classroom], changes: "_Found") -> list[int]:
        """Take over other classes, as after an import; return the ids of those that are gone."""
        gone = [id_ for id_ in self._rows if id_ not in classes]
        for id_ in gone:
            self._add_to_sums(self._rows[id_].messages, [])
        by_title = sorted(classes.values(), key=lambda each: (each.title, each.id))
        self._rows = {room.id: self._rows.get(room.id) or self._unknown(room) for room in by_title}
        self._by_topic = {room.topic: self._rows[room.id] for room in by_title}
        for room in by_title:
            _set(self._rows[room.id], changes, "title", room.title)
            _set(self._rows[room.id], changes, "students", room.students)
        self._classes = classes
        return gone

    def _unknown(self, room: Classroom) -> ClassRow:
        """Make the row of a class that clients do not have yet: every field will be seen to differ."""
        self._moved.add(room.topic)
        self._lessons.changed.add(room.topic)
        self._counted[room.topic] = 0
        return ClassRow(room.id, "", -1, -1, -1, [])

    def _take_people(self, changes: "_Found") -> None:
        rows = [(topic, self._by_topic[topic]) for topic in self._moved if topic in self._by_topic]
        self._moved.clear()
        for topic, row in rows:
            here = self._presence.counts(topic)
            _set(row, changes, "students_online", here[STUDENT])
            _set(row, changes, "teachers_online", here[TEACHER])
        self.compared = len(rows)

    def _take_messages(self, changes: "_Found") -> None:
        rows = [(topic, self._by_topic[topic]) for topic in self._counted if topic in self._by_topic]
        for topic, row in rows:
            newest = self._rates.counts(topic, self._counted[topic], self._minute)
            before, after = row.messages, _chart(row.messages[: -len(newest)] + newest)
            if after != before:
                row.messages = after
                changes[row.id].messages = newest
                self._add_to_sums(before, after)
        self._counted.clear()
        self.compared += len(rows)

    def _take_lessons(self, changes: "_Found") -> None:
        rows = [(topic, self._by_topic[topic]) for topic in self._lessons.changed if topic in self._by_topic]
        self._lessons.changed.clear()
        for topic, row in rows:
            _set(row, changes, "lesson", self._lessons.get(topic))
        self.compared += len(rows)

    def _add_to_sums(self, before: list[int], after: list[int]) -> None:
        for back in (-1, -2):
            self._sums[back] += _count(after, back) - _count(before, back)

    def _total(self) -> Totals:
        # A window that slides: the last minute counts by the part of it that still lies within 60 seconds.
        last, running = self._sums
        connections = self._presence.sessions(ONLINE)
        return Totals(dict(self._presence.counts(ONLINE)), connections, round(last * (1 - self._passed) + running))


class _Found(dict[int, ClassChange]):
    """The changes found so far, by class; what is asked for is made."""

    def __missing__(self, id_: int) -> ClassChange:
        self[id_] = change = ClassChange(id_)
        return change


def _set(row: ClassRow, changes: _Found, field: str, value: object) -> None:
    if getattr(row, field) != value:
        setattr(row, field, value)
        setattr(changes[row.id], field, value)


def _chart(counts: list[int]) -> list[int]:
    """Return the minutes that the chart shows, without those before the first message."""
    shown = counts[-CHART_MINUTES:]
    if shown and shown[0]:
        return shown
    first = next((index for index, count in enumerate(shown) if count), len(shown))
    return shown[first:]


def _count(messages: list[int], back: int) -> int:
    return messages[back] if len(messages) >= -back else 0
