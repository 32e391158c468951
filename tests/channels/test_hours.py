"""Hours of a class: open or not at a time, over the changes of a clock, and when that changes."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from channels.hours import ALWAYS, Hours, Mode, SchoolHours, Span, every_day, is_zone, opening, times_of

SCHOOL_WEEK = tuple(Span(day, "07:30", "12:00") for day in range(1, 6))


def ms(zone: str, local: str) -> int:
    return round(datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def utc(local: str) -> int:
    return ms("UTC", local)


@pytest.mark.parametrize(
    ("local", "is_open", "changes"),
    [
        ("2026-11-27T07:29:59", False, "2026-11-27T07:30"),
        ("2026-11-27T07:30:00", True, "2026-11-27T12:00"),
        ("2026-11-27T11:59:59", True, "2026-11-27T12:00"),
        ("2026-11-27T12:00:00", False, "2026-11-30T07:30"),  # a Friday: until Monday
        ("2026-11-29T23:00:00", False, "2026-11-30T07:30"),
    ],
)
def test_class_is_open_from_the_first_time_to_before_the_second(local: str, is_open: bool, changes: str) -> None:
    found = opening(SCHOOL_WEEK, "America/Sao_Paulo", ms("America/Sao_Paulo", local))
    assert (found.is_open, found.changes[0]) == (is_open, ms("America/Sao_Paulo", changes))


def test_changes_open_and_close_in_turn_for_a_week() -> None:
    found = opening(SCHOOL_WEEK, "Europe/Lisbon", ms("Europe/Lisbon", "2026-11-26T08:00"))
    assert found.is_open
    days = ("26T12", "27T07:30", "27T12", "30T07:30", "30T12")
    assert found.changes[:5] == [
        ms("Europe/Lisbon", f"2026-11-{day}" if ":" in day else f"2026-11-{day}:00") for day in days
    ]


def test_hours_follow_the_clock_into_and_out_of_summer_time() -> None:
    # Lisbon: one hour ahead of UTC from the last Sunday of March to that of October.
    for before, after in (("2026-03-27T07:30", "2026-03-30T06:30"), ("2026-10-23T06:30", "2026-10-26T07:30")):
        for instant in (utc(before), utc(after)):
            assert not opening(SCHOOL_WEEK, "Europe/Lisbon", instant - 1).is_open
            assert opening(SCHOOL_WEEK, "Europe/Lisbon", instant).is_open
    assert opening(SCHOOL_WEEK, "Europe/Lisbon", utc("2026-03-28T12:00")).changes[0] == utc("2026-03-30T06:30")


def test_time_that_the_clock_skips_or_shows_twice() -> None:
    # New York skips 02:00 to 03:00 on March 8th, and shows 01:00 to 02:00 twice on November 1st.
    night = (Span(7, "01:30", "02:30"),)
    spring = opening(night, "America/New_York", utc("2026-03-08T05:00"))
    assert spring.changes[:2] == [utc("2026-03-08T06:30"), utc("2026-03-08T07:30")]
    autumn = opening(night, "America/New_York", utc("2026-11-01T05:00"))
    assert autumn.changes[:2] == [utc("2026-11-01T05:30"), utc("2026-11-01T07:30")]
    for found in (spring, autumn):
        assert opening(night, "America/New_York", found.changes[0]).is_open
        assert not opening(night, "America/New_York", found.changes[1]).is_open


def test_spans_that_touch_are_one() -> None:
    spans = (*(Span(day, "00:00", "24:00") for day in range(1, 8)), Span(3, "08:00", "10:00"))
    found = opening(spans, "America/Sao_Paulo", utc("2026-11-25T12:00"))
    assert found.is_open
    assert len(found.changes) == 1
    assert found.changes[0] > utc("2026-12-01T00:00")


@pytest.mark.parametrize(
    ("hours", "is_right"),
    [
        (Hours(Mode.ALWAYS), True),
        (Hours(Mode.LESSON), True),
        (Hours(Mode.HOURS, SCHOOL_WEEK), True),
        (Hours(Mode.HOURS), False),
        (Hours(Mode.ALWAYS, SCHOOL_WEEK), False),
        (Hours(Mode.HOURS, (Span(1, "12:00", "12:00"),)), False),
    ],
)
def test_hours_that_cannot_be(hours: Hours, is_right: bool) -> None:
    assert (hours.problem() is None) is is_right


def test_zone_is_one_of_the_table() -> None:
    assert is_zone("America/Sao_Paulo")
    assert not is_zone("São Paulo")


def test_quiet_period_has_one_beginning_over_midnight_and_a_weekend() -> None:
    nights = [Span(day, "00:00", "07:00") for day in range(1, 6)] + [Span(day, "20:00", "24:00") for day in range(1, 6)]
    spans = (*nights, Span(6, "00:00", "24:00"), Span(7, "00:00", "24:00"))
    school = SchoolHours(ALWAYS, "America/Sao_Paulo", spans)
    friday_evening, monday_morning = utc("2026-11-27T23:00"), utc("2026-11-30T10:00")
    for time in ("2026-11-28T01:00", "2026-11-28T15:00", "2026-11-29T15:00", "2026-11-30T09:00"):
        assert school.quiet_period(utc(time)) == (friday_evening, monday_morning), time
    assert school.quiet_period(utc("2026-11-30T12:00")) is None
    assert SchoolHours(ALWAYS, "UTC").quiet_period(0) is None


@pytest.mark.parametrize("times", [("20:00", "07:00"), ("12:00", "14:00"), ("20:00", "00:00"), ("00:00", "06:00")])
def test_times_of_every_day_are_found_again(times: tuple[str, str]) -> None:
    spans = every_day(*times)
    assert times_of(spans) == times
    assert times_of(spans[:-1]) is None
    assert times_of(()) is None
