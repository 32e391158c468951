"""What a record of the audit log says beside its kind and its people, in the reader's words.

A record's `detail` is what was noted when it was made, by older releases as well: what is not there is left out. A kind
that is not listed here shows the texts of its detail as they are, and its other values by their names.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

import msgspec
from babel.dates import get_day_names
from babel.units import format_unit

from channels.hours import Hours, Mode, Span, Spans, times_of
from server.databases.audit import Record
from server.records.words import expiring_words, ways_in_words
from server.views import attendance
from server.views.audit import words
from server.views.reader import Reader

Detail = Mapping[str, Any]

# Ids: the record says by name whom it concerns, and in which class.
_BY_NAME = ("user", "class_id")


def told(record: Record, reader: Reader) -> str:
    """Return what a record says beside its kind and its people."""
    return " · ".join(part for part in _TOLD.get(record.kind, _as_it_is)(record.detail, reader) if part)


def _as_it_is(detail: Detail, _: Reader) -> Iterator[str]:
    for name, value in detail.items():
        if isinstance(value, str):
            yield value
        elif name not in _BY_NAME:
            yield f"{name} {value}"


def _lock(detail: Detail, reader: Reader) -> Iterator[str]:
    yield reader.translate("students may write to their teachers") if detail.get("notes") else ""


def _slow(detail: Detail, reader: Reader) -> Iterator[str]:
    seconds = detail.get("seconds", 0)
    if seconds == 0:
        yield reader.translate("off")
        return
    unit, count = ("minute", seconds // 60) if seconds % 60 == 0 else ("second", seconds)
    time = format_unit(count, f"duration-{unit}", locale=reader.locale)
    yield reader.translate("one message every {time}").format(time=time)


def _mute(detail: Detail, reader: Reader) -> Iterator[str]:
    if "until" in detail:
        yield reader.translate("until {time}").format(time=reader.time(detail["until"]))


def _attendance(detail: Detail, reader: Reader) -> Iterator[str]:
    mark = detail.get("mark")
    yield attendance.mark_word(mark, reader.translate) if mark else ""
    yield detail.get("note", "")


def _class_hours(detail: Detail, reader: Reader) -> Iterator[str]:
    own = detail.get("own")
    yield reader.translate("as the school") if own is None else _hours(own, reader)


def _school_hours(detail: Detail, reader: Reader) -> Iterator[str]:
    if "hours" in detail:
        yield _hours(detail["hours"], reader)
    quiet = msgspec.convert(detail.get("quiet", []), Spans)
    if quiet:
        times = times_of(quiet)
        when = f"{times[0]}–{times[1]}" if times else _week(quiet, reader)
        yield reader.translate("quiet hours {when}").format(when=when)
    yield detail.get("zone", "")


def _hours(own: Any, reader: Reader) -> str:
    hours = msgspec.convert(own, Hours)
    if hours.mode is Mode.HOURS:
        return _week(hours.spans, reader)
    return reader.translate("at all hours") if hours.mode is Mode.ALWAYS else reader.translate("during lessons")


def _week(spans: Iterable[Span], reader: Reader) -> str:
    days: dict[tuple[str, str], list[int]] = {}
    for span in spans:
        days.setdefault((span.opens, span.closes), []).append(span.day)
    return ", ".join(f"{_days(found, reader)} {opens}–{closes}" for (opens, closes), found in days.items())


def _days(days: Iterable[int], reader: Reader) -> str:
    names = get_day_names("abbreviated", locale=reader.locale)
    # Days that follow each other have the same distance to their places.
    runs = [[day for _, day in run] for _, run in groupby(enumerate(sorted(days)), lambda each: each[1] - each[0])]
    return ", ".join(names[run[0] - 1] + (f"–{names[run[-1] - 1]}" if run[1:] else "") for run in runs)


def _class_export(detail: Detail, reader: Reader) -> Iterator[str]:
    yield detail.get("format", "").upper()
    yield reader.days(detail.get("from", ""), detail.get("to", ""))


def _records(detail: Detail, reader: Reader) -> Iterator[str]:
    names = {name: label for name, label, _ in words.groups(reader.translate)}
    group: str = detail.get("records", "")
    yield names.get(group, group)
    yield detail.get("person", "")
    yield reader.days(detail.get("since", ""), detail.get("until", ""))


def _roster(detail: Detail, reader: Reader) -> Iterator[str]:
    translate = reader.translate
    names = {"users": translate("people"), "classes": translate("classes"), "enrolments": translate("enrolments")}
    for kind, name in names.items():
        changes = ", ".join(_changes(detail.get(kind, {}), translate))
        yield f"{name}: {changes}" if changes else ""


def _changes(counts: Mapping[str, int], translate: Callable[..., str]) -> Iterator[str]:
    if created := counts.get("created"):
        yield translate("{n} new", "{n} new", created).format(n=created)
    if updated := counts.get("updated"):
        yield translate("{n} changed", "{n} changed", updated).format(n=updated)
    if ended := counts.get("ended"):
        yield translate("{n} ended", "{n} ended", ended).format(n=ended)


def _role(detail: Detail, reader: Reader) -> Iterator[str]:
    yield reader.role(detail.get("role", ""))


def _codes(detail: Detail, reader: Reader) -> Iterator[str]:
    users = detail.get("users", 0)
    yield reader.translate("for {n} person", "for {n} people", users).format(n=users)


def _token(detail: Detail, reader: Reader) -> Iterator[str]:
    days = detail.get("days", 0)
    yield reader.translate("for {n} day", "for {n} days", days).format(n=days)


def _expired(detail: Detail, reader: Reader) -> Iterator[str]:
    for name, words_for_it in expiring_words(reader.translate).items():
        yield f"{words_for_it}: {detail[name]}" if detail.get(name) else ""


def _erased(detail: Detail, reader: Reader) -> Iterator[str]:
    yield next((said for way, said in ways_in_words(reader.translate).items() if way == detail.get("way")), "")


def _settings(detail: Detail, reader: Reader) -> Iterator[str]:
    named = {f"keep_{name}": said for name, said in expiring_words(reader.translate).items()}
    for name, months in detail.items():
        if name in named:
            yield f"{named[name]}: {_months(months, reader)}"
    yield from _as_it_is({name: value for name, value in detail.items() if name not in named}, reader)


def _months(months: int, reader: Reader) -> str:
    return format_unit(months, "duration-month", locale=reader.locale) if months else reader.translate("without end")


_TOLD: Mapping[str, Callable[[Detail, Reader], Iterator[str]]] = {
    "chat:locked": _lock,
    "chat:slowed": _slow,
    "member:muted": _mute,
    "attendance:corrected": _attendance,
    "hours:changed": _class_hours,
    "hours:set": _school_hours,
    "class:exported": _class_export,
    "audit:exported": _records,
    "roster:imported": _roster,
    "user:created": _role,
    "user:role-set": _role,
    "codes:made": _codes,
    "records:expired": _expired,
    "person:erased": _erased,
    "settings:set": _settings,
    "token:made": _token,
}
