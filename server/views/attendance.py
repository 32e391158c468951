"""The attendance of one class: the page, what it shows as JSON, and the same as CSV.

Staff see every student of the class and correct by hand, over the socket (`channels.lesson.attendance`). Students see
their own lines only. What is selected stands in the address:

    from, to      lessons that began between these times (ms since 1970)      lesson    one lesson, by its position
    late, early   what counts as late, and as left early, in minutes          student   one student, by their id
    zone          the time zone of the CSV's dates, as in America/Sao_Paulo
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from tornado.web import HTTPError

from channels.journal.journal import Journal
from channels.lesson.attendance import HERE, MAX_MINUTES, USUAL_MINUTES, Lesson, Mark, Thresholds
from channels.lesson.register import Line, lessons_of, lines_of
from channels.lesson.rules import Role
from channels.member import Classroom
from channels.topics.kind import class_topic
from server.accounts.identifiers import by_name
from server.clock import DAY, now_ms
from server.spreadsheet import as_csv
from server.views.base import Page, classroom_for, zone_named

# The lessons that are shown without a choice: a term and its holidays.
USUAL_DAYS = 180
# No time in ms since 1970 has more digits than this, and none overflows a date.
_LAST = 253_000_000_000_000

_WORDS = {
    Mark.PRESENT: "present",
    Mark.LATE: "late",
    Mark.LEFT_EARLY: "left early",
    Mark.LATE_AND_LEFT_EARLY: "late, left early",
    Mark.ABSENT: "absent",
    Mark.EXCUSED: "excused",
}


class Register(NamedTuple):
    """What is selected: lessons, the newest first, their lines by position, and the names of all who are in them."""

    lessons: list[Lesson]
    lines: dict[int, list[Line]]
    names: Mapping[int, str]

    def of(self, lesson: Lesson) -> list[Line]:
        """Return a lesson's lines, by name."""
        return sorted(self.lines[lesson.target], key=lambda line: by_name(self.names[line.user_id]))


class AttendancePage(Page):
    """The page of a class's attendance; what it shows is asked for by its scripts."""

    async def get(self, class_id: str) -> None:
        """Show the page."""
        classroom = classroom_for(self.member, class_id)
        usual = {"days": USUAL_DAYS, "minutes": USUAL_MINUTES, "most": MAX_MINUTES}
        data = self.page_data(classroom={"id": classroom.id, "title": classroom.title}, classes=[], usual=usual)
        await self.show("attendance.html", classroom=classroom, page_data=data)


class AttendanceOfClass(Page):
    """What is asked for of the register of a class."""

    @property
    def journal(self) -> Journal:
        """The journal, to read the register from."""
        found: Journal = self.settings["journal"]
        return found

    @property
    def own_role(self) -> Role:
        """The role of who asks."""
        return self.tables.rules.of(self.member)

    def number(self, name: str, usual: int, most: int) -> int:
        """Return a number of the address; anything that is none, or out of bounds, is a 400."""
        given = self.get_query_argument(name, "")
        if not given:
            return usual
        if not given.isascii() or not given.isdecimal() or len(given) > 18 or int(given) > most:
            raise HTTPError(400, f"{name} is no number from 0 to {most}")
        return int(given)

    @property
    def student(self) -> int | None:
        """The student asked for; students see nobody but themselves."""
        if not self.own_role.is_staff:
            return self.member.user.id
        return self.number("student", 0, 10**18) or None

    async def read(self, classroom: Classroom) -> Register:
        """Read what is selected."""
        now, wanted = now_ms(), self.number("lesson", 0, 10**18)
        since, until = self.number("from", now - USUAL_DAYS * DAY, _LAST), self.number("to", _LAST, _LAST)
        lessons = [
            each
            for each in await lessons_of(self.journal, classroom.id)
            if (each.target == wanted if wanted else since <= each.since < until)
        ]
        thresholds = Thresholds(
            self.number("late", USUAL_MINUTES, MAX_MINUTES), self.number("early", USUAL_MINUTES, MAX_MINUTES)
        )
        lines = await lines_of(self.journal, classroom.id, lessons, thresholds, now, self.student)
        users = {line.user_id for each in lines.values() for line in each}
        return Register(lessons, lines, {user: str(user) for user in users} | await self.accounts.names(users))


