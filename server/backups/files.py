"""The place of an SQLite database: a backup's copy is prepared beside the file, and then takes its name.

    journal.sqlite3-restoring -> journal.sqlite3 -> replaced-20261128-201305/journal.sqlite3

A restore that dies between two renames leaves databases that do not belong together, which every start refuses; the
same restore, run again, completes it. Nothing is deleted.
"""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import URL

from server.backups import sqlite
from server.backups.errors import BackupError
from server.backups.folder import sync
from server.backups.kept_log import ADDED
from server.databases.pairing import Ids

# What belongs to a database beside its file.
_BESIDE = ("", "-wal", "-shm")


class Undone(NamedTuple):
    """What a restore takes back: sign-ins that it ended again, logins that may sign in again, older passwords."""

    sign_ins: int
    enabled: list[str]
    passwords: int


class SqlitePlace:
    """Where the database called `name` is, or will be."""

    kind = "sqlite"

    def __init__(self, name: str, path: str) -> None:
        self._name = name
        self._target = Path(os.path.realpath(path))
        self._staged = self._target.with_name(f"{self._target.name}-restoring")
        self.is_kept = False

    @property
    def url(self) -> str:
        """The address of the database that is being prepared."""
        path = self._target if self.is_kept else self._staged
        return URL.create("sqlite", database=str(path)).render_as_string()

    async def check(self) -> None:
        """Do nothing: what is here is put aside."""

    async def stage(self, source: Path) -> None:
        """Copy the file of a backup beside the database; raise BackupError."""
        self.discard()
        with sqlite.failures_named(self._name):
            free, needed = shutil.disk_usage(self._target.parent).free, os.stat(source).st_size
            if free < needed:
                raise BackupError(f"The disk of {self._target.parent} has {free // 2**20} MB free, too little.")
            os.close(os.open(self._staged, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            shutil.copyfile(source, self._staged)

    async def keep(self) -> bool:
        """Keep an audit log that is here; return False where there is none."""
        try:
            with closing(_read(self._target)) as here:
                here.execute("SELECT max(id) FROM records").fetchone()
        except sqlite3.Error:
            return False
        self.is_kept = True
        return True

    async def add_lacking(self, source: Path) -> None:
        """Add to an audit log that is kept what it lacks of the backup's."""
        with closing(_read(self._target)) as here, sqlite.failures_named(self._name):
            here.execute("ATTACH ? AS backup", (_address(source, "ro"),))
            here.execute("BEGIN IMMEDIATE")
            for table, statement in ADDED.items():
                if _has(here, "backup", table):
                    here.execute(f"CREATE TEMP VIEW backup_{table} AS SELECT * FROM backup.{table}")  # noqa: S608
                    here.execute(statement)
            here.execute("COMMIT")

    def last_ids(self) -> Ids | None:
        """Return the last ids that the accounts here have given; None where they cannot be read."""
        try:
            with closing(_read(self._target)) as here:
                found = dict(here.execute("SELECT name, seq FROM sqlite_sequence").fetchall())
        except sqlite3.Error:
            return None
        return Ids(found.get("users", 0), found.get("classes", 0))

    def undo_less(self) -> Undone:
        """End the sign-ins in the prepared accounts that have ended in those here, and tell what else comes back."""
        with closing(_read(self._staged)) as staged, sqlite.failures_named(self._name):
            staged.execute("ATTACH ? AS here", (_address(self._target, "rw"),))
            ended = staged.execute(
                "DELETE FROM credentials WHERE secret_hash NOT IN (SELECT secret_hash FROM here.credentials)"
            ).rowcount
            both = "FROM users JOIN here.users AS now ON now.id = users.id WHERE"
            enabled = staged.execute(
                f"SELECT users.login {both} users.enabled AND users.active AND NOT (now.enabled AND now.active)"
            ).fetchall()
            passwords = staged.execute(f"SELECT count(*) {both} users.password_hash != now.password_hash").fetchone()[0]
        return Undone(ended, [login for (login,) in enabled], passwords)

    async def put(self, aside: str) -> Path | None:
        """Give the prepared database the name; return the folder in which the one that was here is."""
        if self.is_kept:
            return None
        with sqlite.failures_named(self._name):
            sqlite.check(self._name, self._staged)
            sync(self._staged)
            folder = self._put_aside(self._target.with_name(aside))
            self._staged.rename(self._target)
            sync(self._target.parent)
        return folder

    def _put_aside(self, folder: Path) -> Path | None:
        replaced = [path for end in _BESIDE if (path := Path(f"{self._target}{end}")).exists()]
        for path in replaced:
            folder.mkdir(mode=0o700, exist_ok=True)
            path.rename(folder / path.name)
        return folder if replaced else None

    def discard(self) -> None:
        """Remove what was prepared."""
        for end in _BESIDE:
            Path(f"{self._staged}{end}").unlink(missing_ok=True)


def _read(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(_address(path, "rw"), uri=True, isolation_level=None)


def _address(path: Path, mode: str) -> str:
    return f"{path.absolute().as_uri()}?mode={mode}"


def _has(connection: sqlite3.Connection, schema: str, table: str) -> bool:
    found = connection.execute(f"SELECT 1 FROM {schema}.sqlite_schema WHERE name = ?", (table,))  # noqa: S608
    return found.fetchone() is not None
