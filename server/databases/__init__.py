"""The named databases of a school, each with its own engine, sessions and migrations.

A school on one machine keeps them all in SQLite files; a large one gives each its own PostgreSQL. `SCHEMAS` are Lousa's
own, each with its tables and its folder of revisions. A package of views may declare another; server/schemas.py lists
all of them.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
from sqlalchemy import Connection, Executable
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker

from channels.journal import tables as journal_tables
from channels.journal.file_reader import FileReader, Parameters
from channels.journal.file_version import FileVersion, Version
from channels.journal.postgresql_connection import BROKEN
from channels.journal.reader import fetch_from, one_by_one
from server.databases import accounts, audit, migration
from server.databases import erasures as _erasures  # noqa: F401 — declares a table of the audit log
from server.databases import holds as _holds  # noqa: F401 — as well
from server.databases import imports as _imports  # noqa: F401 — declares tables of the accounts
from server.databases import relatives as _relatives  # noqa: F401 — as well
from server.databases.audit_pairing import accept_audit, check_audit, record_audit
from server.databases.data_files import NO_FILES, DataFiles, path_of, try_disk
from server.databases.engine import SQLITE_BUSY_MS, create_engine
from server.databases.errors import DatabaseError, DatabaseReadOnly, DatabasesApart, DatabaseUnavailable
from server.databases.history import changed_since, check_note, moved_place, note_path, read_note, write_note
from server.databases.migration import Schema
from server.databases.pairing import (
    NO_IDS,
    Apart,
    Ids,
    Progress,
    accept,
    check_pairing,
    name_and_events,
    record_progress,
)
from server.databases.pooler import check_pooler
from server.program import PROGRAM

DbSessions = async_sessionmaker[AsyncSession]

_T = TypeVar("_T")

# Key under which a database's sessions store their time limit for an answer.
_SECONDS = "answer_seconds"
# Key of the lock that writers of one process take in turn on SQLite; None on PostgreSQL. SQLite has no line: a writer
# that finds the file locked sleeps and looks again, holding a connection, and of many at once some never get it.
_LINE = "line"
# Key under which they store the engine for `asking`.
_READER = "reader"
# Key under which they store what reads an SQLite file in threads; None on PostgreSQL.
_FILE = "file"
# Key under which they store what tells whether the file of the database has changed.
_VERSION = "version"
# Threads that read an SQLite file for `fetch`: what is asked for in bursts is asked for in batches.
FILE_THREADS = 2
# How often progress is recorded though nothing was committed: a file that is overwritten in place has no new version,
# and the note beside the journal must stay younger than a killed server's may be (history.KILLED_SECONDS).
RECORD_ANYWAY_SECONDS = 20.0

_REVISIONS = Path(__file__).parent / "migrations"

SCHEMAS: Mapping[str, Schema] = {
    "accounts": Schema(accounts.Base.metadata, _REVISIONS / "accounts"),
    "journal": Schema(journal_tables.metadata, _REVISIONS / "journal"),
    "audit": Schema(audit.Base.metadata, _REVISIONS / "audit"),
}


class Databases:
    """All databases of one process, by name. Each is opened on first use."""

    def __init__(
        self,
        urls: Mapping[str, str],
        schemas: Mapping[str, Schema] = SCHEMAS,
        *,
        answer_seconds: float | None = None,
        files: DataFiles = NO_FILES,
    ) -> None:
        """Take a URL for each name in `schemas`; raise DatabaseError for one that cannot be used.

        `answer_seconds` limits each `reading` and `writing` on PostgreSQL; None: no limit, for commands.
        SQLite bounds its waits itself (engine.SQLITE_BUSY_MS). `files` are those of the SQLite databases: what is not
        in place is neither opened nor written.
        """
        self.files = files
        self._schemas = schemas
        self._progress: Progress | None = None
        self._recorded: tuple[Version | None, ...] = ()
        self._record_anyway_at = 0.0
        self._engines = {name: create_engine(name, urls[name], partial(files.check, name)) for name in schemas}
        self._note = note_path(self._engines["journal"].url) if "journal" in self._engines else None
        self._sessions = {
            name: async_sessionmaker(
                engine,
                expire_on_commit=False,
                info={
                    _SECONDS: answer_seconds if engine.dialect.name == "postgresql" else None,
                    _LINE: None if engine.dialect.name == "postgresql" else asyncio.Lock(),
                    _READER: one_by_one(engine),
                    _FILE: FileReader(engine, FILE_THREADS) if engine.dialect.name == "sqlite" else None,
                    _VERSION: FileVersion(engine),
                },
            )
            for name, engine in self._engines.items()
        }

    def engine(self, name: str) -> AsyncEngine:
        """Return the engine of the database called `name`."""
        return self._engines[name]

    def sessions(self, name: str) -> DbSessions:
        """Return the session factory of the database called `name`, for `reading` and `writing`."""
        return self._sessions[name]

    async def prepare(self) -> None:
        """Prepare the tables, and check that the databases belong together; raise DatabaseError."""
        await self.prepare_tables()
        await self.check_pair()
        await self._together(self._check_note)
        if "audit" in self._engines:
            await self._together(partial(check_audit, audit=self._engines["audit"]))

    async def continue_history(self) -> str:
        """Give the journal a new name where it may be a copy that was put back; return how that shows, or nothing.

        For a start, when no other server runs on the journal and `prepare` has succeeded.
        """
        with _failures_named():
            epoch, stored = await name_and_events(self._engines["journal"])
            if self._note is None:
                changed = await moved_place(self._engines["journal"])
            else:
                database = Path(self._engines["journal"].url.database or "")
                changed = changed_since(read_note(self._note), epoch, database) if stored else ""
        if changed:
            await self.accept()
        await self.note_history()
        return changed

    async def note_history(self) -> None:
        """Note how far the journal has come, beside its file, or where in PostgreSQL it is."""
        with _failures_named():
            if self._note is None:
                await moved_place(self._engines["journal"])
            else:
                write_note(self._note, *await name_and_events(self._engines["journal"]))

    async def _check_note(self, _accounts: AsyncEngine, journal: AsyncEngine) -> None:
        if self._note is not None:
            check_note(read_note(self._note), *await name_and_events(journal))

    async def record_progress(self) -> None:
        """Keep in each database how far the other has come; raise DatabasesApart where one has gone back."""
        versions = version_of(self._sessions["accounts"]), version_of(self._sessions["journal"])
        if versions == self._recorded and None not in versions and time.monotonic() < self._record_anyway_at:
            return
        self._progress = await self._together(partial(record_progress, last=self._progress))
        if self._note is not None:
            await asyncio.to_thread(write_note, self._note, self._progress.epoch, self._progress.stored)
        self._recorded, self._record_anyway_at = versions, time.monotonic() + RECORD_ANYWAY_SECONDS

    async def record_audit(self) -> None:
        """Keep in the accounts how many records the audit log has; raise DatabaseError if that fails."""
        with _failures_named():
            await record_audit(self._engines["accounts"], self._engines["audit"])

    async def check_pair(self) -> None:
        """Check that accounts and journal belong together; raise DatabasesApart."""
        await self._together(check_pairing)

    async def accept(self, given: Ids = NO_IDS) -> Ids:
        """Pair the databases as they are (`pairing.accept`); raise DatabaseError if that fails."""
        if "audit" in self._engines:
            with _failures_named():
                await accept_audit(self._engines["accounts"], self._engines["audit"])
        return await self._together(partial(accept, given=given))

    async def _together(self, work: Callable[[AsyncEngine, AsyncEngine], Awaitable[_T]]) -> _T:
        try:
            with _failures_named():
                return await work(self._engines["accounts"], self._engines["journal"])
        except Apart as error:
            raise DatabasesApart(
                f"The databases do not belong together: {error}. If you have restored a backup, run "
                f"“{PROGRAM} database accept” with the same options. If not, do not: look for the newer files, "
                "or for the right --data-dir and --database. Nothing was changed."
            ) from error

    async def upgrade(self, name: str | None = None) -> None:
        """Upgrade the tables of one database, or all, to the newest revision; raise DatabaseError if that fails.

        Several processes may do so at once; within one process, one after another (Alembic keeps globals).
        """
        for each in [name] if name else self._schemas:
            await self._check_pooler(each)
            await self._run(each, migration.upgrade, writes=True, recreates=True)
            # The next connections enforce foreign keys again.
            await self._engines[each].dispose()

    async def prepare_tables(self) -> None:
        """Upgrade SQLite files; check that every other database is up to date.

        Several workers and machines share a PostgreSQL; an administrator upgrades its tables (`database upgrade`),
        not the first worker that restarts. Raise DatabaseError if a database is not ready.
        """
        for name, engine in self._engines.items():
            if engine.dialect.name == "sqlite":
                await self.upgrade(name)
                continue
            await self._check_pooler(name)
            if not await self._run(name, migration.is_current, writes=False):
                raise DatabaseError(
                    f"The tables of the database “{name}” are not those of this version of Lousa: "
                    f"run “{PROGRAM} database upgrade” with the same --database options."
                )

    async def _check_pooler(self, name: str) -> None:
        if self._engines[name].dialect.name == "postgresql":
            with self._failures_of(name):
                await check_pooler(name, self._engines[name].url)

    @property
    def names(self) -> list[str]:
        """The names of all of them."""
        return list(self._engines)

    async def check(self, name: str) -> None:
        """Read something from a database; raise DatabaseError if that fails."""
        await self._run(name, migration.read_something, writes=False)

    async def compact(self, name: str) -> None:
        """Write an SQLite file anew, without free pages, and so that later ones can be given back; PostgreSQL: nothing.

        Raise DatabaseError if that fails.
        """
        if self._engines[name].dialect.name != "sqlite":
            return
        with self._failures_of(name):
            async with self._engines[name].connect() as connection:
                apart = await connection.execution_options(apart=True)
                await apart.exec_driver_sql("PRAGMA auto_vacuum=INCREMENTAL")
                await apart.exec_driver_sql("VACUUM")

    def forget_statements(self) -> None:
        """Forget how statements were compiled: SQLAlchemy keeps the values of the first one of each with it."""
        for engine in self._engines.values():
            engine.sync_engine.clear_compiled_cache()

    async def check_writable(self, name: str) -> None:
        """Raise DatabaseReadOnly where a database could not be written now; costs no transaction that writes.

        Of a file: that it is in place, and that its disk takes some more. Of a PostgreSQL: that it is no standby, and
        its transactions may write.
        """
        path = path_of(self._engines[name].url)
        if path is None:
            if await self._run(name, migration.is_read_only, writes=False):
                raise DatabaseReadOnly(f"The database “{name}” is read-only: a standby, or set so.")
            return
        try:
            self.files.check(name)
            await asyncio.get_running_loop().run_in_executor(None, try_disk, path)
        except OSError as error:
            raise DatabaseReadOnly(f"The database “{name}” cannot be written: {error}") from error

    async def dispose(self) -> None:
        """Close all connections."""
        for name, engine in self._engines.items():
            info = self._sessions[name].kw["info"]
            info[_VERSION].close()
            if info[_FILE] is not None:
                info[_FILE].close()
            await engine.dispose()

    async def _run(
        self, name: str, work: Callable[[Connection, Schema], _T], *, writes: bool, recreates: bool = False
    ) -> _T:
        with self._failures_of(name):
            async with self._engines[name].connect() as connection:
                await connection.execution_options(writes=writes, recreates=recreates)
                async with connection.begin():
                    return await connection.run_sync(work, self._schemas[name])

    @contextmanager
    def _failures_of(self, name: str) -> Iterator[None]:
        try:
            yield
        except migration.NewerDatabase as error:
            raise DatabaseError(f"The database “{name}” belongs to a later version of Lousa: run that one.") from error
        except (SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            where = self._engines[name].url.render_as_string(hide_password=True)
            raise DatabaseError(f"The database “{name}” cannot be used ({where}): {_reason(error)}") from error


@asynccontextmanager
async def reading(sessions: DbSessions) -> AsyncIterator[AsyncSession]:
    """Open a session that reads one snapshot; raise DatabaseUnavailable if the database does not answer."""
    with _failures_named():
        async with asyncio.timeout(sessions.kw["info"][_SECONDS]), sessions() as db:
            yield db


@asynccontextmanager
async def connected(sessions: DbSessions) -> AsyncIterator[AsyncConnection]:
    """Keep one connection over several transactions; raises as `reading` does."""
    engine: AsyncEngine = sessions.kw["bind"]
    with _failures_named():
        async with engine.connect() as connection:
            yield connection


@asynccontextmanager
async def asking(sessions: DbSessions) -> AsyncIterator[AsyncSession]:
    """Open a session for single statements, each a transaction of its own; raises as `reading` does.

    For what is asked again and again: on PostgreSQL it saves two round trips of three.
    """
    info = sessions.kw["info"]
    with _failures_named():
        async with asyncio.timeout(info[_SECONDS]), sessions(bind=info[_READER]) as db:
            yield db


def version_of(sessions: DbSessions) -> Version | None:
    """Return the version of an SQLite file, without waiting (`FileVersion.read`); None: not known, so ask."""
    version: FileVersion = sessions.kw["info"][_VERSION]
    return version.read()


async def fetch(sessions: DbSessions, query: Executable, parameters: Parameters = None) -> Sequence[Any]:
    """Return the rows of one query, in the cheapest way; raises as `reading` does."""
    info = sessions.kw["info"]
    file: FileReader | None = info[_FILE]
    with _failures_named():
        if file is not None:
            return await file.fetch(query, parameters)
        async with asyncio.timeout(info[_SECONDS]):
            return await fetch_from(info[_READER], query, parameters)


@asynccontextmanager
async def writing(sessions: DbSessions) -> AsyncIterator[AsyncSession]:
    """Open a session whose transaction may write; it commits at the end of the block, or rolls back on an error.

    Raise DatabaseUnavailable if the database cannot write now. Nothing was written then, unless the connection broke
    during the commit.
    """
    with _failures_named():
        async with (
            _turn(sessions.kw["info"][_LINE]),
            asyncio.timeout(sessions.kw["info"][_SECONDS]),
            sessions.begin() as db,
        ):
            await db.connection(execution_options={"writes": True})
            yield db


@asynccontextmanager
async def _turn(line: asyncio.Lock | None) -> AsyncIterator[None]:
    """Wait in line to write, in the order of asking, as long as SQLite would let another process's writer wait."""
    if line is None:
        yield
        return
    async with asyncio.timeout(SQLITE_BUSY_MS / 1_000):
        await line.acquire()
    try:
        yield
    finally:
        line.release()


@contextmanager
def _failures_named() -> Iterator[None]:
    try:
        yield
    except (IntegrityError, ProgrammingError, DataError):
        raise  # our own mistake; the database works
    except (DBAPIError, PoolTimeoutError, OSError, TimeoutError, BROKEN) as error:
        raise DatabaseUnavailable(f"The database is not available now: {_reason(error)}") from error


def _reason(error: BaseException) -> str:
    # A SQLAlchemy error wraps the driver's own, whose message is clearer and one line long.
    found = getattr(error, "orig", None) or error
    return str(found).strip() or "it does not answer"
