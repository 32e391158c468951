"""Attendance: what follows from who was in the class while a lesson ran, and what staff correct of it by hand.

    spells of presence (`channels.engine.spells`) -> joined -> Measured: present, late, left early, absent, minutes

What was measured is never changed: a correction stands beside it, and earlier corrections stay in the journal. The
register of a class is read and corrected by `register`.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from channels.event import Delivery, EventType
from channels.field import Identity, Milliseconds, Position, PushId
from channels.journal.entry import KeptSpell
from channels.limit import MAX_NOTE_CHARACTERS
from channels.member import User
from channels.topics.kind import CLASS_STAFF

MINUTE = 60_000

# Shorter gaps are no absence: a page that is reloaded, a change of networks, the restart of a server, which costs the
# last 10 s of its record and up to 30 s until the last client is back.
GAP_MS = MINUTE

# Who was there for less in all has looked in by mistake; so has who was there for less than half of a shorter lesson.
LEAST_MS = MINUTE

# A worker that has not written for so long is gone: its open spells ended when it wrote last. Three times its period.
GONE_MS = 30_000

# How many minutes after the beginning one is late, and before the end one has left early. At most an hour, which is
# longer than a lesson; 0 counts every minute.
USUAL_MINUTES = 5
MAX_MINUTES = 60


class Mark(StrEnum):
    """What is said of one student and one lesson."""

    PRESENT = "present"
    LATE = "late"
    LEFT_EARLY = "left_early"
    LATE_AND_LEFT_EARLY = "late_and_left_early"
    ABSENT = "absent"
    EXCUSED = "excused"  # by hand only


HERE = frozenset({Mark.PRESENT, Mark.LATE, Mark.LEFT_EARLY, Mark.LATE_AND_LEFT_EARLY})

Note = Annotated[str, msgspec.Meta(max_length=MAX_NOTE_CHARACTERS, examples=["Atestado médico."])]


class AttendanceCorrect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Say by hand how a student attended the lesson whose `lesson:started` is at `target` in the class's topic."""

    target: Position
    user: Identity
    mark: Mark
    note: Note = ""
    id: PushId | None = None


class AttendanceCorrected(msgspec.Struct, frozen=True):
    """Staff has said how a student attended a lesson; of several such events the newest counts."""

    target: Position
    user: Identity
    mark: Mark
    note: Note
    author: User
    id: PushId | UnsetType = UNSET


CORRECTED = EventType("attendance:corrected", AttendanceCorrected, Delivery.DURABLE, (CLASS_STAFF.wire,), audited=True)


# What is measured


class Lesson(msgspec.Struct, frozen=True):
    """A lesson of a class: its position, its title, who began it, and when; `until` is None while it runs."""

    target: int
    title: str
    author: User
    since: int
    until: int | None = None
    end: int | None = None  # the position of its `lesson:ended`


class Thresholds(msgspec.Struct, frozen=True):
    """How many minutes after the beginning one is late, and before the end one has left early."""

    late: int = USUAL_MINUTES
    early: int = USUAL_MINUTES


class Spent(msgspec.Struct, frozen=True):
    """A time that a user spent in a lesson; `is_cut`: a server stopped meanwhile, and up to 10 s may be missing."""

    began: int
    ended: int
    is_cut: bool = False


class Measured(msgspec.Struct, frozen=True):
    """How a student attended a lesson. `is_here`: it runs, and they are there; `is_cut`: see `Spent`."""

    mark: Mark
    minutes: int = 0
    came: Milliseconds | None = None
    left: Milliseconds | None = None
    is_here: bool = False
    is_cut: bool = False


NOT_THERE = Measured(Mark.ABSENT)


def joined(spells: Iterable[KeptSpell], lesson: Lesson, now: int) -> list[Spent]:
    """Join one user's spells, of all devices and workers, to the times that they spent in the lesson."""
    times: list[Spent] = []
    for spell in sorted((_spent(spell, lesson, now) for spell in spells), key=lambda each: each.began):
        last = times[-1] if times else None
        if last is not None and spell.began - last.ended <= GAP_MS:
            is_cut = spell.is_cut if spell.ended >= last.ended else last.is_cut
            times[-1] = Spent(last.began, max(last.ended, spell.ended), is_cut)
        elif spell.ended >= spell.began:
            times.append(spell)
    return times


def last_here(spell: KeptSpell, now: int) -> int:
    """Return until when a user was there: until now, where that goes on."""
    if spell.ended is not None:
        return spell.ended
    return spell.seen if now - spell.seen > GONE_MS else now


def _spent(spell: KeptSpell, lesson: Lesson, now: int) -> Spent:
    end = now if lesson.until is None else lesson.until
    ended = min(last_here(spell, now), end)
    # Its worker is gone, and nobody has written when the user left.
    is_cut = spell.ended is None and ended == spell.seen
    return Spent(max(spell.began, lesson.since), ended, is_cut)


def measure(spells: Sequence[KeptSpell], lesson: Lesson, thresholds: Thresholds, now: int) -> Measured:
    """Say how one user attended a lesson, from all their spells of it."""
    times = joined(spells, lesson, now)
    spent = sum(time.ended - time.began for time in times)
    if not times:
        return NOT_THERE
    end = now if lesson.until is None else lesson.until
    came, left = times[0].began, times[-1].ended
    is_here = lesson.until is None and left == now
    mark = _mark(came - lesson.since > thresholds.late * MINUTE, not is_here and end - left > thresholds.early * MINUTE)
    if spent < min(LEAST_MS, (end - lesson.since) // 2) and not is_here:
        mark = Mark.ABSENT
    return Measured(mark, round(spent / MINUTE), came, left, is_here, any(time.is_cut for time in times))


def _mark(is_late: bool, left_early: bool) -> Mark:
    if is_late:
        return Mark.LATE_AND_LEFT_EARLY if left_early else Mark.LATE
    return Mark.LEFT_EARLY if left_early else Mark.PRESENT
