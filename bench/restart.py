"""After a crash: the server is killed with all clients connected and started again, and all come back at once.

Each client joins three topics and sends the position that it has reached in its class, which is 100 messages old. One
client is the teacher, who connects in the middle of the others. Nobody can connect before the new server answers, so
the clients start then: the start has columns of its own.
"""

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from bench.client import Seat
from bench.generator import Generator, generator
from bench.result import MILLISECONDS, keep, middle, percentile, say, table
from bench.served import CORES, GENERATOR_CORES, SERVER_CORES, Server, kill, lousa, start
from bench.storm import ALSO, CLIENTS_OF_A_CLASS, LATE, MISSED, Crowd, Position, Teacher


@dataclass(frozen=True, slots=True)
class Figure:
    """One restart; times in seconds, from the first answer of the new server on unless named `start`.

    `short` clients have not been given all that they missed; `refused` connections and joins were to be tried again
    later, and were. `start_cpu` is the CPU of all processes until the first answer, `cpu` from then on;
    `generator_cpu` is that of the clients.
    """

    database: str
    workers: int
    clients: int
    start: float
    start_cpu: float
    teacher: float
    half: float
    seconds: float
    short: int
    refused: int
    cpu: float
    generator_cpu: float


@dataclass(slots=True)
class School:
    """A school whose clients are all connected; `teacher` is the number of the teacher's client."""

    server: Server
    cores: Collection[int]
    crowd: Generator[Crowd]
    positions: dict[str, Position]
    teacher: int
    workers: int
    database: str

    def restart(self) -> Figure:
        """Kill the server, start it again, and wait until all clients are back."""
        self.server.rest()
        kill(self.server)
        self.crowd.call(Crowd.cut_off)
        began = time.perf_counter()
        start(self.server, self.cores)
        answers, start_cpu = time.perf_counter() - began, self.server.cpu_seconds()
        took, short, refused = self.crowd.call(Crowd.come_back, self.positions)
        cpu = self.server.cpu_seconds() - start_cpu
        teacher, generator_cpu = self.crowd.call(Crowd.back_after, self.teacher), self.crowd.call(Crowd.cpu)
        half, last = percentile(took, 50), took[-1]
        counts = (self.database, self.workers, len(took))
        return Figure(*counts, answers, start_cpu, teacher, half, last, short, refused, cpu, generator_cpu)


def measure(clients: int, rounds: int, workers: Sequence[int], databases: Sequence[str]) -> None:
    """Restart a school of each kind in each round; save the figures."""
    figures = []
    for database in databases:
        for count in workers:
            with connected(clients, count, database) as school:
                for number in range(rounds):
                    figures.append(school.restart())
                    say(f"{number + 1}/{rounds} {database}, {count}: {' | '.join(_cells(figures[-1:]))}")
    keep("restart", figures, report(figures))


@contextmanager
def connected(clients: int, workers: int, database: str) -> Iterator[School]:
    """Serve a school, and connect all its clients."""
    cores = SERVER_CORES if workers == 1 else CORES
    classes, size = max(1, clients // CLIENTS_OF_A_CLASS), min(clients, CLIENTS_OF_A_CLASS)
    options = ["--workers", str(workers)]
    serving = lousa(classes, size, options, also=ALSO, cores=cores, database=database, expected_errors=[LATE])
    with serving as server:
        seats = [seat for each in server.classes for seat in each.seats]
        teacher = len(seats) // 2
        seats.insert(teacher, Seat(server.teacher, (*ALSO, server.classes[0].topic)))
        talking = Teacher(server, [each.topic for each in server.classes])
        # Twice, so that no client starts from the beginning of its class.
        talking.talk(MISSED)
        positions = talking.talk(MISSED)
        talking.close()
        generator_cores = GENERATOR_CORES if workers == 1 else CORES
        with generator(generator_cores, Crowd, server.port, seats) as crowd:
            crowd.call(Crowd.come_back, positions)
            yield School(server, cores, crowd, positions, teacher, workers, database)


def report(figures: Sequence[Figure]) -> str:
    """Make a table of the middle and the worst round of each kind."""
    columns = [
        *("database", "workers", "clients", "answers after", "CPU s of the start", "then the teacher is back after"),
        *("half are back after", "all are back after", "worst round", "start and all, worst round"),
        *("not given all they missed", "told to try again later", "CPU ms a client", "of the generator"),
    ]
    by_kind: dict[tuple[str, int], list[Figure]] = {}
    for figure in figures:
        by_kind.setdefault((figure.database, figure.workers), []).append(figure)
    return table(columns, [[*map(str, kind), *_cells(own)] for kind, own in by_kind.items()]) + "\n"


def _cells(figures: Sequence[Figure]) -> list[str]:
    chosen = middle(figures, lambda figure: figure.seconds)
    return [
        f"{chosen.clients:,}",
        f"{chosen.start:.1f} s",
        f"{chosen.start_cpu:.1f}",
        f"{max(figure.teacher for figure in figures):.1f} s",
        f"{chosen.half:.1f} s",
        f"{chosen.seconds:.1f} s",
        f"{max(figure.seconds for figure in figures):.1f} s",
        f"{max(figure.start + figure.seconds for figure in figures):.1f} s",
        f"{sum(figure.short for figure in figures)}",
        f"{sum(figure.refused for figure in figures)}",
        f"{chosen.cpu / chosen.clients * MILLISECONDS:.2f}",
        f"{chosen.generator_cpu / chosen.clients * MILLISECONDS:.2f}",
    ]
