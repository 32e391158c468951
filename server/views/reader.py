"""Times, days and roles as a reader's language writes them, in the school's time zone."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime

# No date of Python's has more ms since 1970.
MAX_MS_DIGITS = 14


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads a page: in which language, by the name of its catalog, and in which time zone."""

    translate: Callable[..., str]
    locale: str
    zone: ZoneInfo

    def role(self, name: str) -> str:
        """Return what a role is called; one that has no words here, by its own name."""
        translate = self.translate
        words = {
            "student": translate("student"),
            "teacher": translate("teacher"),
            "principal": translate("principal"),
            "administrator": translate("administrator"),
        }
        return words.get(name, name)

    def time(self, at: int) -> str:
        """Return a time (ms since 1970), as short as the language writes it."""
        return format_datetime(self._moment(at), "short", locale=self.locale)

    def day(self, at: int) -> str:
        """Return the day of a time (ms since 1970)."""
        return format_date(self._moment(at), "short", locale=self.locale)

    def written_day(self, text: str) -> str:
        """Return a day that is written as in 2027-03-01, or a time in ms since 1970; anything else as it is."""
        if text.isdecimal() and len("20270101") < len(text) <= MAX_MS_DIGITS:
            return self.time(int(text))
        try:
            return format_date(date.fromisoformat(text), "short", locale=self.locale)
        except ValueError:
            return text

    def days(self, since: str, until: str) -> str:
        """Return from which day to which; each is written as in 2027-03-01, or empty."""
        first, last = self.written_day(since), self.written_day(until)
        if since and until:
            return f"{first} – {last}"
        if since:
            return self.translate("from {day}").format(day=first)
        return self.translate("until {day}").format(day=last) if until else ""

    def _moment(self, at: int) -> datetime:
        return datetime.fromtimestamp(at / 1000, self.zone)
