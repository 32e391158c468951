"""Copies a PostgreSQL database with `pg_dump`, of a snapshot that was exported."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Any

import asyncpg
from sqlalchemy.engine import URL

from server.backups.errors import BackupError
from server.backups.kept_log import ADDED
from server.databases.engine import POSTGRESQL_CONNECT_SECONDS, asyncpg_dsn
from server.databases.errors import DatabaseError
from server.databases.pooler import check_pooler

# How long the journal's writers are waited for, and then held at most: a push must be answered within 5 s.
LOCK_MS = 2_000
HOLD_MS = 2_000

_FAILURES = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


class PostgresqlSnapshot:
    """One PostgreSQL database at one moment."""

    kind = "postgresql"
    log_bytes = 0

    def __init__(self, name: str, url: URL) -> None:
        self._name = name
        self._url = url
        self._connection: asyncpg.Connection | None = None
        self._snapshot = ""
        self._pg_dump = ""
        self.file = f"{name}.pgdump"

    async def connect(self) -> None:
        """Connect, and find the `pg_dump` for this server."""
        self._connection = await connect(self._name, self._url)
        self._pg_dump = program("pg_dump", self._connection.get_server_version().major)

    async def begin(self) -> None:
        """Begin to read: the snapshot is as the database is now."""
        try:
            await self._open.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            await self._open.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            self._snapshot = await self.value("SELECT pg_export_snapshot()")
        except _FAILURES as error:
            raise _failure(self._name, error) from error

    async def bytes(self) -> int:
        """Return the size of the database; the copy is compressed, and smaller."""
        return int(await self.value("SELECT pg_database_size(current_database())"))

    async def value(self, query: str) -> Any:
        """Return the only value of a query."""
        try:
            return await self._open.fetchval(query)
        except _FAILURES as error:
            raise _failure(self._name, error) from error

    async def copy(self, target: Path) -> None:
        """Write a copy in PostgreSQL's own form, which `pg_restore` reads."""
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        call(
            self._name,
            [self._pg_dump, "--format=custom", "--no-owner", "--no-privileges", "--snapshot", self._snapshot],
            self._url,
            ["--file", str(target)],
        )
        await self.close()

    async def close(self) -> None:
        """End the snapshot."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    @property
    def _open(self) -> asyncpg.Connection:
        assert self._connection is not None, "the snapshot has ended"
        return self._connection


@asynccontextmanager
async def held(url: URL) -> AsyncIterator[None]:
    """Keep everybody from writing to the journal during the block; raise BackupError.

    Each append moves a topic's row, so that a lock on that table holds them all; readers go on.
    """
    connection = await connect("journal", url)
    try:
        await connection.execute(f"SET lock_timeout = {LOCK_MS}; SET idle_in_transaction_session_timeout = {HOLD_MS}")
        await connection.execute("BEGIN; LOCK TABLE topics IN SHARE MODE")
        yield
        await connection.execute("ROLLBACK")
    except _FAILURES as error:
        raise _failure("journal", error) from error
    finally:
        connection.terminate()


async def connect(name: str, url: URL) -> asyncpg.Connection:
    """Connect to a database; raise BackupError, also for a pooler that does not keep the connection."""
    try:
        await check_pooler(name, url)
        return await asyncpg.connect(asyncpg_dsn(url), timeout=POSTGRESQL_CONNECT_SECONDS)
    except DatabaseError as error:
        raise BackupError(str(error)) from error
    except _FAILURES as error:
        raise _failure(name, error) from error


def program(name: str, version: int) -> str:
    """Find a program of PostgreSQL that fits a server of this major version; raise BackupError.

    An older pg_dump refuses a newer server, and what a newer one writes an older pg_restore may not read.
    """
    # Debian keeps those of each version in a folder, and one that chooses among them on the path.
    places = [f"/usr/lib/postgresql/{version}/bin/{name}", shutil.which(name)]
    found = {place: _version(place) for place in places if place is not None and Path(place).is_file()}
    for place, its_version in found.items():
        if its_version == version:
            return place
    here = f"here is that of PostgreSQL {next(iter(found.values()))}" if found else "there is none here"
    raise BackupError(
        f"{name} of PostgreSQL {version}, as the server is, is needed on this machine: {here}. Install it; Debian has "
        f"it in the package postgresql-client-{version}."
    )


def _version(place: str) -> int:
    said = subprocess.run([place, "--version"], capture_output=True, text=True, check=False).stdout
    number = re.search(r"\) (\d+)", said)
    return int(number[1]) if number else 0


def call(name: str, command: Sequence[str], url: URL, arguments: Sequence[str]) -> None:
    """Run a program on a database; raise BackupError with what it says."""
    # The password not as an argument, which everybody on this machine can read.
    address = asyncpg_dsn(url.set(password=None))
    environment = {**os.environ, "PGPASSWORD": str(url.password)} if url.password else None
    try:
        done = subprocess.run(
            [*command, "--dbname", address, *arguments], env=environment, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise BackupError(f"{command[0]} cannot be run: {error.strerror}.") from error
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise BackupError(f"The database “{name}” cannot be copied: {said[0]}")


def _failure(name: str, error: Exception) -> BackupError:
    return BackupError(f"The database “{name}” cannot be read: {str(error).strip() or 'it does not answer'}.")


class PostgresqlPlace:
    """Where the database called `name` will be: an empty database, which the administrator has created."""

    kind = "postgresql"

    def __init__(self, name: str, url: URL) -> None:
        self._name = name
        self._url = url
        self._pg_restore = ""
        self.is_kept = False

    @property
    def url(self) -> str:
        """The address of the database."""
        return self._url.render_as_string(hide_password=False)

    async def check(self) -> None:
        """Find the `pg_restore` for this server; raise BackupError where something is in the database."""
        connection = await connect(self._name, self._url)
        try:
            self._pg_restore = program("pg_restore", connection.get_server_version().major)
            is_empty = not await connection.fetchval(_HAS_TABLES)
        except _FAILURES as error:
            raise _failure(self._name, error) from error
        finally:
            connection.terminate()
        if not is_empty:
            raise BackupError(
                f"The database “{self._name}” is not empty: create a new one, and name it with --database. Nothing was "
                "changed."
            )

    async def stage(self, source: Path) -> None:
        """Restore the file of a backup, all of it or nothing; raise BackupError."""
        command = [self._pg_restore, "--single-transaction", "--exit-on-error"]
        call(self._name, [*command, "--no-owner", "--no-privileges"], self._url, [str(source)])

    async def keep(self) -> bool:
        """Keep an audit log that is here; return False where there is none."""
        connection = await connect(self._name, self._url)
        try:
            self.is_kept = bool(await connection.fetchval(_HAS_TABLES))
        except _FAILURES as error:
            raise _failure(self._name, error) from error
        finally:
            connection.terminate()
        return self.is_kept

    async def add_lacking(self, source: Path) -> None:
        """Add to an audit log that is kept what it lacks of the backup's."""
        connection = await connect(self._name, self._url)
        try:
            pg_restore = program("pg_restore", connection.get_server_version().major)
            with tempfile.TemporaryFile() as rows:
                _write_rows(pg_restore, source, ADDED, rows)
                async with connection.transaction():
                    await _add_rows(connection, rows)
        except _FAILURES as error:
            raise _failure(self._name, error) from error
        finally:
            connection.terminate()

    def last_ids(self) -> None:
        """Return None: what was here before is in another database."""

    async def put(self, aside: str) -> None:
        """Do nothing: the database has its name."""

    def discard(self) -> None:
        """Do nothing: what was restored is in a database that was empty."""


