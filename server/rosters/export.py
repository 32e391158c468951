"""One export that is being read: its source, its manifest, and the list of what is wrong with it.

manifest.csv says which version of OneRoster the files follow, and of each file whether it is complete (`bulk`), only
tells what has changed (`delta`), or is `absent`. Only complete exports are read: what is missing from one has ended,
and of a `delta` nobody can tell.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date

from server.rosters.problems import Problems, shown
from server.rosters.sheet import Sheet
from server.rosters.source import FILES, MANIFEST, Source

# Without these nobody can be enrolled; the others only say more.
_NEEDED = {"orgs", "classes", "users", "enrollments"}
_MODES = ("bulk", "delta", "absent")

Progress = Callable[[int, int], None]


class Export:
    """The files of an export, opened one after another; `progress` gets the bytes read so far and the total."""

    def __init__(self, source: Source, problems: Problems, today: date, progress: Progress | None) -> None:
        """Read the manifest; raise RosterErrors where it does not allow to go on."""
        self.problems = problems
        self.today = today
        self.skipped: Counter[str] = Counter()
        self._source = source
        self._progress = progress
        self._bytes = 0
        self.version, self._present = self._read_manifest()
        problems.check()

    @contextmanager
    def sheet(self, name: str, *columns: str) -> Iterator[Sheet | None]:
        """Open the file called `name`, by id, status and these columns; None where the export does not have it."""
        if name not in self._present:
            yield None
            return
        with self._open(f"{name}.csv", ("sourcedId", "status?", *columns)) as sheet:
            yield sheet

    @contextmanager
    def _open(self, file: str, columns: Sequence[str]) -> Iterator[Sheet | None]:
        try:
            stream = self._source.open(file)
        except OSError as error:
            self.problems.add(file, 0, "", f"The file cannot be read: {error}.")
            yield None
            return
        with stream:
            yield Sheet(file, stream, columns, self.problems, self._tick)

    def _tick(self, count: int) -> None:
        self._bytes += count
        if self._progress:
            self._progress(self._bytes, sum(self._source.sizes.values()))

    def _read_manifest(self) -> tuple[str, set[str]]:
        if MANIFEST not in self._source.sizes:
            self.problems.add(
                MANIFEST, 0, "", "There is no manifest.csv: give the folder or zip of a OneRoster 1.1 or 1.2 export."
            )
            return "", set()
        properties: dict[str, tuple[int, str]] = {}
        with self._open(MANIFEST, ("propertyName", "value")) as sheet:
            for line, (name, value) in sheet or ():
                if name and properties.setdefault(name.casefold(), (line, value.casefold()))[1] != value.casefold():
                    self.problems.add(MANIFEST, line, "value", f"{shown(name)} says something else in an earlier row.")
        version = self._version(*properties.get("oneroster.version", (0, "")))
        return version, {name for name in FILES[1:] if self._is_present(name, version, properties)}

    def _version(self, line: int, value: str) -> str:
        if found := re.fullmatch(r"(1\.[12])(\.\d+)?", value, re.ASCII):
            return found[1]
        self.problems.add(
            MANIFEST, line, "value", f"oneroster.version is {shown(value)}; OneRoster 1.1 and 1.2 can be read."
        )
        return ""

    def _is_present(self, name: str, version: str, properties: dict[str, tuple[int, str]]) -> bool:
        """Return whether to read a file; report where the manifest and the files do not agree."""
        if name == "roles" and version != "1.2":
            return False
        there = f"{name}.csv" in self._source.sizes
        line, mode = properties.get(f"file.{name.casefold()}", (0, "bulk" if there else "absent"))
        if message := self._mode_fault(name, version, mode, there=there):
            self.problems.add(MANIFEST, line, "value" if line else "", message)
        return there and mode == "bulk"

    def _mode_fault(self, name: str, version: str, mode: str, *, there: bool) -> str:
        if mode not in _MODES:
            return f"file.{name} is {shown(mode)}, none of bulk, delta and absent."
        if mode == "delta":
            return f"{name}.csv holds only changes (delta): make a complete export (bulk)."
        if there and mode == "absent":
            return f"{name}.csv is there, although file.{name} says absent."
        if mode == "bulk" and not there:
            return f"{name}.csv is not there, although file.{name} says bulk."
        if mode == "absent" and (name in _NEEDED or (name == "roles" and version == "1.2")):
            return f"{name}.csv is missing: without it nobody can be enrolled."
        return ""
