"""The admission queue: when clients are admitted, and after what delay the others retry."""

import pytest

from channels.limit import MAX_LINE_SECONDS
from channels.transports.admission import Admission, Crowded
from tests.channels.support import TurnedClock

RATE = 1_000.0
AT_ONCE = 250
IN_LINE = int(MAX_LINE_SECONDS * RATE)


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def admission(clock: TurnedClock) -> Admission:
    return Admission(clock, rate=RATE, burst=AT_ONCE)


def come(admission: Admission, count: int, *, waits: bool = True) -> list[float]:
    return [admission.take_slot(waits=waits) for _ in range(count)]


def crowd(admission: Admission, count: int) -> list[int]:
    """Connect clients that are all refused; return their retry delays in ms."""
    sent_back = []
    for _ in range(count):
        with pytest.raises(Crowded) as raised:
            admission.take_slot(waits=True)
        sent_back.append(raised.value.retry_after)
    return sent_back


def test_a_burst_is_admitted_at_once(admission: Admission) -> None:
    assert come(admission, AT_ONCE) == [0.0] * AT_ONCE


def test_clients_after_the_burst_get_one_slot_each(admission: Admission) -> None:
    come(admission, AT_ONCE)
    assert come(admission, 100) == pytest.approx([number / RATE for number in range(100)])


def test_a_refused_client_takes_no_slot(admission: Admission, clock: TurnedClock) -> None:
    waits = come(admission, AT_ONCE + IN_LINE)
    assert max(waits) <= MAX_LINE_SECONDS
    come(admission, 1)
    crowd(admission, 1_000)
    clock.now += 1.0
    assert come(admission, 1)[0] == pytest.approx(MAX_LINE_SECONDS - 1, abs=0.01)


def test_retry_times_are_spread_over_the_time_the_queue_needs(admission: Admission) -> None:
    come(admission, AT_ONCE + IN_LINE + 1)
    times = crowd(admission, 5_000)
    assert min(times) >= 1000 * MAX_LINE_SECONDS
    assert max(times) <= 1000 * (MAX_LINE_SECONDS + 5_000 / RATE + 0.01)
    assert max(times) > 1000 * (MAX_LINE_SECONDS + 3_000 / RATE)


def test_returning_clients_are_no_longer_counted_as_waiting(admission: Admission, clock: TurnedClock) -> None:
    come(admission, AT_ONCE + IN_LINE + 1)
    crowd(admission, 5_000)
    for _ in range(4):
        clock.now += 1
        come(admission, int(RATE))
    assert max(crowd(admission, 500)) <= 1000 * (MAX_LINE_SECONDS + 1_500 / RATE + 0.01)


def test_roles_that_do_not_wait_are_admitted_at_once(admission: Admission) -> None:
    come(admission, AT_ONCE + IN_LINE + 1)
    assert come(admission, 100, waits=False) == [0.0] * 100
    crowd(admission, 1)


def test_a_pause_resets_the_queue(admission: Admission, clock: TurnedClock) -> None:
    come(admission, AT_ONCE + IN_LINE + 1)
    crowd(admission, 1_000)
    clock.now += 60
    assert come(admission, AT_ONCE) == [0.0] * AT_ONCE
    come(admission, IN_LINE + 1)
    assert crowd(admission, 1)[0] <= 1000 * (MAX_LINE_SECONDS + 2 / RATE)
