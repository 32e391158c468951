r"""Builds the parts of one worker, joins them, and runs them until it is told to stop: the only module that knows all.

    settings -> databases -> journal -> engine -> sockets and pages
                     \-> accounts -> watcher: rights that came or went

Starting goes down this list, stopping up again: first nobody new is let in, and the databases are closed last.
"""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from http import HTTPStatus
from socket import AF_INET6, gaierror, socket

from sqlalchemy.engine import URL
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

import channels
from channels.broker_memory import MemoryBroker
from channels.engine import Engine
from channels.journal import Journal, Writer
from channels.journal_postgresql import PostgresqlWriter
from channels.journal_sqlite import SqliteWriter
from channels.limit import Limits
from server import views
from server.auth import Accounts
from server.databases import Databases
from server.databases.errors import DatabaseError
from server.settings import Settings, SettingsError
from server.watcher import ChangeWatcher

log = logging.getLogger(__name__)

# A form of ours has a few hundred bytes.
MAX_BODY_BYTES = 64 * 1024
# Browsers send a few hundred bytes to two KiB; Tornado's own bound is 64 KiB.
MAX_HEADER_BYTES = 16 * 1024
# A phone on a bad network gets a form sent in this time; whoever trickles it only holds a connection.
BODY_SECONDS = 30
# Longer than nginx keeps an idle connection to us (60 s), so that it is never ours that closes under a request.
IDLE_SECONDS = 75
# How often what has expired is deleted.
TIDY_SECONDS = 3600


async def serve(settings: Settings, on_open: Callable[[str], None] = log.info) -> None:
    """Run one worker until SIGTERM or SIGINT; a second one ends it at once.

    `on_open` is told the address once requests are answered. Raise DatabaseError or SettingsError where it cannot
    start.
    """
    databases = Databases(settings.databases)
    sockets = _listen(settings)
    stopped = _stopped_by_signal()
    try:
        await databases.prepare()
        async with (
            _accounts(databases) as accounts,
            _engine(settings, databases, accounts) as engine,
            _watcher(accounts, engine),
            _listening(settings, make_application(accounts, engine, settings.allowed_origins), sockets),
        ):
            on_open(_address(settings.host, sockets))
            await stopped.wait()
    finally:
        await databases.dispose()
        for each in sockets:
            each.close()


@asynccontextmanager
async def _accounts(databases: Databases) -> AsyncIterator[Accounts]:
    accounts = Accounts(databases.sessions("accounts"))
    tidying = asyncio.create_task(_tidy_now_and_then(accounts))
    try:
        yield accounts
    finally:
        tidying.cancel()
        await asyncio.gather(tidying, return_exceptions=True)
        accounts.close()


@asynccontextmanager
async def _engine(settings: Settings, databases: Databases, accounts: Accounts) -> AsyncIterator[Engine]:
    database = databases.engine("journal")
    journal = Journal(database, _writer(database.url))
    engine = Engine(journal, MemoryBroker(), accounts, channels.ROLES, Limits(settings.push_rate))
    await engine.start()
    try:
        yield engine
    finally:
        await engine.close()


def _writer(url: URL) -> Writer:
    if url.get_backend_name() == "sqlite":
        return SqliteWriter(url.database or "")
    return PostgresqlWriter(url.set(drivername="postgresql").render_as_string(hide_password=False))


@asynccontextmanager
async def _watcher(accounts: Accounts, engine: Engine) -> AsyncIterator[None]:
    watcher = ChangeWatcher(accounts, engine.revalidate)
    await watcher.start()
    try:
        yield
    finally:
        await watcher.stop()


async def _tidy_now_and_then(accounts: Accounts) -> None:
    while True:
        try:
            await accounts.tidy()
        except DatabaseError as error:
            log.warning("What has expired was not deleted: %s", error)
        await asyncio.sleep(TIDY_SECONDS)


@asynccontextmanager
async def _listening(settings: Settings, application: Application, sockets: list[socket]) -> AsyncIterator[None]:
    server = HTTPServer(
        application,
        xheaders=settings.behind_proxy,
        max_body_size=MAX_BODY_BYTES,
        max_header_size=MAX_HEADER_BYTES,
        body_timeout=BODY_SECONDS,
        idle_connection_timeout=IDLE_SECONDS,
    )
    server.add_sockets(sockets)
    try:
        yield
    finally:
        # Nobody new; those who are connected are told by the engine, which closes next.
        server.stop()


def make_application(accounts: Accounts, engine: Engine, origins: Collection[str] = ()) -> Application:
    """Make the web application of all pages and sockets."""
    sockets = [(url, handler, {"engine": engine, "origins": origins}) for url, handler in channels.handlers]
    return Application(
        [*sockets, *views.handlers(accounts)],
        log_function=_log_request,
        **views.application_settings(accounts),
    )


def _log_request(handler: RequestHandler) -> None:
    """Log without the query: it may hold a bearer token."""
    request, status = handler.request, handler.get_status()
    level = logging.ERROR if status >= HTTPStatus.INTERNAL_SERVER_ERROR else logging.INFO
    milliseconds = 1000 * request.request_time()
    log.log(level, "%d %s %s %s %.0f ms", status, request.method, request.path, request.remote_ip, milliseconds)


def _stopped_by_signal() -> asyncio.Event:
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    signals = (signal.SIGTERM, signal.SIGINT)

    def stop() -> None:
        stopped.set()
        for each in signals:
            loop.remove_signal_handler(each)

    for each in signals:
        loop.add_signal_handler(each, stop)
    return stopped


def _listen(settings: Settings) -> list[socket]:
    try:
        return bind_sockets(settings.port, settings.host)
    except gaierror as error:
        raise SettingsError(f"--host {settings.host} is not an address of this machine ({error.strerror}).") from error
    except OSError as error:
        raise SettingsError(
            f"Cannot listen on port {settings.port} of {settings.host} ({error.strerror}). "
            "Another program may have it, perhaps another Lousa: choose another with --port."
        ) from error


def _address(host: str, sockets: list[socket]) -> str:
    """Return what to type into a browser on this machine."""
    anywhere = host in ("", "0.0.0.0", "::")  # noqa: S104 (compared, not bound)
    name = "localhost" if anywhere or host == "localhost" else host
    port = sockets[0].getsockname()[1]
    return f"http://[{name}]:{port}" if sockets[0].family == AF_INET6 and ":" in name else f"http://{name}:{port}"
