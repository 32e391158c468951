"""Messages per minute over several workers whose clocks differ."""

from dataclasses import dataclass

import pytest

from channels.cluster.message_rates import CHART_MINUTES, MINUTE, MessageRates

TOPIC = "class:7"
HOUR = 3600.0


@dataclass
class Clock:
    """A clock that the test sets."""

    now: float = 1_000_000 * MINUTE

    def __call__(self) -> float:
        """Return the seconds since 1970."""
        return self.now


def chart(rates: MessageRates) -> list[int]:
    return rates.counts(TOPIC, 0, rates.minute)


def send(sender: MessageRates, receiver: MessageRates) -> None:
    receiver.receive("another", sender.own_newest(), sender.minute)


def test_counts_of_all_workers_add_up_and_expire() -> None:
    clock = Clock()
    own, other = MessageRates(clock), MessageRates(clock)
    own.add(TOPIC)
    own.add(TOPIC)
    send(own, other)
    clock.now += MINUTE
    own.add(TOPIC)
    other.add(TOPIC)
    send(own, other)
    send(own, other)  # sent twice, counted once
    assert chart(other)[-3:] == [0, 2, 2]
    clock.now += (CHART_MINUTES - 2) * MINUTE
    assert chart(other)[:3] == [2, 2, 0]
    clock.now += 2 * MINUTE
    other.add("class:8")
    assert (chart(other), other._others, len(other.own())) == ([0] * CHART_MINUTES, {}, 1)


@pytest.mark.parametrize("wrong", [-HOUR, -50.0, 50.0, HOUR, 1000 * HOUR])
def test_worker_with_a_wrong_clock_keeps_its_own_minutes(wrong: float) -> None:
    clock, other_clock = Clock(), Clock()
    other_clock.now += wrong
    own, other = MessageRates(clock), MessageRates(other_clock)
    for _ in range(3):
        own.add(TOPIC)
        other.add(TOPIC)
        send(other, own)
        clock.now += MINUTE
        other_clock.now += MINUTE
    other.add(TOPIC)
    own.receive("another", other.own(), other.minute)
    assert own.own().keys() == {own.minute - back for back in (1, 2, 3)}
    assert sum(chart(own)) == 7


def test_clock_set_back_leaves_no_counts_in_the_future() -> None:
    clock, other_clock = Clock(), Clock()
    own, other = MessageRates(clock), MessageRates(other_clock)
    other_clock.now += HOUR
    other.add(TOPIC)
    send(other, own)
    other_clock.now -= HOUR
    other.add(TOPIC)
    send(other, own)
    assert chart(own)[-1] == 1
    clock.now += HOUR
    assert sum(chart(own)) == 0


def test_counts_kept_for_another_worker_are_bounded() -> None:
    clock = Clock()
    own = MessageRates(clock)
    own.receive("another", {minute: {TOPIC: 1} for minute in range(own.minute - 500, own.minute + 500)}, own.minute)
    assert chart(own) == [1] * CHART_MINUTES
    assert len(own._others["another"].counts) == CHART_MINUTES
    clock.now += CHART_MINUTES * MINUTE
    own.receive("a third", {}, own.minute)
    assert own._others == {}


def test_chart_received_twice_counts_once() -> None:
    clock = Clock()
    own, other = MessageRates(clock), MessageRates(clock)
    other.add(TOPIC)
    for _ in range(2):
        own.receive("another", other.own(), other.minute)
    assert chart(own)[-1] == 1


def test_watchers_get_each_changed_topic_with_its_oldest_minute() -> None:
    clock = Clock()
    own, other = MessageRates(clock), MessageRates(clock)
    began = own.minute
    changed = own.watch()
    own.add("class:8")
    clock.now += MINUTE
    own.add("class:8")
    own.receive("another", {began: {TOPIC: 2}, began + 1: {TOPIC: 1}}, began + 1)
    assert changed == {"class:8": began, TOPIC: began}
    changed.clear()
    own.receive("another", {began: {TOPIC: 2}, began + 1: {TOPIC: 4}}, began + 1)
    assert changed == {TOPIC: began + 1}
    changed.clear()
    own.receive("another", {began: {TOPIC: 2}, began + 1: {TOPIC: 4}}, began + 1)
    other.add(TOPIC)
    assert changed == {}
