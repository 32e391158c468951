"""The register of a class is read from the journal: lessons, who was expected, who was there, corrections."""

from typing import Any

from channels.journal.entry import Spell, Spells
from channels.lesson.attendance import MINUTE, Mark, Thresholds
from channels.lesson.register import lessons_of, lines_of
from tests.channels.support import ANA, BRUNO, DIRETORA, PAULA, Worker, member
from tests.channels.support import CLASS as CLASS_7

CLASS = "class:7"
STAFF = "class:7:staff"


async def taught(worker: Worker, title: str = "") -> tuple[Any, int, int]:
    """Give a lesson; return the teacher's client, the lesson's position, and when it began."""
    paula = worker.connect(PAULA)
    await paula.ok(CLASS, "phx_join")
    await paula.ok(STAFF, "phx_join")
    started = await paula.ok(CLASS, "lesson:start", {"title": title})
    await paula.ok(CLASS, "lesson:end")
    return paula, started["seq"], started["at"]


async def keep(worker: Worker, *spells: Spell) -> None:
    worker.journal.keep_spells(Spells("aabbccddeeff", 10**13, spells))
    commits = worker.journal._commits
    while commits._committing is not None:
        await commits._committing


async def test_lessons_are_read_newest_first(worker: Worker) -> None:
    await taught(worker, "Frações")
    paula, _, _ = await taught(worker, "Decimais")
    await paula.ok(CLASS, "lesson:start")
    assert [(each.title, each.until is None) for each in await lessons_of(worker.journal, 7)] == [
        ("", True),
        ("Decimais", False),
        ("Frações", False),
    ]
    assert [each.title for each in await lessons_of(worker.journal, 7, 2)] == ["", "Decimais"]


async def test_register_has_who_was_expected_and_who_came(worker: Worker) -> None:
    _, target, at = await taught(worker)
    # Carla came though she was not enrolled when the lesson began; the teacher is in no line.
    spells = [
        Spell(n, CLASS, target, user, role, at, at + 1)
        for n, (user, role) in enumerate([(1, "student"), (9, "student"), (3, "teacher")])
    ]
    await keep(worker, *spells)
    lessons = await lessons_of(worker.journal, 7)
    lines = (await lines_of(worker.journal, 7, lessons, Thresholds(), at + MINUTE))[target]
    assert [line.user_id for line in lines] == [1, 2, 9]


async def test_later_pupils_are_not_absent_from_earlier_lessons(worker: Worker) -> None:
    _, target, at = await taught(worker)
    worker.authority.members["davi"] = member(5, "Davi", "student", CLASS_7)
    _, second, _ = await taught(worker)
    lines = await lines_of(worker.journal, 7, await lessons_of(worker.journal, 7), Thresholds(), at)
    assert [line.user_id for line in lines[target]] == [1, 2]
    assert [line.user_id for line in lines[second]] == [1, 2, 5]


async def test_newest_correction_counts_and_former_ones_are_kept(worker: Worker) -> None:
    paula, target, at = await taught(worker)
    for mark, note in (("present", "Estava no laboratório."), ("excused", "Atestado.")):
        await paula.ok(STAFF, "attendance:correct", {"target": target, "user": 2, "mark": mark, "note": note})
    lessons = await lessons_of(worker.journal, 7)
    (line,) = (await lines_of(worker.journal, 7, lessons, Thresholds(), at, BRUNO.user.id))[target]
    assert (line.mark, line.measured.mark) == (Mark.EXCUSED, Mark.ABSENT)
    assert [(each.note, each.author.name) for each in line.corrections] == [
        ("Atestado.", "Paula"),
        ("Estava no laboratório.", "Paula"),
    ]
    assert all(each.at >= at for each in line.corrections)


async def lesson(worker: Worker) -> tuple[Any, int]:
    paula = worker.connect(PAULA)
    await paula.ok(CLASS, "phx_join")
    await paula.ok(STAFF, "phx_join")
    return paula, (await paula.ok(CLASS, "lesson:start"))["seq"]


async def test_correction_reaches_the_staff_of_the_class_only(worker: Worker) -> None:
    paula, target = await lesson(worker)
    diretora, ana = worker.connect(DIRETORA), worker.connect(ANA)
    await diretora.ok(STAFF, "phx_join")
    await ana.ok(CLASS, "phx_join")
    correction = {"target": target, "user": 1, "mark": "excused", "note": " Atestado. ", "id": "c1"}
    first = await paula.ok(STAFF, "attendance:correct", correction)
    assert await paula.ok(STAFF, "attendance:correct", correction) == first
    (corrected,) = await diretora.has(1, "attendance:corrected")
    assert corrected["note"] == "Atestado."
    assert corrected["author"]["name"] == "Paula"
    assert await ana.refused(STAFF, "phx_join") == "unmatched_topic"
    assert ana.got("attendance:corrected") == []


async def test_correction_needs_a_lesson_and_a_student_of_the_class(worker: Worker) -> None:
    paula, target = await lesson(worker)
    seq = (await paula.ok(CLASS, "message:send", {"text": "oi"}))["seq"]
    for wrong in (0, seq, target + 100):
        correction = {"target": wrong, "user": 1, "mark": "present"}
        assert await paula.refused(STAFF, "attendance:correct", correction) == "bad_payload"
    stranger = {"target": target, "user": 77, "mark": "present"}
    assert await paula.refused(STAFF, "attendance:correct", stranger) == "bad_payload"
    too_long = {"target": target, "user": 1, "mark": "present", "note": "x" * 501}
    assert await paula.refused(STAFF, "attendance:correct", too_long) == "bad_payload"
