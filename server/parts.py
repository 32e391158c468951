"""The parts of one worker that run by themselves: each is a context, which starts it and stops it again.

`server.application` says in which order. Every step of a stop has a time limit.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import partial
from typing import TypeVar

from sqlalchemy.engine import URL

from channels.broker.broker import Broker
from channels.broker.memory import MemoryBroker
from channels.broker.redis import RedisBroker
from channels.broker.spread import SpreadBroker, name_of
from channels.engine.engine import Engine
from channels.errors import JournalUnavailable
from channels.journal.entry import Writer
from channels.journal.journal import Journal
from channels.journal.postgresql import PostgresqlWriter
from channels.journal.sqlite import SqliteWriter
from channels.limit import Limits
from channels.pace import until_tick
from channels.transports.poll_sessions import PollSessions
from server.accounts.accounts import Accounts
from server.accounts.change_watcher import ChangeWatcher
from server.accounts.enrolment_days import EnrolmentDays
from server.asyncapi import TABLES
from server.audit.audit import Audit, keeping_audit
from server.databases import Databases
from server.databases.engine import asyncpg_dsn
from server.databases.errors import DatabaseError
from server.lessons import ForgottenLessons
from server.process import garbage, threads
from server.process.health import Health
from server.process.stopping import when_it_answers
from server.records.keeper import Keeper
from server.rosters.uploads import ROSTERS, Uploads
from server.settings import Settings
from server.tasks import cancel, finish

log = logging.getLogger(__name__)

P = TypeVar("P", Keeper, EnrolmentDays)

# How often expired rows are deleted and the sign-ins of open connections are extended.
TIDY_SECONDS = 3600
# How often sign-ins extended by pages are stored: those of a whole school's first lesson take a few writes.
STORE_SECONDS = 1.0
# How long the start waits until sign-ins are read in advance; what is read later serves those who come after it.
AHEAD_SECONDS = 1.0
# How long those are kept that have not come: after a restart, clients try to connect at least twice a minute.
KEPT_AHEAD_SECONDS = 300.0
# The most that the engine takes to close: a hanging transaction (4 s), close frames (2 s), the broker (1 s). The
# supervisor kills a worker 10 s after its drain.
ENGINE_CLOSE_SECONDS = 7.0


@asynccontextmanager
async def open_accounts(databases: Databases, settings: Settings) -> AsyncIterator[Accounts]:
    """Yield the accounts; their threads end with it."""
    accounts = Accounts(databases.sessions("accounts"), local_roles=settings.school.local_roles(TABLES.roles))
    try:
        yield accounts
    finally:
        accounts.close()


@asynccontextmanager
async def open_audit(databases: Databases) -> AsyncIterator[Audit]:
    """Yield the audit log, to which what waits in the other databases is copied meanwhile."""
    audit = Audit(databases)
    async with keeping_audit(audit):
        yield audit


@asynccontextmanager
async def run_engine(
    settings: Settings, databases: Databases, accounts: Accounts, audit: Audit, stopped: asyncio.Event
) -> AsyncIterator[tuple[Engine, Broker]]:
    """Yield the engine, started, and its broker; wait for the journal until then, or raise StoppedEarly."""
    database = databases.engine("journal")
    journal = Journal(database, _writer(database.url, partial(databases.files.check, "journal")))
    await when_it_answers(journal.open, stopped)
    broker = _broker(settings.redis_urls, journal.epoch)
    limits = Limits(settings.push_rate, settings.max_outbox_kib * 1024)
    engine = Engine(journal, broker, accounts, TABLES.roles, limits, audit=audit)
    with suppress(JournalUnavailable):  # then each topic is loaded with a query
        await engine.read_ahead()
    engine.start()
    staff = [role.name for role in TABLES.roles if role.is_staff]
    ending = asyncio.create_task(ForgottenLessons(journal, staff).run())
    try:
        yield engine, broker
    finally:
        await cancel(ending)
        await finish("the engine", engine.close(), ENGINE_CLOSE_SECONDS)


def _writer(url: URL, check_file: Callable[[], None]) -> Writer:
    if url.get_backend_name() == "sqlite":
        return SqliteWriter(url.database or "", check=check_file)
    return PostgresqlWriter(asyncpg_dsn(url))


def _broker(redis_urls: Sequence[str], epoch: str) -> Broker:
    if not redis_urls:
        return MemoryBroker()
    # Several schools may share a Redis; the workers of one school share one journal.
    prefix = f"lousa:{epoch}:"
    if len(redis_urls) == 1:
        return RedisBroker(redis_urls[0], prefix)
    return SpreadBroker({name_of(url): url for url in redis_urls}, prefix)


@asynccontextmanager
async def watch_changes(
    databases: Databases, accounts: Accounts, engine: Engine, keeper: Keeper, stopped: asyncio.Event
) -> AsyncIterator[None]:
    """Watch for rights that other processes change; wait for the accounts until then, or raise StoppedEarly."""

    def look() -> None:
        # Somebody may have been erased, by a process that no broker joins.
        databases.forget_statements()
        engine.look()
        keeper.wake()

    watcher = ChangeWatcher(accounts, engine.revalidate, on_school_changed=look)
    await when_it_answers(watcher.start, stopped)
    try:
        yield
    finally:
        await watcher.stop()


@asynccontextmanager
async def read_ahead(accounts: Accounts, broker: Broker) -> AsyncIterator[None]:
    """Read in advance who may come back after this start, while rights that change are watched."""
    reading = asyncio.create_task(_read_ahead(accounts, alone=broker.check_seconds is None))
    await asyncio.wait([reading], timeout=AHEAD_SECONDS)
    forgetting = asyncio.get_running_loop().call_later(KEPT_AHEAD_SECONDS, accounts.forget_ahead)
    try:
        yield
    finally:
        forgetting.cancel()
        await cancel(reading)


async def _read_ahead(accounts: Accounts, *, alone: bool) -> None:
    try:
        await accounts.read_ahead(alone=alone)
    except DatabaseError as error:
        log.warning("Sign-ins are not read in advance, but as they come: %s", error)


def keep_records(databases: Databases) -> AbstractAsyncContextManager[Keeper]:
    """Finish erasures, and delete what is older than the school keeps it."""
    return _running(Keeper(databases))


def turn_enrolments(databases: Databases, accounts: Accounts) -> AbstractAsyncContextManager[EnrolmentDays]:
    """Let enrolments begin and end with the school's days."""
    return _running(EnrolmentDays(databases.sessions("accounts"), accounts, TABLES.roles))


