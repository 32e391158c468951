r"""Joins the parts of one worker and runs them until a stop: the only module that knows every part.

    settings -> databases -> journal -> broker, engine -> sockets and pages
                     \-> accounts -> watcher: changed rights

A start goes through this list in order, a stop in reverse: the server stops accepting, then drains its connections, and
closes the databases last. Every step of a stop has a time limit, so that a database that hangs cannot prevent it.
"""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from socket import socket
from typing import NamedTuple

from tornado.web import Application

from channels.cluster.scrape import Scrape
from channels.transports.gate import Gate
from channels.transports.upgrades import Upgrades
from server.accounts.first_administrator import make_setup_code
from server.asyncapi import TABLES
from server.databases import Databases
from server.databases.data_files import DataFiles
from server.oidc.client import Providers
from server.parts import (
    collect_garbage,
    keep_poll_sessions,
    keep_records,
    keep_sign_ins,
    open_accounts,
    open_audit,
    read_ahead,
    run_engine,
    take_uploads,
    turn_enrolments,
    watch_changes,
    watch_health,
)
from server.process.hang_up import on_hang_up
from server.process.health import Health
from server.process.heartbeat import OPEN, beat, report
from server.process.listener import address, close, listen, listen_for_metrics
from server.process.metrics import make_server, name_worker, report_server
from server.process.progress import recording_progress
from server.process.proxies import Proxies
from server.process.recent import READ_SECONDS, Recent
from server.process.redis_url import check_redis_urls, try_redis
from server.process.service_manager import STOPPING, notify
from server.process.sole_server import sole_server
from server.process.stand_in import Taker
from server.process.stopping import StoppedEarly, stopped_by, unless_stopped
from server.process.tornado_http_server import Server
from server.request_log import RequestLog
from server.schemas import SCHEMAS
from server.settings import Settings
from server.tasks import cancel, finish, keep_checking
from server.views.static import Assets, bundled
from server.web_application import make_application

log = logging.getLogger(__name__)

# Our forms have a few hundred bytes, and a stranger's body is kept until all of it has come.
MAX_BODY_BYTES = 16 * 1024
# Enough for a phone on a bad network; a client that sends its form slower only occupies a connection.
BODY_SECONDS = 30
# Longer than nginx keeps an idle connection to us (60 s): if we closed it first, a request might already be on its way.
IDLE_SECONDS = 75
# A page or a sign-in fails after this time if the database does not answer, as joins and pushes do after 5 s.
ANSWER_SECONDS = 4.0
# Closing connections takes milliseconds, or seconds for each one whose database hangs.
DISPOSE_SECONDS = 2.0
# What a scrape under way may still take.
METRICS_CLOSE_SECONDS = 1.0


# An administrator who has put a copy back knows it; one who has not looks for who changed the file.
NEW_EPOCH = (
    "The journal gets a new name, because it may be a copy that was put back by hand: %s. Clients load their classes "
    "anew. See docs/operations.md, Backup and restore."
)


class Seat(NamedTuple):
    """A worker's number among those of its machine, and the pipe to the supervisor, if there is one."""

    number: int
    pipe: int | None


ALONE = Seat(1, None)


def _keep_to_itself(_code: str) -> None:
    """Tell nobody: tests and benchmarks make their administrators by command."""


async def serve(
    settings: Settings,
    on_open: Callable[[str], None] = log.info,
    on_setup_code: Callable[[str], None] = _keep_to_itself,
) -> None:
    """Run the only worker until SIGTERM or SIGINT; a second signal ends it at once. SIGHUP starts it again.

    Call `on_open` with the address when requests are answered; before that `on_setup_code`, where the school has no
    administrator, with the code that makes the first. Raise DatabaseError or SettingsError if it cannot start.
    """
    check(settings)
    # First, so that a signal sent as soon as the port is open ends the server in order.
    stopped = stopped_by(signal.SIGTERM, signal.SIGINT, once=True)
    (sockets,) = listen(settings)
    try:
        async with _beating(None), AsyncExitStack() as stack:
            await unless_stopped(stopped, _enter(stack, sole_server(settings)))
            files = await unless_stopped(stopped, prepare(settings, on_setup_code))
            await _run_again(settings, sockets, files, stopped, lambda: on_open(address(settings.host, sockets)))
    except StoppedEarly:
        pass
    finally:
        close(sockets)


async def _run_again(
    settings: Settings, sockets: list[socket], files: DataFiles, stopped: asyncio.Event, on_open: Callable[[], None]
) -> None:
    """Run until a stop, and anew after each SIGHUP; new connections wait meanwhile, and none is refused."""
    while not stopped.is_set():
        ended = asyncio.Event()
        on_hang_up(ended.set, stopped.set)
        passing = asyncio.create_task(_pass_on(stopped, ended, sockets))
        copies = [each.dup() for each in sockets]
        try:
            await _run(settings, copies, files, ended, on_open)
        finally:
            close(copies)
            await cancel(passing)
        on_open = partial(log.info, "the server has started again")


async def _pass_on(stopped: asyncio.Event, ended: asyncio.Event, sockets: list[socket]) -> None:
    await stopped.wait()
    notify(STOPPING)
    # Nobody serves them again: new connections are refused at once, rather than left waiting until the drain is over.
    close(sockets)
    ended.set()


