"""What a backup says of itself: `backup.json`, beside the copies of the databases.

    {"format": 1, "version": "…", "made": "2026-11-28T20:13:05Z", "moment": {"epoch": …, "events": …, …},
     "databases": {"journal": {"file": "journal.sqlite3", "kind": "sqlite", "bytes": …, "sha256": …, …}, …}}

The digests tie the copies to each other: a file of another backup, of another moment, is not the one that is named.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import msgspec

from server.backups.errors import BackupError

NAME = "backup.json"

# Counts up when a backup of this form cannot be read by the code before it.
FORMAT = 1

# A manifest has a few hundred bytes for each database: more is no manifest, and is not read.
MAX_BYTES = 64 * 1024


class Copy(msgspec.Struct, frozen=True):
    """One database's copy: the file beside the manifest, of which kind (`sqlite` or `postgresql`), and its revision."""

    file: str
    kind: str
    revision: str
    bytes: int
    sha256: str


class Moment(msgspec.Struct, frozen=True):
    """The moment that the copies have in common.

    The journal's name and number of events, the highest ids of users and classes, the number of changes of rights, and
    the highest id of the audit log.
    """

    epoch: str
    events: int
    topics: int
    user: int
    class_: int
    changes: int
    records: int


class Manifest(msgspec.Struct, frozen=True):
    """A whole backup; `version` is the Lousa that made it."""

    format: int
    version: str
    made: datetime
    moment: Moment
    databases: dict[str, Copy]

    @property
    def bytes(self) -> int:
        """The size of all copies."""
        return sum(copy.bytes for copy in self.databases.values())


def write(folder: Path, manifest: Manifest) -> Path:
    """Write the manifest of a backup; return the file."""
    path = folder / NAME
    path.write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")
    path.chmod(0o600)
    return path


def read(folder: Path) -> Manifest:
    """Read the manifest of the backup in a folder; raise BackupError where there is none that this version reads."""
    try:
        with (folder / NAME).open("rb") as file:
            data = file.read(MAX_BYTES)
    except OSError as error:
        raise BackupError(f"{folder} is no backup of Lousa: its {NAME} cannot be read ({error.strerror}).") from error
    try:
        form = msgspec.json.decode(data, type=_Form).format
        if form > FORMAT:
            raise BackupError(f"The backup {folder} was made by a later version of Lousa: restore it with that one.")
        return msgspec.json.decode(data, type=Manifest)
    except msgspec.MsgspecError as error:
        raise BackupError(f"The backup {folder} is damaged: its {NAME} cannot be understood ({error}).") from error


class _Form(msgspec.Struct):
    format: int


def verify(folder: Path, databases: Mapping[str, Copy]) -> None:
    """Raise BackupError unless the folder has exactly the files that the manifest names."""
    for copy in databases.values():
        path = folder / copy.file
        if Path(copy.file).name != copy.file or not path.is_file():
            raise BackupError(f"The backup {folder} is not whole: {copy.file} is not there. Nothing was changed.")
        if path.stat().st_size != copy.bytes or digest(path) != copy.sha256:
            raise BackupError(
                f"{path} is not the file that this backup was made with: it is damaged, or of a backup of another "
                "moment. Use another backup. Nothing was changed."
            )


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
