"""The attendance register of a class: its lessons, who was expected, who was there, and what staff correct by hand.

    lessons_of(journal, 7) -> [Lesson …]          lines_of(journal, 7, lessons, …) -> {lesson's position: [Line …]}
    attendance:correct {target, user, mark, note} -> attendance:corrected, on the topic of the class's staff

A student is expected in a lesson if they were enrolled when it began; others who were there are listed, too.
"""

from collections import defaultdict
from collections.abc import Sequence

import msgspec
from msgspec import UNSET

from channels.errors import Code, Refused
from channels.field import Milliseconds
from channels.journal.entry import KeptSpell
from channels.journal.journal import Journal
from channels.lesson.attendance import (
    CORRECTED,
    NOT_THERE,
    AttendanceCorrect,
    AttendanceCorrected,
    Lesson,
    Mark,
    Measured,
    Thresholds,
    measure,
)
from channels.lesson.feature import Action, Append, Appended, Push
from channels.lesson.lessons import ENDED, EXPECTED, STARTED, LessonEnded, LessonExpected, as_running
from channels.limit import MAX_CORRECTIONS, MAX_LESSONS
from channels.member import STUDENT
from channels.topics.kind import class_staff_topic, class_topic, parse_name


class Correction(AttendanceCorrected, frozen=True):
    """A correction, and when it was made."""

    at: Milliseconds = 0


class Line(msgspec.Struct, frozen=True):
    """One student and one lesson: what was measured, and what staff have said of it since, the newest first."""

    user_id: int
    measured: Measured
    corrections: Sequence[Correction] = ()

    @property
    def mark(self) -> Mark:
        """What counts."""
        return self.corrections[0].mark if self.corrections else self.measured.mark


class _Expected(LessonExpected, frozen=True):
    at: Milliseconds = 0


async def lessons_of(journal: Journal, class_id: int, limit: int = MAX_LESSONS) -> list[Lesson]:
    """Return the newest lessons of a class, the newest first; raises `JournalUnavailable`."""
    events = await journal.before(class_topic(class_id), None, 2 * limit, [STARTED.name, ENDED.name])
    lessons: list[Lesson] = []
    for event in events:
        if event.event == STARTED.name:
            begun = as_running(event)
            lessons.append(Lesson(begun.target, begun.title, begun.author, begun.since))
        elif lessons:
            ended = msgspec.json.decode(event.payload, type=LessonEnded)
            lessons[-1] = msgspec.structs.replace(lessons[-1], until=ended.until, end=event.seq)
    return lessons[::-1][:limit]


async def lines_of(
    journal: Journal,
    class_id: int,
    lessons: Sequence[Lesson],
    thresholds: Thresholds,
    now: int,
    user_id: int | None = None,
) -> dict[int, list[Line]]:
    """Return the lines of these lessons, in the order of the users' ids, by the lessons' positions.

    With `user_id` only this student's. Raises `JournalUnavailable`.
    """
    spells = await _spells(journal, class_id, lessons, user_id)
    expected = await _expected(journal, class_id)
    corrections = await _corrections(journal, class_id)
    found: dict[int, list[Line]] = {}
    for lesson in lessons:
        here, corrected = spells[lesson.target], corrections[lesson.target]
        users = {*expected.get(lesson.since, ()), *here, *corrected}
        found[lesson.target] = [
            Line(user, measure(here[user], lesson, thresholds, now) if user in here else NOT_THERE, corrected[user])
            for user in sorted(users)
            if user_id in (None, user)
        ]
    return found


async def _spells(
    journal: Journal, class_id: int, lessons: Sequence[Lesson], user_id: int | None
) -> dict[int, dict[int, list[KeptSpell]]]:
    # By lesson and student.
    found: dict[int, dict[int, list[KeptSpell]]] = defaultdict(lambda: defaultdict(list))
    for spell in await journal.spells(class_topic(class_id), [lesson.target for lesson in lessons], user_id):
        if spell.role == STUDENT:
            found[spell.period][spell.user_id].append(spell)
    return found


async def _expected(journal: Journal, class_id: int) -> dict[int, list[int]]:
    # The students by the time at which the lesson began: both events are of one push.
    events = await journal.before(class_staff_topic(class_id), None, MAX_LESSONS, [EXPECTED.name])
    read = [msgspec.json.decode(event.payload, type=_Expected) for event in events]
    return {each.at: each.students for each in read}


async def _corrections(journal: Journal, class_id: int) -> dict[int, dict[int, list[Correction]]]:
    # By lesson and student, the newest first.
    found: dict[int, dict[int, list[Correction]]] = defaultdict(lambda: defaultdict(list))
    events = await journal.before(class_staff_topic(class_id), None, MAX_CORRECTIONS, [CORRECTED.name])
    for event in reversed(events):
        correction = msgspec.json.decode(event.payload, type=Correction)
        found[correction.target][correction.user].append(correction)
    return found


# What staff correct


async def _correct(push: Push[AttendanceCorrect]) -> Append[AttendanceCorrected]:
    given = push.payload
    class_id = push.topic.address.number
    lesson = await _lesson_at(push.journal, class_id, given.target)
    if lesson is None:
        raise Refused(Code.BAD_PAYLOAD, "no lesson of the class begins at this position")
    if not await _is_student(push, lesson):
        raise Refused(Code.BAD_PAYLOAD, "the user is no student of this lesson")
    note = given.note.strip()
    return Append(
        CORRECTED,
        AttendanceCorrected(given.target, given.user, given.mark, note, push.member.user, given.id or UNSET),
    )


async def _lesson_at(journal: Journal, class_id: int, target: int) -> Lesson | None:
    events = await journal.after(class_topic(class_id), target - 1, 1)
    if not events or (events[0].seq, events[0].event) != (target, STARTED.name):
        return None
    begun = as_running(events[0])
    return Lesson(begun.target, begun.title, begun.author, begun.since)


async def _is_student(push: Push[AttendanceCorrect], lesson: Lesson) -> bool:
    # Of the lesson, or enrolled since: staff may enter who came before the school enrolled them.
    class_id, user_id = push.topic.address.number, push.payload.user
    lines = await lines_of(push.journal, class_id, [lesson], Thresholds(), push.at, user_id)
    if lines[lesson.target]:
        return True
    topic = parse_name(class_topic(class_id))
    users, _ = await push.authority.audience(topic, push.counted(topic), [user_id])
    return bool(users)


CORRECT = Action("attendance:correct", AttendanceCorrect, _correct, Appended, emits=(CORRECTED,))