_HAS_TABLES = "SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = 'public')"


# What an audit log that is kept gets of a backup


def _write_rows(pg_restore: str, source: Path, tables: Iterable[str], target: IO[bytes]) -> None:
    """Write the rows of these tables as COPY statements, each with its rows up to a line with a backslash and a dot."""
    wanted = [f"--table={table}" for table in tables]
    command = [pg_restore, "--data-only", *wanted, "--file=-", str(source)]
    done = subprocess.run(command, stdout=target, stderr=subprocess.PIPE, check=False)
    if done.returncode:
        raise BackupError(f"The backup {source} cannot be read: {done.stderr.decode(errors='replace').strip()}")
    target.seek(0)


async def _add_rows(connection: asyncpg.Connection, rows: IO[bytes]) -> None:
    found = set()
    for line in rows:
        copied = _COPY.fullmatch(line)
        if copied is None:
            continue
        table, columns = copied["table"].decode(), [each.strip(' "') for each in copied["columns"].decode().split(",")]
        # With the defaults of columns that a backup of an earlier version does not have.
        await connection.execute(f"CREATE TEMP TABLE backup_{table} (LIKE {table} INCLUDING DEFAULTS) ON COMMIT DROP")
        await connection.copy_to_table(f"backup_{table}", source=_rows(rows), columns=columns, format="text")
        found.add(table)
    for table, statement in ADDED.items():
        if table in found:
            await connection.execute(statement)


async def _rows(lines: IO[bytes]) -> AsyncIterator[bytes]:
    for line in lines:
        if line == b"\\.\n":
            return
        yield line


_COPY = re.compile(rb"COPY public\.(?P<table>\w+) \((?P<columns>[^)]*)\) FROM stdin;\n")
