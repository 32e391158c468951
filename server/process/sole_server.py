"""Refuses a second server on the same journal, unless both are joined by a Redis.

Servers that no Redis joins do not hear of each other's messages until they read the journal, and know nothing of each
other's users. So a server without `--redis-url` locks its journal exclusively, and one with it shares the lock. For
SQLite the lock is a file's, beside the journal; for PostgreSQL it is an advisory lock, held by a connection of its own.
Both end with the process.
"""

import asyncio
import contextlib
import fcntl
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO, Self

import asyncpg
from sqlalchemy.engine import URL

from channels.journal.postgresql_connection import NOTICE_GONE
from server.databases.engine import POSTGRESQL_CONNECT_SECONDS, asyncpg_dsn, read_url
from server.databases.errors import DatabaseError
from server.databases.history import end_note, note_path
from server.databases.pooler import check_pooler
from server.settings import Settings, SettingsError
from server.tasks import cancel

log = logging.getLogger(__name__)

# Any number, the same in every process; migrations use the one before it.
_SERVER_LOCK = 0x10055

# A server that was killed keeps its lock until all its processes have ended, and PostgreSQL has noticed.
WAIT_SECONDS = 3.0
POLL_SECONDS = 0.1

# How long after its connection is lost PostgreSQL is asked again for the lock.
RETRY_SECONDS = 1.0

# How long a stop waits for PostgreSQL to close the connection.
CLOSE_SECONDS = 0.5

# Both name the journal.
SECOND_SERVER = (
    "Another Lousa serves this school already ({}), and no Redis joins the two: their users would not see each other's "
    "messages and presence. Stop one of them. On one machine, several processes are one server with --workers; servers "
    "on several machines need the same --redis-url on each."
)
STOP_FIRST = "A Lousa serves this school ({}): stop it first, on every machine. Nothing was changed."


@asynccontextmanager
async def sole_server(
    settings: Settings, *, refusal: str = SECOND_SERVER, wait_seconds: float = WAIT_SECONDS
) -> AsyncIterator[None]:
    """Lock the journal during the block; raise SettingsError if another server has locked it, or DatabaseError.

    `refusal` is the message then; a command that needs all servers stopped says STOP_FIRST.
    """
    url = read_url("journal", settings.databases["journal"])
    is_shared = bool(settings.redis_urls)
    if url.get_backend_name() == "sqlite":
        path = note_path(url)
        assert path is not None
        with _lock_file(path) as file:
            refused = SettingsError(refusal.format(url.database))
            await _wait_for(lambda: _try_file(file, is_shared), refused, wait_seconds)
            yield
            # Another one that shares the lock may go on.
            if not is_shared:
                end_note(path)
    else:
        async with _PostgresqlLock(url, is_shared) as lock:
            refused = SettingsError(refusal.format(url.render_as_string(hide_password=True)))
            await _wait_for(lock.acquire, refused, wait_seconds)
            yield


async def _wait_for(acquire: Callable[[], Awaitable[bool]], refused: SettingsError, seconds: float) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    while not await acquire():
        if asyncio.get_running_loop().time() > deadline:
            raise refused
        await asyncio.sleep(POLL_SECONDS)


@contextmanager
def _lock_file(path: Path) -> Iterator[IO[str]]:
    try:
        file = open(path, "a")  # noqa: SIM115 (closed below)
    except OSError as error:
        raise DatabaseError(f"The database “journal” cannot be used ({path}): {error.strerror}") from error
    with file:
        yield file


async def _try_file(file: IO[str], is_shared: bool) -> bool:
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class _PostgresqlLock:
    """An advisory lock in the journal's database, acquired again after its connection was lost."""

    def __init__(self, url: URL, is_shared: bool) -> None:
        self._url = url
        self._query = f"SELECT pg_try_advisory_lock{'_shared' if is_shared else ''}({_SERVER_LOCK})"
        self._connection: asyncpg.Connection | None = None
        self._lost = asyncio.Event()
        self._keeping: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Return the lock, which is not acquired yet."""
        self._keeping = asyncio.create_task(self._keep())
        return self

    async def __aexit__(self, *error: object) -> None:
        """Release the lock."""
        assert self._keeping is not None
        await cancel(self._keeping)
        await self._release()

    async def acquire(self) -> bool:
        """Try to get the lock; return whether that succeeded. Raise DatabaseError if PostgreSQL does not answer."""
        try:
            async with asyncio.timeout(POSTGRESQL_CONNECT_SECONDS):
                return await self._try()
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            await self._release()
            where = self._url.render_as_string(hide_password=True)
            reason = str(error).strip() or "it does not answer"
            raise DatabaseError(f"The database “journal” cannot be used ({where}): {reason}") from error

    async def _try(self) -> bool:
        if self._connection is None:
            await check_pooler("journal", self._url)  # it would keep the lock after this process
            self._connection = await asyncpg.connect(asyncpg_dsn(self._url))
            self._connection.add_termination_listener(self._note_end)
            await self._connection.execute(NOTICE_GONE)
        return bool(await self._connection.fetchval(self._query))

    def _note_end(self, connection: asyncpg.Connection) -> None:
        if connection is self._connection:
            self._lost.set()

    async def _keep(self) -> None:
        # The connection ends when PostgreSQL is restarted, say.
        while True:
            await self._lost.wait()
            await self._release()
            await self._acquire_again()

    async def _acquire_again(self) -> None:
        logged = False
        while True:
            with contextlib.suppress(DatabaseError):
                if await self.acquire():
                    return
                if not logged:
                    log.error(SECOND_SERVER.format(self._url.render_as_string(hide_password=True)))
                logged = True
            await asyncio.sleep(RETRY_SECONDS)

    async def _release(self) -> None:
        # The lock ends with its connection.
        self._lost.clear()
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await connection.close(timeout=CLOSE_SECONDS)
