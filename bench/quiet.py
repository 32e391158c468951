"""What workers cost while nothing happens: their CPU, and what each asks its databases, with and without Redis.

All clients are connected, each in three topics, and silent: nobody sends a heartbeat in the seconds that are measured.
The statements come from PostgreSQL's log; those that begin and end transactions are round trips, and count. First one
worker serves a large school, then each number of workers a small one: what a worker costs should depend on neither. A
school for which a process may not open enough files is measured as large as it can be.
"""

import re
import resource
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from bench.crowd import CLIENTS_OF_A_CLASS, CLIENTS_OF_A_GENERATOR
from bench.generator import Generator, unready
from bench.load import Load
from bench.result import keep, say, table
from bench.served import CORES, Server, lousa, own_redis, scratch
from server.process.acceptor import RESERVE
from tests.postgresql import PostgreSQL

ALSO = ("user:me", "school")
# A worker notices after some seconds that Redis is away, and what it then does first is over.
SETTLE_SECONDS = 10.0
_STATEMENT = re.compile(r"LOG:  (?:execute \S+|statement): (.*(?:\n\t.*)*)")
SHOWN_CHARACTERS = 100
# What a worker has open beside its connections: databases, Redis, logs. Some 60 were counted.
OWN_FILES = 200


@dataclass(frozen=True, slots=True)
class Figure:
    """What each worker does in a second: CPU seconds, and how often it sends each statement (PostgreSQL only)."""

    database: str
    redis: bool
    workers: int
    clients: int
    cpu: float
    statements: dict[str, float]


def measure(workers: Sequence[int], clients: int, many: int, seconds: float, databases: Sequence[str]) -> None:
    """Measure one worker with many clients, then each number of workers; save the figures."""
    figures = []
    _, limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = most_clients(limit)
    if most < many:
        say(f"A process may open {limit:,} files here: one worker is measured with {most:,} clients, not {many:,}.")
    for database in databases:
        for count, size in ((1, min(many, most)), *((count, min(clients, count * most)) for count in workers)):
            for figure in measured(database, count, size, seconds):
                say(" | ".join(_cells(figure)))
                figures.append(figure)
    keep("quiet", figures, report(figures))


def most_clients(limit: int) -> int:
    """Return how many clients, in whole classes, one worker accepts that may open so many files."""
    left = limit - min(RESERVE, limit // 4) - OWN_FILES
    return max(1, left // CLIENTS_OF_A_CLASS) * CLIENTS_OF_A_CLASS


def measured(database: str, workers: int, clients: int, seconds: float) -> Iterator[Figure]:
    """Yield what these workers do with Redis, and without it."""
    with ExitStack() as stack:
        redis = stack.enter_context(own_redis(stack.enter_context(scratch())))
        options = ["--workers", str(workers), "--redis-url", redis.url]
        classes, size = max(1, clients // CLIENTS_OF_A_CLASS), min(clients, CLIENTS_OF_A_CLASS)
        server = stack.enter_context(lousa(classes, size, options, also=ALSO, cores=CORES, database=database))
        loads = stack.enter_context(_connected(server))
        if server.postgresql is not None:
            server.postgresql.log_statements()
        for is_there in (True, False):
            if not is_there:
                redis.kill()
            for load in loads:
                load.call(Load.settle)
            time.sleep(SETTLE_SECONDS)
            cpu, statements = _idle(server, seconds)
            each = {statement: count / workers / seconds for statement, count in statements.most_common()}
            yield Figure(database, is_there, workers, classes * size, cpu / workers / seconds, each)


@contextmanager
def _connected(server: Server) -> Iterator[list[Generator[Load]]]:
    """Connect all clients, in as few processes as their open files allow, at the same time: silent ones are closed."""
    at_once = CLIENTS_OF_A_GENERATOR // CLIENTS_OF_A_CLASS
    with ExitStack() as stack:
        loads: list[Generator[Load]] = []
        for first in range(0, len(server.classes), at_once):
            part = server.classes[first : first + at_once]
            joining = unready(CORES, Load.join, server.port, server.dialect, part, 1)
            loads.append(stack.enter_context(joining))
        for load in loads:
            load.result()
        yield loads


def _idle(server: Server, seconds: float) -> tuple[float, Counter[str]]:
    """Return the CPU and the statements of all workers in this time."""
    already = len(_log(server.postgresql))
    before = server.cpu_seconds()
    time.sleep(seconds)
    cpu = server.cpu_seconds() - before
    statements = _STATEMENT.findall(_log(server.postgresql)[already:])
    return cpu, Counter(" ".join(statement.split()) for statement in statements)


def _log(postgresql: PostgreSQL | None) -> str:
    return postgresql.log if postgresql is not None else ""


def report(figures: Sequence[Figure]) -> str:
    """Make a table of all, and one of the statements of a worker of the last school with Redis."""
    columns = ["database", "Redis", "workers", "clients", "CPU of a worker, of a core", "its statements a second"]
    parts = [table(columns, [_cells(figure) for figure in figures])]
    if asked := [figure for figure in figures if figure.redis and figure.statements]:
        rows = [(text[:SHOWN_CHARACTERS], f"{each:.2f}") for text, each in asked[-1].statements.items()]
        parts.append(table([f"statement of one of {asked[-1].workers} workers", "a second"], rows))
    return "\n\n".join(parts) + "\n"


def _cells(figure: Figure) -> list[str]:
    return [
        figure.database,
        "there" if figure.redis else "away",
        str(figure.workers),
        f"{figure.clients:,}",
        f"{figure.cpu:.2%}",
        f"{sum(figure.statements.values()):.1f}" if figure.statements else "",
    ]
