"""The real processes of a schedule: the server with its workers, a Redis and optionally a PostgreSQL."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil

from server.settings import database_urls
from tests.lousa import Lousa
from tests.pgbouncer import PgBouncer
from tests.postgresql import PostgreSQL
from tests.redis import RedisServer
from tests.roster import write_school

CLASSES = 8
DATABASES = ("sqlite", "postgresql", "pgbouncer")

# Logged for a killed worker, also for one that was to replace another, and for clients that connect while the database
# is away.
EXPECTED_ERRORS = [
    r"was ended by SIGKILL; another is started",
    r"the new worker \d does not serve; the old one stays",
    r"503 GET /students/socket/websocket",
    r"The journal cannot be (written|read)",
]


class Site:
    """One school on several workers; `tokens` has a bearer token for each pupil's login, `urls` its databases."""

    def __init__(
        self,
        lousa: Lousa,
        redis: RedisServer,
        postgresql: PostgreSQL | None,
        tokens: dict[str, str],
        urls: dict[str, str],
        pgbouncer: PgBouncer | None = None,
    ) -> None:
        self.lousa = lousa
        self.redis = redis
        self.postgresql = postgresql
        self.pgbouncer = pgbouncer
        self.tokens = tokens
        self.urls = urls

    def url(self, login: str, polls: bool, role: str = "students") -> str:
        """Return the address at which a user connects."""
        address = self.lousa.poll_url if polls else self.lousa.socket_url
        return address(role, self.tokens[login])

    @property
    def workers(self) -> list[int]:
        """The workers' pids, the oldest first."""
        children = psutil.Process(self.lousa.pid).children()
        return [child.pid for child in children if child.status() != psutil.STATUS_ZOMBIE]

    def signal_worker(self, dice: int, number: signal.Signals) -> int:
        """Send a signal to one of the workers and return its pid."""
        pids = self.workers
        pid = pids[dice % len(pids)]
        if number == signal.SIGKILL:  # it may have been about to end, having been replaced
            self.lousa.expected_errors.append(rf"\(process {pid}\) did not stop cleanly: it was ended by SIGKILL")
        os.kill(pid, number)
        return pid

    @staticmethod
    def thaw(pid: int) -> None:
        """Resume a frozen worker if it still exists."""
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


@contextmanager
def open_site(folder: Path, database: str, pupils: int, workers: int, classes: int = CLASSES) -> Iterator[Site]:
    """Run a school of `pupils` with all its processes; check its log at the end."""
    with ExitStack() as stack:
        postgresql = stack.enter_context(PostgreSQL(fsync=True)) if database != "sqlite" else None
        pgbouncer = _pgbouncer(stack, postgresql) if database == "pgbouncer" else None
        redis = RedisServer(folder)
        redis.start()
        stack.callback(redis.kill)
        logins = write_school(folder / "roster", pupils, classes)
        databases = _create_databases(postgresql, pgbouncer) if postgresql is not None else []
        lousa = _make_lousa(folder / "data", redis, databases, workers)
        lousa.run("database", "upgrade")
        lousa.run("roster", "import", str(folder / "roster"))
        tokens = lousa.tokens(*logins)
        stack.enter_context(lousa)
        urls = database_urls(lousa.data_dir, databases)
        yield Site(lousa, redis, postgresql, tokens, urls, pgbouncer)


def _pgbouncer(stack: ExitStack, postgresql: PostgreSQL | None) -> PgBouncer:
    assert postgresql is not None
    return stack.enter_context(PgBouncer(postgresql, "session"))


def _create_databases(postgresql: PostgreSQL, pgbouncer: PgBouncer | None) -> list[str]:
    urls = {name: postgresql.create_database() for name in ("accounts", "journal", "audit")}
    return [f"{name}={pgbouncer.url(url) if pgbouncer is not None else url}" for name, url in urls.items()]


def _make_lousa(data_dir: Path, redis: RedisServer, databases: list[str], workers: int) -> Lousa:
    options = [option for database in databases for option in ("--database", database)]
    serve_options = ["--push-rate", "0", "--workers", str(workers), "--redis-url", redis.url]
    return Lousa(data_dir, options=options, serve_options=serve_options, expected_errors=EXPECTED_ERRORS)
