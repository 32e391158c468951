"""Where the files of an export come from: a folder here, a zip in `archive`.

A source knows names, sizes and bytes. What is in the files is read elsewhere.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Protocol

from server.rosters.problems import Problems

# The files that are read. An export may hold more (grades, resources, demographics), which are never opened.
FILES = ("manifest", "orgs", "academicSessions", "courses", "classes", "users", "roles", "enrollments")
# The largest file of a school of 100,000 users, enrollments.csv with ids of 36 characters, has 110 MB.
MAX_FILE_BYTES = 512 * 1024 * 1024

MANIFEST = "manifest.csv"
# Folders within folders: the school system's own, one for the year and one for the day.
MAX_DEPTH = 3
# An export has some 25 files. An administrator who names a home folder by mistake gets an answer, not a search.
MAX_ENTRIES = 1_000

_BY_NAME = {f"{name}.csv".casefold(): f"{name}.csv" for name in FILES}


class Source(Protocol):
    """The files of one export."""

    @property
    def sizes(self) -> Mapping[str, int]:
        """The bytes of each file by its proper name, such as `academicSessions.csv`."""

    def open(self, name: str) -> BinaryIO:
        """Open one of the files; reading raises OSError for whatever goes wrong underneath."""

    def close(self) -> None:
        """Close the files."""


def proper_name(name: str) -> str | None:
    """Return the proper name of a file, whatever its capitals; None for a file that is not read."""
    return _BY_NAME.get(name.casefold())


def several(place: str, number: int) -> str:
    """Return the words for a place that holds more than one export."""
    return f"The {place} holds {number} exports, each with its manifest.csv: import one at a time."


def _find(folder: Path, problems: Problems) -> Path:
    """Return the folder with the manifest: this one, or the only one within it."""
    found = [folder] if _has_manifest(folder) else [each for each in _within(folder) if _has_manifest(each)]
    if len(found) > 1:
        problems.add(folder.name, 0, "", several("folder", len(found)))
    return found[0] if found else folder


def _within(folder: Path) -> Iterator[Path]:
    """Give the folders in a folder, at most `MAX_DEPTH` deep, without following links."""
    entries = 0
    level = [folder]
    for _ in range(MAX_DEPTH):
        inner: list[Path] = []
        for each in level:
            for entry in sorted(each.iterdir()):
                entries += 1
                if entries > MAX_ENTRIES:
                    return
                if entry.is_dir() and not entry.is_symlink() and entry.name != "__MACOSX":
                    inner.append(entry)
        yield from inner
        level = inner


def _has_manifest(folder: Path) -> bool:
    return any(proper_name(entry.name) == MANIFEST for entry in islice(folder.iterdir(), MAX_ENTRIES))


class Folder:
    """The files in a folder, or in the only folder within it that has a manifest."""

    def __init__(self, path: Path, problems: Problems) -> None:
        """List the files; raise OSError where the folder cannot be read."""
        self._paths: dict[str, Path] = {}
        for found in sorted(_find(path, problems).iterdir()):
            if (name := proper_name(found.name)) and found.is_file():
                self._add(name, found, problems)
        self.sizes = {name: found.stat().st_size for name, found in self._paths.items()}
        for name, size in self.sizes.items():
            if size > MAX_FILE_BYTES:
                problems.add(name, 0, "", f"The file is too large: {size} bytes, where {MAX_FILE_BYTES} are allowed.")

    def _add(self, name: str, found: Path, problems: Problems) -> None:
        if name in self._paths:
            problems.add(name, 0, "", f"The folder has it twice: as {self._paths[name].name} and as {found.name}.")
        self._paths[name] = found

    def open(self, name: str) -> BinaryIO:
        """Open one of the files."""
        return self._paths[name].open("rb")

    def close(self) -> None:
        """Do nothing: a folder holds nothing open."""
