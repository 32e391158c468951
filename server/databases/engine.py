"""Creates an engine from a database's URL: SQLite in a file on one machine, PostgreSQL anywhere.

Transactions mean the same on both. On SQLite the driver must not open them by itself: reading begins with `BEGIN` and
sees one snapshot; writing begins with `BEGIN IMMEDIATE` (execution option `writes`), because SQLite refuses a
transaction that reads and then writes at once, without waiting, if another one wrote in between. A transaction that
recreates tables (option `recreates`) begins without foreign keys, because SQLite would refuse it with them;
`migration.upgrade` checks them, and the connection is not used again.
"""

from collections.abc import Collection
from contextlib import suppress
from functools import partial
from typing import Any

import asyncpg
from sqlalchemy import URL, Connection, event, make_url
from sqlalchemy.exc import ArgumentError, DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from channels.journal.file_reader import CHECK_FILE
from channels.journal.postgresql_connection import NOTICE_GONE
from channels.journal.same_file import Check, trust
from channels.journal.sqlite import MAX_IDLE_WAL_BYTES
from server.databases.errors import DatabaseError

DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+asyncpg",
    "postgres": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}

# The size of a write-ahead file to which SQLite cuts it back once it is copied into its database. Usually it has 4 MB
# (the journal's has more), after which SQLite copies it. Without a limit, one import or one long read leaves a large
# file until the last connection closes.
SQLITE_WAL_BYTES = 8 * 1024 * 1024
# How long a writer waits for another: longer than any transaction of a running server. A large roster import may take
# longer; requests refused meanwhile are answered with "try again".
SQLITE_BUSY_MS = 10_000
# A server that does not answer within this time is unreachable; asyncpg's default of 60 s looks like a hang.
POSTGRESQL_CONNECT_SECONDS = 5
# Connections of one worker to one database. PostgreSQL allows 100 in all by default.
POOL_SIZE = 5
POOL_OVERFLOW = 5

_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    # Commits survive a power cut; WAL's usual NORMAL may lose the last ones.
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    # What is deleted is overwritten with zeros: names and words are not left in free pages.
    "PRAGMA secure_delete=ON",
    f"PRAGMA busy_timeout={SQLITE_BUSY_MS}",
)
_LOG_PRAGMAS = (f"PRAGMA journal_size_limit={SQLITE_WAL_BYTES}",)
# The journal's writer copies the file into the database, in its turn (`channels.journal.files` says why).
_JOURNAL_LOG_PRAGMAS = ("PRAGMA wal_autocheckpoint=0", f"PRAGMA journal_size_limit={MAX_IDLE_WAL_BYTES}")


def connections_of_worker(names: Collection[str]) -> int:
    """Return how many connections a worker may have to a PostgreSQL that holds these databases.

    The journal's writer has one of its own. A worker that starts has no more.
    """
    return len(names) * (POOL_SIZE + POOL_OVERFLOW) + ("journal" in names)


def create_engine(name: str, text: str, check: Check = trust) -> AsyncEngine:
    """Make the engine of the database called `name`; raise DatabaseError for a URL that cannot be used.

    `check` raises OSError where a SQLite file is not the one that it was: it is neither opened nor written then.
    """
    url = read_url(name, text)
    if url.get_backend_name() == "sqlite":
        return _sqlite(url, check, _PRAGMAS + (_JOURNAL_LOG_PRAGMAS if name == "journal" else _LOG_PRAGMAS))
    return _postgresql(url)


