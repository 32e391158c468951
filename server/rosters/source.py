"""Where the files of an export come from: a folder here, a zip in `archive`.

A source knows names, sizes and bytes. What is in the files is read elsewhere.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, Protocol

from server.rosters.problems import Problems

# The files that are read. An export may hold more (grades, resources, demographics), which are never opened.
FILES = ("manifest", "orgs", "academicSessions", "courses", "classes", "users", "roles", "enrollments")
# The largest file of a school of 100,000 users, enrollments.csv with ids of 36 characters, has 110 MB.
MAX_FILE_BYTES = 512 * 1024 * 1024

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


class Folder:
    """The files in a folder."""

    def __init__(self, path: Path, problems: Problems) -> None:
        """List the files; raise OSError where the folder cannot be read."""
        self._paths: dict[str, Path] = {}
        for found in sorted(path.iterdir()):
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
