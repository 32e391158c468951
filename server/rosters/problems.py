"""All problems of an export, by file, line and column, reported at once.

Administrators correct an export in the school's information system and export again, so a complete list saves them
many rounds.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

# A wrong column makes every row wrong: nobody reads past the first thousand, and the list must not outgrow the export.
MAX_PROBLEMS = 1_000
# How much of a wrong value is shown: enough to find it in the file, and a file of garbage stays readable.
SHOWN_CHARACTERS = 60
# How many places are shown of what does not stop an import: enough to see what it is about.
SHOWN_PLACES = 3


class Problem(NamedTuple):
    """One thing wrong. `line` counts from 1, 0 is the file as a whole; `column` is its name, or empty."""

    file: str
    line: int
    column: str
    message: str

    def __str__(self) -> str:
        place = ":".join([self.file, *([str(self.line)] if self.line else []), *([self.column] if self.column else [])])
        return f"{place}: {self.message}"


class RosterErrors(Exception):
    """The roster was refused and nothing was changed: `problems` says why, and `more` how many were left out."""

    def __init__(self, problems: Sequence[Problem], more: int = 0) -> None:
        super().__init__(problems, more)
        self.problems = tuple(problems)
        self.more = more

    def __str__(self) -> str:
        lines = [str(problem) for problem in self.problems]
        return "\n".join([*lines, f"… and {self.more} more"] if self.more else lines)


class Remark(NamedTuple):
    """Something of an export that was ignored, or read as it was meant: what, how often, and the first places."""

    what: str
    times: int
    places: Sequence[Problem]


class Remarks:
    """Collects remarks during reading."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._places: dict[str, list[Problem]] = {}

    def add(self, what: str, file: str, line: int, column: str, message: str) -> None:
        """Count one; of each `what`, the first `SHOWN_PLACES` are kept."""
        self._counts[what] += 1
        if self._counts[what] <= SHOWN_PLACES:
            self._places.setdefault(what, []).append(Problem(file, line, column, message))

    def all(self) -> tuple[Remark, ...]:
        """Return the remarks in the order of the export."""
        return tuple(Remark(what, count, self._places[what]) for what, count in self._counts.items())


class Problems:
    """Collects problems during reading, and `remarks` on what is no problem."""

    def __init__(self) -> None:
        self.remarks = Remarks()
        self._found: list[Problem] = []
        self._more = 0

    def add(self, file: str, line: int, column: str, message: str) -> None:
        """Add one; past the first `MAX_PROBLEMS` they are only counted."""
        if len(self._found) < MAX_PROBLEMS:
            self._found.append(Problem(file, line, column, message))
        else:
            self._more += 1

    def check(self) -> None:
        """Raise RosterErrors if anything was found."""
        if self._found:
            raise RosterErrors(self._found, self._more)


def shown(value: str) -> str:
    """Quote a value of the file for a message: cut short, and on one line whatever it holds."""
    cut = value if len(value) <= SHOWN_CHARACTERS else value[:SHOWN_CHARACTERS] + "…"
    return "“" + "".join(char if char.isprintable() else "�" for char in cut) + "”"