class AttendanceData(AttendanceOfClass):
    """The register as JSON, for the page."""

    async def get(self, class_id: str) -> None:
        """Answer with one lesson or one student line by line, or with the sums of all."""
        register = await self.read(classroom_for(self.member, class_id))
        if self.get_query_argument("lesson", "") or self.student is not None:
            self.finish({"lessons": [self._whole(register, each) for each in register.lessons if register.of(each)]})
        else:
            lessons = [{**_lesson(each), **_sums(register.of(each))} for each in register.lessons]
            self.finish({"lessons": lessons, "students": list(_students(register))})

    def _whole(self, register: Register, lesson: Lesson) -> dict[str, Any]:
        lines = [self._line(register, line) for line in register.of(lesson)]
        return {**_lesson(lesson), **_sums(register.of(lesson)), "lines": lines}

    def _line(self, register: Register, line: Line) -> dict[str, Any]:
        measured = line.measured
        # Why a correction was made may concern others, too: notes are the staff's.
        corrections = [_correction(each) for each in line.corrections] if self.own_role.is_staff else []
        return {
            "user": {"id": line.user_id, "name": register.names[line.user_id]},
            "mark": line.mark,
            "measured": measured.mark,
            "minutes": measured.minutes,
            "came": measured.came,
            "left": measured.left,
            "is_here": measured.is_here,
            "is_cut": measured.is_cut,
            "is_corrected": bool(line.corrections),
            "corrections": corrections,
        }


class AttendanceSheet(AttendanceOfClass):
    """The register as CSV: a row for each student and lesson."""

    async def get(self, class_id: str) -> None:
        """Answer with the file."""
        register = await self.read(classroom_for(self.member, class_id))
        zone = self._zone()
        await self.audit.record("attendance:exported", self.member.user, topic=class_topic(int(class_id)))
        rows = [
            self._row(register, lesson, line, zone) for lesson in register.lessons[::-1] for line in register.of(lesson)
        ]
        self.set_header("Content-Type", "text/csv; charset=utf-8")
        self.set_header("Content-Disposition", f'attachment; filename="attendance-{int(class_id)}.csv"')
        self.finish(as_csv(self._header(), rows))

    def _zone(self) -> ZoneInfo:
        return zone_named(self.get_query_argument("zone", "UTC"))

    def _header(self) -> list[str]:
        _ = self.locale.translate
        columns = [_("Date"), _("Begins"), _("Ends"), _("Lesson"), _("Teacher"), _("Student"), _("Attendance")]
        measured = [_("Minutes"), _("Came"), _("Left"), _("Measured")]
        return [*columns, *measured, *([_("Corrected by"), _("Corrected"), _("Note")] if self._is_staffs else [])]

    @property
    def _is_staffs(self) -> bool:
        return self.own_role.is_staff

    def _row(self, register: Register, lesson: Lesson, line: Line, zone: ZoneInfo) -> Sequence[str | int]:
        measured = line.measured
        begins, ends = _local(lesson.since, zone), _local(lesson.until, zone)
        times = [_clock(_local(each, zone)) for each in (measured.came, measured.left)]
        row: list[str | int] = [
            begins.date().isoformat() if begins else "",
            *map(_clock, (begins, ends)),
            lesson.title,
            lesson.author.name,
            register.names[line.user_id],
            self._word(line.mark),
            measured.minutes,
            *times,
            self._word(measured.mark),
        ]
        return [*row, *(self._corrected(line, zone) if self._is_staffs else [])]

    def _word(self, mark: Mark) -> str:
        return mark_word(mark, self.locale.translate)

    @staticmethod
    def _corrected(line: Line, zone: ZoneInfo) -> list[str]:
        if not line.corrections:
            return ["", "", ""]
        newest = line.corrections[0]
        at = _local(newest.at, zone)
        return [newest.author.name, at.isoformat(" ", "minutes") if at else "", newest.note]


def mark_word(mark: str, translate: Callable[[str], str]) -> str:
    """Return what a mark is called."""
    return translate(_WORDS[Mark(mark)])


def _local(at: int | None, zone: ZoneInfo) -> datetime | None:
    return None if at is None else datetime.fromtimestamp(at / 1000, zone)


def _clock(at: datetime | None) -> str:
    return at.strftime("%H:%M") if at else ""


def _lesson(lesson: Lesson) -> dict[str, Any]:
    author = {"id": lesson.author.id, "name": lesson.author.name}
    return {
        "target": lesson.target,
        "title": lesson.title,
        "author": author,
        "since": lesson.since,
        "until": lesson.until,
    }


def _sums(lines: Sequence[Line]) -> dict[str, Any]:
    counts = Counter(line.mark for line in lines)
    return {"marks": counts, "present": sum(counts[mark] for mark in HERE), "expected": len(lines)}


def _students(register: Register) -> Sequence[dict[str, Any]]:
    lines: dict[int, list[Line]] = {}
    for lesson in register.lessons:
        for line in register.lines[lesson.target]:
            lines.setdefault(line.user_id, []).append(line)
    return [
        {
            "user": {"id": user_id, "name": register.names[user_id]},
            **_sums(lines[user_id]),
            "minutes": sum(line.measured.minutes for line in lines[user_id]),
        }
        for user_id in sorted(lines, key=lambda user_id: by_name(register.names[user_id]))
    ]


def _correction(correction: Any) -> dict[str, Any]:
    return {
        "mark": correction.mark,
        "note": correction.note,
        "by": {"id": correction.author.id, "name": correction.author.name},
        "at": correction.at,
    }