async def serve_as_worker(settings: Settings, sockets: list[socket], files: DataFiles, pipe: int, number: int) -> None:
    """Run the `number`-th of several workers on its sockets until SIGTERM; `files` are what `prepare` has returned.

    The worker reports to the supervisor through `pipe` (heartbeat.py). A second SIGTERM changes nothing: a service
    manager may send one to each process, and the supervisor sends its own.
    """
    async with _beating(pipe):
        stopped = stopped_by(signal.SIGTERM, once=False)
        await _run(settings, sockets, files, stopped, lambda: report(pipe, OPEN), Seat(number, pipe))
    close(sockets)


def check(settings: Settings) -> None:
    """Raise SettingsError for settings that do not fit together, before anything is opened."""
    check_redis_urls(settings.redis_urls, settings.databases)
    close(listen_for_metrics(settings, shared=False))


async def prepare(settings: Settings, on_setup_code: Callable[[str], None] = _keep_to_itself) -> DataFiles:
    """Prepare for the first worker: upgrade or check the databases' tables, and try the Redis if one is given.

    Return which files the databases are from now on.

    Call it inside of `sole_server`. Raise DatabaseError or SettingsError if these settings cannot be served.
    """
    databases = Databases(settings.databases, SCHEMAS)
    try:
        await databases.prepare()
        if changed := await databases.continue_history():
            log.warning(NEW_EPOCH, changed)
        if code := await make_setup_code(databases.sessions("accounts")):
            on_setup_code(code)
    finally:
        await databases.dispose()
    for url in settings.redis_urls:
        await try_redis(url)
    return DataFiles.now(settings.databases)


async def _run(
    settings: Settings,
    sockets: list[socket],
    files: DataFiles,
    stopped: asyncio.Event,
    on_open: Callable[[], None],
    seat: Seat = ALONE,
) -> None:
    databases = Databases(settings.databases, SCHEMAS, answer_seconds=ANSWER_SECONDS, files=files)
    try:
        async with (
            open_accounts(databases, settings) as accounts,
            Providers(settings.school) as providers,
            recording_progress(databases),
            open_audit(databases) as audit,
            run_engine(settings, databases, accounts, audit, stopped) as (engine, broker),
            keep_records(databases) as keeper,
            watch_changes(databases, accounts, engine, keeper, stopped),
            read_ahead(accounts, broker),
            turn_enrolments(databases, accounts),
            keep_sign_ins(accounts, engine),
            watch_health(databases, broker, engine.journal) as watched,
            keep_poll_sessions(engine) as poll_sessions,
            take_uploads(databases, settings) as uploads,
        ):
            gate = Gate(engine, poll_sessions, settings.allowed_origins)
            assets = Assets(is_bundled=False) if settings.unbundled else bundled()
            request_log = RequestLog(watched)
            application = make_application(
                databases,
                accounts,
                gate,
                watched,
                request_log,
                assets=assets,
                audit=audit,
                providers=providers,
                uploads=uploads,
                metrics_token=settings.metrics_token,
            )
            name_worker(engine.scrape, seat.number)
            recent = Recent(databases)
            report_server(engine.scrape, gate, accounts.sign_ins, watched, recent)
            async with (
                _serving(settings, application, sockets, gate, watched, request_log, seat),
                _serving_metrics(settings, engine.scrape, recent),
                collect_garbage(),
            ):
                on_open()
                await stopped.wait()
    except StoppedEarly:
        pass
    finally:
        closing = asyncio.create_task(databases.dispose())
        await asyncio.wait([closing], timeout=DISPOSE_SECONDS)
        await cancel(closing)


async def _enter(stack: AsyncExitStack, context: AbstractAsyncContextManager[None]) -> None:
    await stack.enter_async_context(context)


@asynccontextmanager
async def _beating(pipe: int | None) -> AsyncIterator[None]:
    beating = asyncio.create_task(beat(pipe))
    try:
        yield
    finally:
        await cancel(beating)


@asynccontextmanager
async def _serving(
    settings: Settings,
    application: Application,
    sockets: list[socket],
    gate: Gate,
    watched: Health,
    request_log: RequestLog,
    seat: Seat,
) -> AsyncIterator[None]:
    server = Server(
        application,
        proxies=Proxies(settings.behind_proxy),
        counts=settings.push_rate > 0,
        upgrades=Upgrades(gate, TABLES.roles),
        on_upgrade=request_log.note_upgrade,
        max_body_size=MAX_BODY_BYTES,
        body_timeout=BODY_SECONDS,
        idle_connection_timeout=IDLE_SECONDS,
    )
    server.add_sockets(sockets)
    taker = Taker(seat.pipe, server.adopt) if seat.pipe is not None else None
    try:
        yield
    finally:
        if taker is not None:
            taker.close()
        # No new connections are accepted; open ones are closed step by step, and served until then.
        watched.stopping = True
        gate.poll_sessions.release()
        try:
            await asyncio.gather(server.drain(), gate.engine.drain(settings.drain_seconds))
        finally:
            request_log.write()


@asynccontextmanager
async def _serving_metrics(settings: Settings, scrape: Scrape, recent: Recent) -> AsyncIterator[None]:
    if settings.metrics_address is None and settings.metrics_token is None:
        yield
        return
    reading = asyncio.create_task(keep_checking(recent.read, READ_SECONDS, "What happened lately could not be read"))
    sockets = listen_for_metrics(settings, shared=settings.workers > 1)
    server = make_server(scrape, sockets)
    try:
        yield
    finally:
        await cancel(reading)
        server.stop()
        await finish("the page of metrics", server.close_all_connections(), METRICS_CLOSE_SECONDS)