def read_url(name: str, text: str) -> URL:
    """Return the URL of the database called `name`, with our driver; raise DatabaseError if it cannot be used."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        # The text is not shown: it may hold a password.
        raise DatabaseError(f"The address of the database “{name}” is not a URL like {_EXAMPLES}.") from None
    if url.drivername not in DRIVERS:
        raise DatabaseError(f"The database “{name}” is of the kind “{url.drivername}”; Lousa knows {_EXAMPLES}.")
    if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
        raise DatabaseError(f"The database “{name}” needs a file: sqlite:///folder/{name}.sqlite3")
    if url.get_backend_name() == "sqlite" and "?" in text:
        raise DatabaseError(f"The address of the database “{name}” has a “?”: write %3F, and %25 for “%”.")
    return url.set(drivername=DRIVERS[url.drivername])


_EXAMPLES = "postgresql://user:password@host/name or sqlite:///folder/file.sqlite3"


def _with_asyncpg_names(url: URL) -> URL:
    """Translate `sslmode=`, which hosters write for every other driver, to asyncpg's `ssl=`."""
    if "sslmode" not in url.query:
        return url
    return url.difference_update_query(["sslmode"]).update_query_dict({"ssl": url.query["sslmode"]})


def asyncpg_dsn(url: URL) -> str:
    """Return an engine's URL in asyncpg's own form, with the password, for code that uses asyncpg directly."""
    dsn = url.set(drivername="postgresql")
    if "ssl" in dsn.query:
        dsn = dsn.difference_update_query(["ssl"]).update_query_dict({"sslmode": dsn.query["ssl"]})
    return dsn.render_as_string(hide_password=False)


def _postgresql(url: URL) -> AsyncEngine:
    engine = create_async_engine(
        _with_asyncpg_names(url),
        connect_args={
            "timeout": POSTGRESQL_CONNECT_SECONDS,
            "connection_class": _Connection,
            "async_creator_fn": _connect,
        },
        pool_size=POOL_SIZE,
        max_overflow=POOL_OVERFLOW,
    )
    event.listen(engine.sync_engine, "checkout", _on_checkout)
    return engine


async def _connect(*place: Any, **options: Any) -> asyncpg.Connection:
    # In here rather than on SQLAlchemy's event, where it would not translate what this raises.
    connection = await asyncpg.connect(*place, **options)
    try:
        await connection.execute(NOTICE_GONE, timeout=POSTGRESQL_CONNECT_SECONDS)
    except BaseException:
        connection.terminate()
        raise
    return connection


class _Connection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg has no types
    """A connection that is closed at the end of `close`, also when the server did not answer."""

    async def close(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109  # as asyncpg has it
        # asyncpg has then cut the connection. SQLAlchemy closes in a task that nobody awaits any more if its caller is
        # cancelled meanwhile; what that task raised would be logged as our bug.
        with suppress(TimeoutError, OSError):
            await super().close(timeout=timeout)


def _on_checkout(connection: Any, _record: Any, _proxy: Any) -> None:
    # After a restart of PostgreSQL, the first query gets a new connection instead of failing on a dead one. The driver
    # knows by then that its socket is closed: `pool_pre_ping` would cost three round trips before each query.
    if connection.driver_connection.is_closed():
        raise DisconnectionError


def _sqlite(url: URL, check: Check, pragmas: Collection[str]) -> AsyncEngine:
    options = {"pool_size": POOL_SIZE, "max_overflow": POOL_OVERFLOW, "execution_options": {CHECK_FILE: check}}
    engine = create_async_engine(url, **options)
    event.listen(engine.sync_engine, "do_connect", lambda *_: check())
    event.listen(engine.sync_engine, "connect", partial(_on_connect, pragmas))
    event.listen(engine.sync_engine, "begin", _on_begin)
    event.listen(engine.sync_engine, "commit", _on_commit)
    return engine


def _on_connect(pragmas: Collection[str], connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    # Free pages of a new file can be given back step by step; of others after “database compact”. In a file that is
    # there already, the statement would wait for a writer.
    cursor.execute("PRAGMA page_count")
    if not cursor.fetchone()[0]:
        cursor.execute("PRAGMA auto_vacuum=INCREMENTAL")
    for pragma in pragmas:
        cursor.execute(pragma)
    cursor.close()


def _on_begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options.get("apart", False):
        return  # statements that no transaction may hold, such as VACUUM
    if options.get("recreates", False):
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("writes", False) else "BEGIN")


def _on_commit(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options.get("writes", False):
        check: Check = options[CHECK_FILE]
        check()
