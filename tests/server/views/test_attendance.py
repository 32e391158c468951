"""Attendance on the pages and as CSV: staff see the class and correct it, students see themselves."""

import csv
import io
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import pytest

from channels.journal.entry import Entry, Spell, Spells
from channels.journal.journal import Journal
from channels.lesson.attendance import CORRECTED, AttendanceCorrected, Mark
from channels.lesson.lessons import ENDED, EXPECTED, STARTED, LessonEnded, LessonExpected, LessonStarted
from channels.member import User
from server.clock import MINUTE
from tests.channels.journal.support import append
from tests.server.people import People
from tests.server.views.conftest import School
from tests.server.views.visitor import Visitor

SignedIn = Callable[[str], Awaitable[Visitor]]
PAULA = User(900, "Paula Nogueira", "teacher")
BEGAN = 1_795_608_000_000  # 2026-11-25T12:00:00Z
PERIOD = f"from={BEGAN - 1}&to={BEGAN + 1}"


@dataclass(frozen=True)
class Held:
    """A lesson of mathematics: ana came late, bia was not there, and who has left the school came, too."""

    path: str
    target: int
    ana: int
    bia: int


@pytest.fixture
async def held(journal: Journal, school: School, people: People) -> Held:
    """Hold a lesson."""
    class_id = school.mathematics
    bia = await people.user("bia", name="=HYPERLINK(1)")
    await people.enrol(bia, class_id, "student")
    topic, staff = f"class:{class_id}", f"class:{class_id}:staff"

    def entry(kind: Any, payload: Any, at: int, where: str = topic) -> Entry:
        return Entry(where, kind.name, kind.encode(payload), PAULA.id, None, at, kind.governs)

    started = entry(STARTED, LessonStarted("@Frações", PAULA), BEGAN)
    (receipt,) = await append(journal, started)
    target: int = receipt.seq  # type: ignore[union-attr]
    end = BEGAN + 50 * MINUTE
    await append(
        journal,
        entry(EXPECTED, LessonExpected([school.ana, bia]), BEGAN, staff),
        entry(ENDED, LessonEnded(target, end, PAULA), end),
    )
    spells = [
        Spell(1, topic, target, school.ana, "student", BEGAN + 10 * MINUTE, end),
        Spell(2, topic, target, PAULA.id, "teacher", BEGAN, end),
    ]
    journal.keep_spells(Spells("aabbccddeeff", end, spells))
    await append(
        journal, entry(CORRECTED, AttendanceCorrected(target, bia, Mark.EXCUSED, "+atestado", PAULA), end, staff)
    )
    return Held(f"classes/{class_id}/attendance", target, school.ana, bia)


async def _json(visitor: Visitor, path: str) -> Any:
    answer = await visitor.get(path)
    assert answer.status == HTTPStatus.OK, answer.text
    return json.loads(answer.text)


@pytest.mark.parametrize(("login", "home"), [("paula", "/teachers/"), ("diretora", "/principal/")])
async def test_staff_see_lessons_and_students_in_sums(held: Held, signed_in: SignedIn, login: str, home: str) -> None:
    data = await _json(await signed_in(login), f"{home}{held.path}.json?{PERIOD}")
    (lesson,) = data["lessons"]
    assert (lesson["target"], lesson["title"], lesson["present"], lesson["expected"]) == (held.target, "@Frações", 1, 2)
    assert lesson["marks"] == {"late": 1, "excused": 1}
    assert [(each["user"]["id"], each["present"], each["minutes"]) for each in data["students"]] == [
        (held.bia, 0, 0),
        (held.ana, 1, 40),
    ]


