"""Lessons of a class: a teacher starts one and ends it; one that was forgotten ends by itself (`server.lessons`).

    lesson:start {title?} -> lesson:started          lesson:end -> lesson:ended {target}

A lesson is named by its class and the position of its `lesson:started`. While it runs, the engine records who is in the
class (`Lessons.period`); `attendance` says what follows from that.
"""

from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from channels.errors import Code, Refused
from channels.event import Delivery, EventType
from channels.field import Identity, Milliseconds, Position, PushId, Title
from channels.lesson.feature import Action, Append, Appended, Feature, Period, Push, Several
from channels.limit import MAX_EXPECTED
from channels.member import User
from channels.topics.kind import CLASS_STAFF, class_staff_topic
from channels.visible import is_visible
from channels.wire.codec import Event


class LessonStart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Start a lesson of the class, with a title or without one."""

    title: Title = ""
    id: PushId | None = None


class LessonEnd(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """End the lesson that runs."""

    id: PushId | None = None


class LessonStarted(msgspec.Struct, frozen=True):
    """A lesson has begun; its title may be empty."""

    title: Title
    author: User
    id: PushId | UnsetType = UNSET


class LessonEnded(msgspec.Struct, frozen=True):
    """The lesson that began at `target` is over since `until`.

    Without an author it ended by itself: no staff was there any more, the last of them until `until`.
    """

    target: Position
    until: Milliseconds
    author: User | UnsetType = UNSET
    id: PushId | UnsetType = UNSET


class LessonExpected(msgspec.Struct, frozen=True):
    """Who was enrolled as a student when a lesson began: the one whose `lesson:started` has the same `at`."""

    students: Annotated[list[Identity], msgspec.Meta(max_length=MAX_EXPECTED, examples=[[12, 13]])]


class Running(msgspec.Struct, frozen=True):
    """The lesson that runs: its position, its title, who has started it, and since when."""

    target: Position
    title: Title
    author: User
    since: Milliseconds


class Last(msgspec.Struct, frozen=True):
    """The newest lesson that is over: its position, that of its `lesson:ended`, and since when."""

    target: Position
    end: Position
    until: Milliseconds


# A class may allow messages during lessons only.
STARTED = EventType("lesson:started", LessonStarted, Delivery.DURABLE, governs=True)
ENDED = EventType("lesson:ended", LessonEnded, Delivery.DURABLE, governs=True)
EXPECTED = EventType("lesson:expected", LessonExpected, Delivery.DURABLE, (CLASS_STAFF.wire,))


async def _start(push: Push[LessonStart]) -> Several[Appended]:
    if push.state(Lessons).running is not None:
        raise Refused(Code.FORBIDDEN, "a lesson of this class runs already; end it first")
    given, address = push.payload, push.topic.address
    students = await push.authority.absent(address, push.counted(address), (), MAX_EXPECTED)
    title = given.title.strip() if is_visible(given.title) else ""
    started = Append(STARTED, LessonStarted(title, push.member.user, given.id or UNSET))
    expected = LessonExpected([student.id for student in students])
    return Several(started, (Append(EXPECTED, expected, class_staff_topic(address.number)),))


def _end(push: Push[LessonEnd]) -> Append[LessonEnded]:
    running = push.state(Lessons).running
    if running is None:
        raise Refused(Code.FORBIDDEN, "no lesson of this class runs")
    return Append(ENDED, LessonEnded(running.target, push.at, push.member.user, push.payload.id or UNSET))


START = Action("lesson:start", LessonStart, _start, Appended, emits=(STARTED, EXPECTED))
END = Action("lesson:end", LessonEnd, _end, Appended, emits=(ENDED,))


class _Started(LessonStarted, frozen=True):
    seq: Position = 0
    at: Milliseconds = 0


class Lessons(Feature[Running | None]):
    """The lesson of the class that runs, if one does."""

    __slots__ = ("running",)

    name = "lesson"
    events = (STARTED, ENDED)
    saved = Running | None

    def __init__(self) -> None:
        self.running: Running | None = None

    def apply(self, event: Event) -> None:
        """Fold one event."""
        if event.event == STARTED.name:
            self.running = as_running(event)
        else:
            self.running = None

    def view(self) -> Running | None:
        """Return the lesson that runs."""
        return self.running

    def dump(self) -> Running | None:
        """Return the state."""
        return self.running

    def load(self, saved: Running | None) -> None:
        """Take over a state."""
        self.running = saved

    def period(self) -> Period | None:
        """Return the running lesson: who is in the class belongs to it."""
        return Period(self.running.target, self.running.since) if self.running is not None else None


class LastLesson(Feature[Last | None]):
    """The newest lesson of the class that is over: a client that has read less far may have missed it."""

    __slots__ = ("_last",)

    name = "last_lesson"
    events = (ENDED,)
    saved = Last | None

    def __init__(self) -> None:
        self._last: Last | None = None

    def apply(self, event: Event) -> None:
        """Fold one event."""
        ended = msgspec.json.decode(event.payload, type=LessonEnded)
        self._last = Last(ended.target, event.seq, ended.until)

    def view(self) -> Last | None:
        """Return the lesson."""
        return self._last

    def dump(self) -> Last | None:
        """Return the state."""
        return self._last

    def load(self, saved: Last | None) -> None:
        """Take over a state."""
        self._last = saved


def as_running(event: Event) -> Running:
    """Return the lesson that a `lesson:started` begins."""
    started = msgspec.json.decode(event.payload, type=_Started)
    return Running(started.seq, started.title, started.author, started.at)
