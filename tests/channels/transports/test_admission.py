"""The line at a worker's door: who comes in when, and who is sent back for how long."""

import pytest

from channels.limit import ADMISSION_BURST, ADMISSION_RATE, MAX_LINE_SECONDS
from channels.member import Role
from channels.transports.admission import Admission, Crowded
from tests.channels.support import TurnedClock

AT_ONCE = int(ADMISSION_BURST)
IN_LINE = int(MAX_LINE_SECONDS * ADMISSION_RATE)


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def admission(clock: TurnedClock) -> Admission:
    return Admission(clock)


def come(admission: Admission, count: int, role: Role = Role.STUDENT) -> list[float]:
    return [admission.take_slot(role) for _ in range(count)]


def crowd(admission: Admission, count: int) -> list[int]:
    """Let so many students come who are all sent back; return for how many ms."""
    sent_back = []
    for _ in range(count):
        with pytest.raises(Crowded) as raised:
            admission.take_slot(Role.STUDENT)
        sent_back.append(raised.value.retry_after)
    return sent_back


def test_a_class_comes_in_at_once(admission: Admission) -> None:
    assert come(admission, AT_ONCE) == [0.0] * AT_ONCE


def test_who_comes_after_it_is_let_in_one_after_the_other(admission: Admission) -> None:
    come(admission, AT_ONCE)
    assert come(admission, 100) == pytest.approx([number / ADMISSION_RATE for number in range(100)])


def test_who_would_wait_for_long_is_sent_back_and_takes_nobodys_turn(admission: Admission, clock: TurnedClock) -> None:
    waits = come(admission, AT_ONCE + IN_LINE)
    assert max(waits) <= MAX_LINE_SECONDS
    come(admission, 1)
    crowd(admission, 1_000)
    clock.now += 1.0
    assert come(admission, 1)[0] == pytest.approx(MAX_LINE_SECONDS - 1, abs=0.01)


def test_those_who_are_sent_back_are_spread_over_the_time_that_they_need_to_come_in(admission: Admission) -> None:
    come(admission, AT_ONCE + IN_LINE + 1)
    times = crowd(admission, 5_000)
    assert min(times) >= 1000 * MAX_LINE_SECONDS
    assert max(times) <= 1000 * (MAX_LINE_SECONDS + 5_000 / ADMISSION_RATE + 0.01)
    assert max(times) > 1000 * (MAX_LINE_SECONDS + 3_000 / ADMISSION_RATE)


def test_who_has_come_in_after_all_makes_the_others_wait_no_longer(admission: Admission, clock: TurnedClock) -> None:
    come(admission, AT_ONCE + IN_LINE + 1)
    crowd(admission, 5_000)
    for _ in range(4):
        clock.now += 1
        come(admission, int(ADMISSION_RATE))
    assert max(crowd(admission, 500)) <= 1000 * (MAX_LINE_SECONDS + 1_500 / ADMISSION_RATE + 0.01)


@pytest.mark.parametrize("role", [Role.TEACHER, Role.PRINCIPAL])
def test_those_who_teach_come_in_at_once_in_any_crowd(admission: Admission, role: Role) -> None:
    come(admission, AT_ONCE + IN_LINE + 1)
    assert come(admission, 100, role) == [0.0] * 100
    crowd(admission, 1)


def test_after_a_pause_all_is_as_it_was(admission: Admission, clock: TurnedClock) -> None:
    come(admission, AT_ONCE + IN_LINE + 1)
    crowd(admission, 1_000)
    clock.now += 60
    assert come(admission, AT_ONCE) == [0.0] * AT_ONCE
    come(admission, IN_LINE + 1)
    assert crowd(admission, 1)[0] <= 1000 * (MAX_LINE_SECONDS + 2 / ADMISSION_RATE)
