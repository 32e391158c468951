"""The databases: whether they answer and can be written, their tables, their clocks, and their connections in sum."""

import sqlite3
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import asyncpg

from server.checks.finding import Finding, error, ok, warning
from server.databases import migration
from server.databases.engine import POSTGRESQL_CONNECT_SECONDS, asyncpg_dsn, connections_of_worker, read_url
from server.databases.errors import DatabaseError
from server.databases.pooler import check_pooler
from server.schemas import SCHEMAS
from server.settings import Settings

# The journal's writer uses pg_current_xact_id(), which came with it.
OLDEST_POSTGRESQL = 130_000
# Sign-ins and locks are judged by the times of two machines; people see a difference of this size.
CLOCK_SECONDS = 2.0
# Connections of one server beside its workers': the lock that keeps a second server out.
SERVER_CONNECTIONS = 1

_ABOUT = """
    SELECT current_setting('server_version_num')::int AS version, current_setting('server_version') AS shown,
        current_setting('server_encoding') AS encoding, current_setting('fsync') AS fsync,
        current_setting('synchronous_commit') AS synchronous, pg_is_in_recovery() AS is_standby,
        current_setting('default_transaction_read_only') AS reads_only,
        extract(epoch FROM clock_timestamp())::float8 AS now,
        extract(epoch FROM pg_postmaster_start_time())::float8 AS started,
        (SELECT oid FROM pg_database WHERE datname = current_database())::bigint AS oid,
        current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS places,
        (SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user) AS role_limit,
        (SELECT count(*) FROM pg_stat_activity
            WHERE backend_type = 'client backend' AND usename IS DISTINCT FROM current_user) AS others
"""


class _Server(NamedTuple):
    """A PostgreSQL that holds some of the databases: its connections for us, those of this user, those of others."""

    started: float
    places: int
    role_limit: int
    others: int


class _Look(NamedTuple):
    """What was seen of one database; `place` is the same for two names of one database."""

    findings: Sequence[Finding]
    place: object = None
    server: _Server | None = None
    is_pooled: bool = False


async def check_databases(settings: Settings, machines: int) -> AsyncIterator[Finding]:
    """Check each of them, and then all together; `machines` run servers of this school."""
    looks = {name: await _look(name, text) for name, text in settings.databases.items()}
    for look in looks.values():
        for finding in look.findings:
            yield finding
    size = settings.workers, machines
    for finding in (*_check_apart(looks), *_check_sum(looks, *size), *_check_pools(looks, *size)):
        yield finding


async def _look(name: str, text: str) -> _Look:
    try:
        url = read_url(name, text)
        if url.get_backend_name() == "sqlite":
            return _look_at_file(name, Path(url.database or ""))
        is_pooled = await check_pooler(name, url)
        about = await _ask(asyncpg_dsn(url))
    except DatabaseError as problem:
        return _Look([error(_part(name), str(problem), "Correct --database, or the pooler.")])
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as problem:
        return _Look([error(_part(name), str(problem).strip() or "It does not answer.", _what_helps(problem))])
    server = _Server(about["started"], about["places"], about["role_limit"], about["others"])
    return _Look([*_judge(name, about)], (about["started"], about["oid"]), server, is_pooled)


def _look_at_file(name: str, path: Path) -> _Look:
    return _Look([_check_file(name, path)], str(path.resolve()))


def _part(name: str) -> str:
    return f"database {name}"


async def _ask(dsn: str) -> asyncpg.Record:
    connection = await asyncpg.connect(dsn, timeout=POSTGRESQL_CONNECT_SECONDS, statement_cache_size=0)
    try:
        return await connection.fetchrow(_ABOUT, timeout=POSTGRESQL_CONNECT_SECONDS)
    finally:
        connection.terminate()


def _what_helps(problem: Exception) -> str:
    if isinstance(problem, asyncpg.InvalidCatalogNameError):
        return "Make it, as PostgreSQL's administrator: createdb --owner=USER NAME"
    if isinstance(problem, asyncpg.InvalidAuthorizationSpecificationError):
        return "Correct user and password in --database, or the line for this machine in pg_hba.conf."
    if isinstance(problem, asyncpg.TooManyConnectionsError):
        return "Raise max_connections, or end what else is connected."
    return "Does PostgreSQL run there, listen on this address (listen_addresses), and let this machine through?"


