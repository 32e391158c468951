"""What all data files of an export have in common: rows with a `sourcedId` and a `status`, to which others refer.

A bulk export leaves `status` blank by the book; many fill it in. A row marked as gone counts as one that is not
there, except that referring to it is no mistake. References to nothing are ignored with a remark: exports leave out
districts, old terms and people who have left.
"""

import re
from collections.abc import ItemsView, Iterator, Sequence
from datetime import date
from functools import lru_cache
from typing import Generic, NamedTuple, TypeVar

from channels.visible import first_refused
from server.rosters.problems import shown
from server.rosters.sheet import Sheet

# What the tables hold (server/databases/accounts.py).
MAX_TEXT = 255

# `inactive` is OneRoster 1.0's word, which exports of 1.1 still use.
_STATUSES = {"": True, "active": True, "tobedeleted": False, "inactive": False}

T = TypeVar("T")


class Row(NamedTuple):
    """One row: where it stands, its id, whether it is marked as gone, and the other columns asked for."""

    line: int
    sourced_id: str
    gone: bool
    values: Sequence[str]


class Ids(Generic[T]):
    """What a file holds, by sourcedId; None for what others may refer to but is not taken over.

    A file that is absent, or could not be read to its end, is not `whole`: then nothing is known of an id that is not
    here, and a reference to it is no fault of its own.
    """

    def __init__(self, *, whole: bool) -> None:
        self.whole = whole
        self._items: dict[str, T | None] = {}

    def __contains__(self, sourced_id: str) -> bool:
        return sourced_id in self._items

    def __setitem__(self, sourced_id: str, item: T | None) -> None:
        self._items[sourced_id] = item

    def __getitem__(self, sourced_id: str) -> T | None:
        return self._items.get(sourced_id)

    def items(self) -> ItemsView[str, T | None]:
        """Give all ids with what they name."""
        return self._items.items()

    def check(
        self, sheet: Sheet, line: int, column: str, sourced_id: str, what: str = "references to nothing, ignored"
    ) -> bool:
        """Return whether a reference may be right: it is empty, or in the export; remark on one that is not."""
        if not sourced_id or sourced_id in self._items or not self.whole:
            return True
        sheet.remark(what, line, column, f"{shown(sourced_id)} is not in the export.")
        return False

    def check_list(self, sheet: Sheet, line: int, column: str, sourced_ids: str) -> None:
        """Check a list of references with commas in between."""
        for sourced_id in sourced_ids.split(","):
            self.check(sheet, line, column, sourced_id.strip())


def rows(sheet: Sheet) -> Iterator[Row]:
    """Give the rows of a sheet whose first columns are `sourcedId` and `status`; each id once."""
    seen: dict[str, int] = {}  # each row's hash, by its id: a whole row would take ten times the memory
    for line, (sourced_id, status, *values) in sheet:
        live = _STATUSES.get(status if status == "" else status.casefold())
        if live is None:
            sheet.problem(line, "status", f"{shown(status)} is neither “active” nor “tobedeleted”.")
        content = hash((live, *values))
        if sourced_id in seen and seen[sourced_id] == content:
            sheet.remark(
                "rows that are there twice", line, "", f"{shown(sourced_id)} stands in an earlier row already."
            )
        elif sourced_id in seen:
            sheet.problem(line, "sourcedId", f"{shown(sourced_id)} stands in an earlier row, which differs.")
        elif check_text(sheet, line, "sourcedId", sourced_id):
            seen[sourced_id] = content
            yield Row(line, sourced_id, not live, values)


def check_text(sheet: Sheet, line: int, column: str, value: str, most: int = MAX_TEXT) -> bool:
    """Return whether a value can be stored: not empty, not too long, no invisible characters; report otherwise."""
    if not value:
        sheet.problem(line, column, "The value is missing.")
    elif len(value) > most:
        sheet.problem(line, column, f"The value has {len(value)} characters, where {most} are allowed.")
    elif (hidden := first_refused(value)) is not None:
        sheet.problem(
            line,
            column,
            f"{shown(value)} holds a character that cannot be seen: {hidden}. Type the value again, without it.",
        )
    else:
        return True
    return False


class Days(NamedTuple):
    """The first and the last day of something; None: no bound."""

    begin: date | None = None
    end: date | None = None

    def holds(self, today: date) -> bool:
        """Return whether a day is one of them."""
        return (self.begin is None or self.begin <= today) and not self.is_over(today)

    def is_over(self, today: date) -> bool:
        """Return whether a day is after them."""
        return self.end is not None and self.end < today


_ALWAYS = Days()


def read_days(sheet: Sheet, line: int, begins: str, ends: str) -> Days:
    """Return the values of `beginDate` and `endDate`; an empty one is no bound.

    By the book the end is the first day after; many exports mean the last day. A day more harms less than one too few.
    """
    if not begins and not ends:
        return _ALWAYS
    return Days(_read_date(sheet, line, "beginDate", begins), _read_date(sheet, line, "endDate", ends))


def _read_date(sheet: Sheet, line: int, column: str, value: str) -> date | None:
    if not value:
        return None
    found = _parse_date(value)
    if found is None:
        sheet.problem(line, column, f"{shown(value)} is not a date such as 2026-02-28.")
    return found


# A term has a handful of dates, and 600,000 enrolments name them.
@lru_cache(maxsize=1_000)
def _parse_date(value: str) -> date | None:
    day, time = value[:10], value[10:]
    if time and time[0] not in "Tt ":
        return None
    try:
        return date(*map(int, re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)", day, re.ASCII).groups()))  # type: ignore[union-attr]
    except (ValueError, AttributeError):
        return None
