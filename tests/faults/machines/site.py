"""The real processes of a schedule: two machines with a server each, a balancer, one PostgreSQL and one Redis."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from server.settings import database_urls
from tests.balancer import balancer
from tests.faults.cluster.drill import POLLING
from tests.faults.cluster.site import CLASSES, EXPECTED_ERRORS, Site
from tests.lousa import Lousa
from tests.machine import HERE, Machine, machines
from tests.postgresql import PostgreSQL
from tests.redis import RedisServer
from tests.roster import PRINCIPAL, write_school

WORKERS = 2

# asyncpg logs so that it gave up a connection which it had only begun.
_EXPECTED = [*EXPECTED_ERRORS, "Future exception was never retrieved"]


class Machines(Site):
    """One school on two machines; `balanced` is where a balancer listens that gives connections to both."""

    def __init__(
        self,
        lousas: Sequence[Lousa],
        networked: Sequence[Machine],
        balanced: str,
        redis: RedisServer,
        postgresql: PostgreSQL,
        tokens: dict[str, str],
        office: str,
    ) -> None:
        super().__init__(lousas[0], redis, postgresql, tokens, database_urls(lousas[0].data_dir))
        self.lousas = lousas
        self.machines = networked
        self.ports = {"postgresql": postgresql.port, "redis": redis.port}
        self._balanced = balanced
        self._office = office
        self._logins = list(tokens)

    def machine_of(self, login: str) -> int | None:
        """Return the number of the machine to which a pupil connects; None for one who takes any.

        Polls stay with one machine: Redis, which a drill stops, would have to carry them to another.
        """
        number = self._logins.index(login)
        turn = number // POLLING
        return turn % 2 if number % POLLING == 0 else (0, 1, None)[turn % 3]

    def url(self, login: str, polls: bool, role: str = "students") -> str:
        """Return the address at which a pupil connects."""
        number = self.machine_of(login)
        url = self._at(self.lousas[number or 0], self.tokens[login], polls, role)
        return url if number is not None else url.replace(f"{self.lousa.host}:{self.lousa.port}", self._balanced)

    def office_url(self, number: int) -> str:
        """Return the address at which the principal connects on a machine."""
        return self._at(self.lousas[number], self._office, polls=False, role="principal")

    @staticmethod
    def _at(lousa: Lousa, token: str, polls: bool, role: str) -> str:
        return (lousa.poll_url if polls else lousa.socket_url)(role, token)


@contextmanager
def open_machines(folder: Path, pupils: int) -> Iterator[Machines]:
    """Run a school of `pupils`; check both logs at the end."""
    with ExitStack() as stack:
        networked = stack.enter_context(machines(2))
        postgresql = stack.enter_context(PostgreSQL(fsync=True, addresses=[HERE]))
        redis = RedisServer(folder, "--bind", "127.0.0.1", HERE, "--protected-mode", "no")
        redis.start()
        stack.callback(redis.kill)
        lousas = _servers(folder, networked, postgresql, redis)
        logins = write_school(folder / "roster", pupils, CLASSES)
        lousas[0].run("database", "upgrade")
        lousas[0].run("roster", "import", str(folder / "roster"))
        tokens = lousas[0].tokens(PRINCIPAL, *logins)
        for lousa in lousas:
            stack.enter_context(lousa)
        port = stack.enter_context(balancer([f"{lousa.host}:{lousa.port}" for lousa in lousas]))
        office = tokens.pop(PRINCIPAL)
        yield Machines(lousas, networked, f"127.0.0.1:{port}", redis, postgresql, tokens, office)


def _servers(folder: Path, networked: Sequence[Machine], postgresql: PostgreSQL, redis: RedisServer) -> Sequence[Lousa]:
    urls = {name: postgresql.create_database() for name in ("accounts", "journal", "audit")}
    options = [
        word for name, url in urls.items() for word in ("--database", f"{name}={url.replace('127.0.0.1', HERE)}")
    ]
    broker = ("--redis-url", redis.url.replace("127.0.0.1", HERE))
    return [
        Lousa(
            folder / f"data-{machine.name}",
            options=options,
            serve_options=["--push-rate", "0", "--workers", str(WORKERS), *broker],
            expected_errors=_EXPECTED,
            machine=machine,
        )
        for machine in networked
    ]