async def test_lesson_opens_to_its_lines_with_corrections(held: Held, signed_in: SignedIn) -> None:
    teacher = await signed_in("paula")
    (lesson,) = (await _json(teacher, f"/teachers/{held.path}.json?{PERIOD}&lesson={held.target}"))["lessons"]
    bia, ana = lesson["lines"]
    assert (ana["mark"], ana["minutes"], ana["came"], ana["corrections"]) == ("late", 40, BEGAN + 10 * MINUTE, [])
    assert (bia["mark"], bia["measured"]) == ("excused", "absent")
    assert bia["corrections"][0]["note"] == "+atestado"
    assert bia["corrections"][0]["by"]["name"] == "Paula Nogueira"


async def test_thresholds_of_the_address_count(held: Held, signed_in: SignedIn) -> None:
    data = await _json(await signed_in("paula"), f"/teachers/{held.path}.json?{PERIOD}&late=10&student={held.ana}")
    assert [line["mark"] for lesson in data["lessons"] for line in lesson["lines"]] == ["present"]


@pytest.mark.parametrize("asked", ["late=61", "early=-1", "from=x", "to=9999999999999999", "lesson=1e3", "late=٣"])
async def test_numbers_out_of_bounds_are_refused(held: Held, signed_in: SignedIn, asked: str) -> None:
    assert (await (await signed_in("paula")).get(f"/teachers/{held.path}.json?{asked}")).status == 400


async def test_student_sees_only_their_own_lines_and_no_notes(held: Held, signed_in: SignedIn) -> None:
    ana = await signed_in("ana")
    for asked in (PERIOD, f"{PERIOD}&student={held.bia}", f"{PERIOD}&lesson={held.target}&student={held.bia}"):
        data = await _json(ana, f"/students/{held.path}.json?{asked}")
        assert "students" not in data
        assert [line["user"]["id"] for lesson in data["lessons"] for line in lesson["lines"]] == [held.ana]
        assert "atestado" not in json.dumps(data)
        sheet = (await ana.get(f"/students/{held.path}.csv?{asked}")).text
        assert "atestado" not in sheet
        assert "HYPERLINK" not in sheet


async def test_nobody_reads_another_class_or_another_roles_page(
    held: Held, school: School, signed_in: SignedIn
) -> None:
    for path in ("attendance", "attendance.json", "attendance.csv"):
        assert (await (await signed_in("ana")).get(f"/students/classes/{school.history}/{path}")).status == 404
        assert (await (await signed_in("ana")).get(f"/teachers/classes/{school.mathematics}/{path}")).status == 403
        assert (await Visitor(school.url).get(f"/teachers/classes/{school.mathematics}/{path}")).status == 302


async def test_csv_has_a_row_for_each_student_and_no_formula(held: Held, signed_in: SignedIn) -> None:
    teacher = await signed_in("paula")
    answer = await teacher.get(f"/teachers/{held.path}.csv?{PERIOD}&zone=America/Sao_Paulo")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    cookie = f"lousa_session={teacher.cookies['lousa_session']}"
    raw = await teacher.raw(f"/teachers/{held.path}.csv?{PERIOD}", "identity", Cookie=cookie)
    assert raw.body.startswith(b"\xef\xbb\xbf")
    bia, ana = csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff")))
    assert (ana["Date"], ana["Begins"], ana["Ends"], ana["Came"]) == ("2026-11-25", "09:00", "09:50", "09:10")
    assert (ana["Attendance"], ana["Minutes"], ana["Lesson"]) == ("late", "40", "'@Frações")
    assert (bia["Student"], bia["Attendance"], bia["Measured"]) == ("'=HYPERLINK(1)", "excused", "absent")
    assert (bia["Corrected by"], bia["Corrected"], bia["Note"]) == (PAULA.name, "2026-11-25 09:50-03:00", "'+atestado")
    assert (await teacher.get(f"/teachers/{held.path}.csv?zone=America")).status == HTTPStatus.BAD_REQUEST


async def test_page_names_the_class_and_leads_back_to_it(held: Held, signed_in: SignedIn) -> None:
    page = await (await signed_in("paula")).get(f"/teachers/{held.path}")
    assert page.has("6º A · Matemática")
    assert page.has(f'href="/teachers/{held.path.removesuffix("/attendance")}"')
