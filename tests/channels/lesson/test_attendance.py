"""What follows from spells of presence: present, late, left early, absent, minutes."""

import pytest

from channels.journal.entry import KeptSpell
from channels.lesson.attendance import GAP_MS, GONE_MS, MINUTE, Lesson, Mark, Thresholds, joined, measure
from channels.member import User

LESSON = Lesson(41, "Frações", User(3, "Paula", "teacher"), 0, 50 * MINUTE, 90)
RUNNING = Lesson(41, "Frações", User(3, "Paula", "teacher"), 0)
LONG_AFTER = 10**9


def spell(began: float, ended: float | None, seen: float = 60) -> KeptSpell:
    """Make a spell from minutes."""
    return KeptSpell(
        41, 1, "student", round(began * MINUTE), None if ended is None else round(ended * MINUTE), round(seen * MINUTE)
    )


@pytest.mark.parametrize(
    ("spells", "mark", "minutes"),
    [
        ([spell(0, 50)], Mark.PRESENT, 50),
        ([spell(5, 45)], Mark.PRESENT, 40),
        ([spell(5.1, 50)], Mark.LATE, 45),
        ([spell(0, 44)], Mark.LEFT_EARLY, 44),
        ([spell(10, 20)], Mark.LATE_AND_LEFT_EARLY, 10),
        ([spell(0, 20), spell(30, 50)], Mark.PRESENT, 40),
        ([spell(-10, 70)], Mark.PRESENT, 50),
        ([spell(20, 20.5)], Mark.ABSENT, 0),
        ([spell(51, 60)], Mark.ABSENT, 0),
        ([], Mark.ABSENT, 0),
    ],
    ids=["whole", "within five", "late", "early", "both", "away between", "longer", "by mistake", "after it", "never"],
)
def test_mark_follows_from_the_times(spells: list[KeptSpell], mark: Mark, minutes: int) -> None:
    found = measure(spells, LESSON, Thresholds(), LONG_AFTER)
    assert (found.mark, found.minutes) == (mark, minutes)


def test_thresholds_decide_who_is_late() -> None:
    spells = [spell(8, 42)]
    assert measure(spells, LESSON, Thresholds(10, 10), LONG_AFTER).mark is Mark.PRESENT
    assert measure(spells, LESSON, Thresholds(0, 0), LONG_AFTER).mark is Mark.LATE_AND_LEFT_EARLY


def test_spells_of_devices_and_reconnects_are_joined() -> None:
    gap = GAP_MS / MINUTE
    spells = [spell(0, 10), spell(2, 5), spell(10 + gap, 20), spell(20 + 2 * gap, 30)]
    times = joined(spells, LESSON, LONG_AFTER)
    assert [(time.began / MINUTE, time.ended / MINUTE) for time in times] == [(0, 20), (20 + 2 * gap, 30)]


def test_spell_of_a_killed_worker_ends_when_it_wrote_last_and_says_so() -> None:
    found = measure([spell(0, None, seen=30)], LESSON, Thresholds(), 31 * MINUTE + GONE_MS)
    assert (found.minutes, found.is_cut, found.mark) == (30, True, Mark.LEFT_EARLY)
    back = measure([spell(0, None, seen=30), spell(30.5, 50)], LESSON, Thresholds(), LONG_AFTER)
    assert (back.minutes, back.is_cut, back.mark) == (50, False, Mark.PRESENT)


def test_running_lesson_says_who_is_here_now() -> None:
    now = 20 * MINUTE
    here = measure([spell(0, None, seen=20)], RUNNING, Thresholds(), now)
    assert (here.is_here, here.mark, here.minutes) == (True, Mark.PRESENT, 20)
    came = measure([spell(19.9, None, seen=20)], RUNNING, Thresholds(), now)
    assert (came.is_here, came.mark) == (True, Mark.LATE)
    gone = measure([spell(0, 18)], RUNNING, Thresholds(), now)
    assert (gone.is_here, gone.mark) == (False, Mark.PRESENT)