def _judge(name: str, about: asyncpg.Record) -> Iterator[Finding]:
    part, is_well = _part(name), True
    for is_wrong, text, advice in (
        (about["version"] < OLDEST_POSTGRESQL, f"PostgreSQL {about['shown']} is too old.", "Use 13 or newer."),
        (about["is_standby"], "It is a standby, which only reads.", "Name the primary in --database."),
        (about["reads_only"] == "on", "It only reads (default_transaction_read_only).", "Switch that off for it."),
        (about["encoding"] != "UTF8", f"Its encoding is {about['encoding']}.", "Make it with --encoding=UTF8."),
        (about["fsync"] == "off", "fsync is off: a power cut damages it.", "Set fsync = on in postgresql.conf."),
        (
            about["synchronous"] == "off",
            "synchronous_commit is off: a crash loses messages that were acknowledged.",
            "Set synchronous_commit = on.",
        ),
    ):
        if is_wrong:
            is_well = False
            yield error(part, text, advice)
    away = abs(about["now"] - time.time())
    if away > CLOCK_SECONDS:
        yield warning(
            "clock", f"This clock and that of the database {name} differ by {away:.0f} s.", "Set both by NTP."
        )
    if is_well:
        yield ok(part, f"PostgreSQL {about['shown']} answers.")


def _check_file(name: str, path: Path) -> Finding:
    if not path.exists():
        return warning(_part(name), f"{path} does not exist; the first start makes it.", "Is it the right place?")
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=2)) as connection:
            found = {row[0] for row in connection.execute("SELECT version_num FROM alembic_version")}
    except sqlite3.Error as problem:
        return error(_part(name), f"{path}: {problem}", "Restore it from a backup, or name the right file.")
    size = f"{path}, {path.stat().st_size / 1024**2:.1f} MiB"
    return _judge_tables(name, found, f"{size}.")


async def check_tables(settings: Settings) -> AsyncIterator[Finding]:
    """Check that the tables in each PostgreSQL are those of this version."""
    for name, text in settings.databases.items():
        if not text.startswith("postgres"):
            continue
        try:
            connection = await asyncpg.connect(
                asyncpg_dsn(read_url(name, text)), timeout=POSTGRESQL_CONNECT_SECONDS, statement_cache_size=0
            )
        except (DatabaseError, OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            continue  # `check_databases` says so
        try:
            rows = await connection.fetch("SELECT version_num FROM alembic_version")
            yield _judge_tables(name, {row[0] for row in rows}, "Its tables are those of this version.")
        except asyncpg.UndefinedTableError:
            yield error(_part(name), "It has no tables yet.", "Run “database upgrade” before the first start.")
        except asyncpg.PostgresError as problem:
            yield error(_part(name), str(problem), "Make this database's user its owner.")
        finally:
            connection.terminate()


def _judge_tables(name: str, found: set[str], text: str) -> Finding:
    known, newest = migration.known_revisions(SCHEMAS[name])
    if found == newest:
        return ok(_part(name), text)
    if found - known:
        return error(_part(name), "It belongs to a later version of Lousa.", "Run that version.")
    return warning(
        _part(name),
        "Its tables are of an earlier version of Lousa.",
        "Back it up. A start upgrades files; for PostgreSQL stop all servers and run “database upgrade”.",
    )


def _check_apart(looks: Mapping[str, _Look]) -> Iterator[Finding]:
    names = [name for name, look in looks.items() if look.place is not None]
    for index, name in enumerate(names):
        for other in names[:index]:
            if looks[name].place == looks[other].place:
                text = f"It is the same database as {other}, under another name."
                yield error(_part(name), text, "Give each name a database of its own in --database.")


def _check_sum(looks: Mapping[str, _Look], workers: int, machines: int) -> Iterator[Finding]:
    servers = {look.server.started: look.server for look in looks.values() if look.server is not None}
    for server in servers.values():
        here = [
            name for name, look in looks.items() if look.server is not None and look.server.started == server.started
        ]
        wanted = machines * (workers * connections_of_worker(here) + ("journal" in here) * SERVER_CONNECTIONS)
        room = server.places - server.others
        if server.role_limit >= 0:
            room = min(room, server.role_limit)
        text = (
            f"{machines} machine(s) with {workers} worker(s) take up to {wanted} connections for {', '.join(here)}; "
            f"PostgreSQL has {room} for them."
        )
        # Some are for commands, and for an administrator who looks.
        advice = f"Set max_connections = {wanted + server.others + 20} in postgresql.conf, or use fewer workers."
        yield ok("connections", text) if wanted <= room else error("connections", text, advice)


def _check_pools(looks: Mapping[str, _Look], workers: int, machines: int) -> Iterator[Finding]:
    for name in (name for name, look in looks.items() if look.is_pooled):
        wanted = machines * (workers * connections_of_worker([name]) + (name == "journal") * SERVER_CONNECTIONS)
        text = f"It is behind a connection pooler, which must have {wanted} connections to it (default_pool_size)."
        yield ok(_part(name), text)