@asynccontextmanager
async def _running(part: P) -> AsyncIterator[P]:
    part.start()
    try:
        yield part
    finally:
        await part.stop()


@asynccontextmanager
async def keep_poll_sessions(engine: Engine) -> AsyncIterator[PollSessions]:
    """Yield the sessions of clients that poll."""
    poll_sessions = PollSessions(engine)
    poll_sessions.start()
    try:
        yield poll_sessions
    finally:
        await poll_sessions.close()


@asynccontextmanager
async def take_uploads(databases: Databases, settings: Settings) -> AsyncIterator[Uploads]:
    """Yield the imports of rosters, which the server also pulls by itself."""
    uploads = Uploads(databases, settings.data_dir / ROSTERS, settings.pulling)
    uploads.pulls.start()
    try:
        yield uploads
    finally:
        await uploads.close()


@asynccontextmanager
async def collect_garbage() -> AsyncIterator[None]:
    """Collect garbage while nothing else is to be done."""
    garbage.settle()
    threads.settle()
    collecting = asyncio.create_task(garbage.collect_when_idle())
    try:
        yield
    finally:
        await cancel(collecting)


@asynccontextmanager
async def watch_health(databases: Databases, broker: Broker, journal: Journal) -> AsyncIterator[Health]:
    """Yield what is known of the state of databases, broker and journal."""
    watched = Health(databases, broker, journal.failed_to_write)
    watching = asyncio.create_task(watched.watch())
    try:
        yield watched
    finally:
        await cancel(watching)
        await watched.close()


@asynccontextmanager
async def keep_sign_ins(accounts: Accounts, engine: Engine) -> AsyncIterator[None]:
    """Extend the sign-ins of open connections, store what pages have extended, and delete what has expired."""

    async def tidy() -> None:
        await accounts.extend_connected(engine.credential_ids())
        await accounts.tidy()

    tasks = [
        asyncio.create_task(_repeat(TIDY_SECONDS, tidy, "What has expired was not deleted")),
        asyncio.create_task(_repeat(STORE_SECONDS, accounts.store_extensions, "Sign-ins were not extended")),
    ]
    try:
        yield
    finally:
        await cancel(*tasks)


async def _repeat(seconds: float, work: Callable[[], Awaitable[None]], failure: str) -> None:
    while True:
        try:
            await work()
        except DatabaseError as error:
            log.warning("%s: %s", failure, error)
        await asyncio.sleep(until_tick(seconds))
