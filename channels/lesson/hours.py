"""The hours of a class: when its students can do more than read.

    chat:hours {mode, spans} -> hours:changed        hours:read -> whether it is open, and when that changes

A class has hours of its own or those of the school, which the authority knows. The hours `lesson` depend on the events
of the class's lessons. The time of day changes what is allowed, too, and no event says so: the rule compares the time
of each push.
"""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from channels.errors import Code, Refused
from channels.event import Delivery, EventType
from channels.field import Milliseconds, PushId
from channels.hours import Hours, Mode, SchoolHours, Spans, opening
from channels.lesson import lessons
from channels.lesson.feature import Action, Append, Appended, Feature, Push, Reply, Viewer
from channels.lesson.speech import AT_ANY_HOUR
from channels.member import User
from channels.wire.codec import Event

# Enough for pages that stay open over a week of two openings a day; then they ask again.
_SHOWN_CHANGES = 20


class ChatHours(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Give the class hours of its own; with a `mode` of null, those of the school. `spans` go with the mode `hours`."""

    mode: Mode | None
    spans: Spans = ()
    id: PushId | None = None


class HoursChanged(msgspec.Struct, frozen=True):
    """The class has hours of its own, or those of the school (`own` is null)."""

    own: Hours | None
    author: User
    id: PushId | UnsetType = UNSET


class HoursRead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Ask for the hours of the class as they are now."""


class ClassHours(msgspec.Struct, frozen=True):
    """The hours of a class: its `own` (null: it has the `school`'s), and the time zone of their times of day.

    `open` says whether students can write by these hours; by the mode `lesson` that is while a lesson runs. `changes`
    are the next times at which that changes, in turn.
    """

    own: Hours | None
    school: Hours
    zone: str
    open: bool
    changes: list[Milliseconds]


CHANGED = EventType("hours:changed", HoursChanged, Delivery.DURABLE, governs=True, audited=True)


def _set(push: Push[ChatHours]) -> Append[HoursChanged]:
    given = push.payload
    own = Hours(given.mode, given.spans) if given.mode is not None else None
    problem = own.problem() if own is not None else "`spans` need a mode" if given.spans else None
    if problem is not None:
        raise Refused(Code.BAD_PAYLOAD, problem)
    return Append(CHANGED, HoursChanged(own, push.member.user, given.id or UNSET))


def _read(push: Push[HoursRead]) -> Reply[ClassHours]:
    return Reply(push.state(ClassOpening).hours(push.authority.hours, push.at))


SET = Action("chat:hours", ChatHours, _set, Appended, emits=(CHANGED,))
READ = Action("hours:read", HoursRead, _read, ClassHours, reads=True)


class _Saved(msgspec.Struct, frozen=True):
    own: Hours | None
    has_lesson: bool


class ClassOpening(Feature[_Saved]):
    """The hours that a class has of its own, and whether a lesson runs."""

    __slots__ = ("_has_lesson", "_own")

    name = "hours"
    events = (CHANGED, lessons.STARTED, lessons.ENDED)
    saved = _Saved

    def __init__(self) -> None:
        self._own: Hours | None = None
        self._has_lesson = False

    def apply(self, event: Event) -> None:
        """Take over new hours, or that a lesson has begun or ended."""
        if event.event == CHANGED.name:
            self._own = msgspec.json.decode(event.payload, type=HoursChanged).own
        else:
            self._has_lesson = event.event == lessons.STARTED.name

    def hours(self, school: SchoolHours, at: int) -> ClassHours:
        """Return the hours of the class at a time, where the school has these."""
        now = self._own or school.hours
        if now.mode is not Mode.HOURS:
            is_open = now.mode is Mode.ALWAYS or self._has_lesson
            return ClassHours(self._own, school.hours, school.zone, is_open, [])
        found = opening(now.spans, school.zone, at)
        return ClassHours(self._own, school.hours, school.zone, found.is_open, found.changes[:_SHOWN_CHANGES])

    def view_for(self, viewer: Viewer) -> ClassHours:
        """Return the hours as they are now."""
        return self.hours(viewer.authority.hours, viewer.at)

    def dump(self) -> _Saved:
        """Return the state."""
        return _Saved(self._own, self._has_lesson)

    def load(self, saved: _Saved) -> None:
        """Take over a state."""
        self._own, self._has_lesson = saved.own, saved.has_lesson

    def rule(self, push: Push[Any], action: Action[Any, Any]) -> None:
        """Refuse what students push outside of the hours."""
        if push.is_staff or action.event in AT_ANY_HOUR:
            return
        school = push.authority.hours
        if (self._own or school.hours).mode is Mode.ALWAYS:
            return
        hours = self.hours(school, push.at)
        if not hours.open:
            opens = {"opens_at": hours.changes[0]} if hours.changes else {}
            raise Refused(Code.CLOSED, "the class is closed now", **opens)
