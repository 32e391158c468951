"""What it costs that several workers serve one school: Lousa with 1, 2 and 4 of them, joined by Redis.

All servers run all the time, each with its own Redis and all its clients connected; the measurements alternate. The
kernel deals out the clients among a server's workers, and the processor's cores among workers, Redis and the load
generator: nothing is bound to a core. Where there are fewer cores than processes, rates say little; CPU does.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench import sampler
from bench.load import Client, Group, Load
from bench.served import MICROSECONDS, allow_many_files, cpu_seconds, scratch, served, socket_path
from tests.lousa import ROOT
from tests.redis import RedisServer

WARM_UP_SECONDS = 1.0

# Of one large class: the clients that write, so that all workers have some of them. Of a small one likewise.
SENDERS_OF_ONE = 64
SENDERS_OF_EACH = 4


@dataclass(frozen=True, slots=True)
class Kind:
    """A way to serve: so many workers, with Redis or, one alone, without."""

    name: str
    workers: int
    redis: bool = True


KINDS = [Kind("1, without Redis", 1, redis=False), Kind("1", 1), Kind("2", 2), Kind("4", 4)]


@dataclass(frozen=True, slots=True)
class Work:
    """What the clients do: `run` is given a load and the seconds, and returns the messages and the time they took."""

    name: str
    run: Callable[[Load, float], tuple[int, float]]


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds: of each worker, of Redis, and what the workers' brokers had of theirs."""

    workers: tuple[float, ...]
    redis: float
    broker: float

    def __sub__(self, before: "Usage") -> "Usage":
        workers = tuple(now - then for now, then in zip(self.workers, before.workers, strict=True))
        return Usage(workers, self.redis - before.redis, self.broker - before.broker)


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement; `clients` is how many get each message."""

    work: str
    kind: str
    clients: int
    messages: int
    seconds: float
    used: Usage

    @property
    def cpu(self) -> float:
        """The CPU seconds of all workers and Redis."""
        return sum(self.used.workers) + self.used.redis

    @property
    def cost(self) -> float:
        """The CPU for one delivery, in microseconds."""
        return self.cpu / self.messages / self.clients * MICROSECONDS

    @property
    def rate(self) -> float:
        """Deliveries per second."""
        return self.messages * self.clients / self.seconds

    @property
    def room(self) -> float:
        """Deliveries per second, if workers and Redis had a core each and the busiest of them were never idle."""
        return self.messages * self.clients / max(*self.used.workers, self.used.redis)


@dataclass(frozen=True, slots=True)
class Subject:
    """A server under measurement, with its load, and its processes by their ids.

    `samples` is where its workers tell of their broker.
    """

    kind: Kind
    load: Load
    workers: list[int]
    redis: int | None
    samples: Path

    def measure(self, work: Work, seconds: float) -> Figure:
        """Run the load for so long."""
        self.load.beat()
        work.run(self.load, WARM_UP_SECONDS)
        before = self._usage()
        messages, took = work.run(self.load, seconds)
        used = self._usage() - before
        return Figure(work.name, self.kind.name, len(self.load.groups[0].clients), messages, took, used)

    def _usage(self) -> Usage:
        return Usage(
            tuple(cpu_seconds(worker) for worker in self.workers),
            cpu_seconds(self.redis) if self.redis is not None else 0.0,
            sum(sampler.read(self.samples, worker) for worker in self.workers),
        )


def measure(clients: int, classes: int, rounds: int, seconds: float, works: list[Work]) -> list[Figure]:
    """Measure all kinds in turn, with that many classes that share the clients, and return every figure."""
    allow_many_files()
    figures = []
    with ExitStack() as stack:
        subjects = [stack.enter_context(_lousa(kind, clients, classes)) for kind in KINDS]
        for number in range(rounds):
            for work in works:
                for subject in subjects:
                    figure = subject.measure(work, seconds)
                    print(f"# {number + 1}/{rounds} {_line(figure)}", file=sys.stderr, flush=True)
                    figures.append(figure)
    return figures


def one_class(in_flight: int) -> Work:
    """Keep so many messages in flight in one class."""
    return Work(f"{in_flight} in flight", lambda load, seconds: load.run(seconds, in_flight))


def many_classes(rate: float) -> Work:
    """Send so many messages a second, to all classes in turn."""
    return Work(f"{rate:,.0f} a second", lambda load, seconds: load.run_at(seconds, rate))


@contextmanager
def _lousa(kind: Kind, clients: int, classes: int) -> Iterator[Subject]:
    with ExitStack() as stack:
        folder = stack.enter_context(scratch())
        redis = stack.enter_context(_redis(folder)) if kind.redis else None
        options = ["--workers", str(kind.workers)]
        options += ["--redis-url", f"unix://{folder / 'redis.sock'}"] if kind.redis else []
        environment = _with_sampler(folder)
        server, tokens, teacher = stack.enter_context(served(folder, clients, classes, options, environment))
        load = Load(_join(server.port, tokens, teacher, classes))
        workers = [child.pid for child in psutil.Process(server.pid).children()] or [server.pid]
        yield Subject(kind, load, workers, redis, folder / "samples")
        load.close()
        server.check_log()
        server.kill()  # the sampler's signals and the end of an event loop do not go together


@contextmanager
def _redis(folder: Path) -> Iterator[int]:
    """Run a Redis as the supervisor would, on a unix socket."""
    server = RedisServer(folder, "--unixsocket", str(folder / "redis.sock"))
    try:
        server.start()
        yield server.pid
    finally:
        server.kill()


def _with_sampler(folder: Path) -> dict[str, str]:
    """Return the environment in which Python loads the sampler first."""
    (folder / "samples").mkdir()
    (folder / "sitecustomize.py").write_text("import bench.sampler\n")
    return {"PYTHONPATH": f"{folder}:{ROOT}", sampler.FOLDER: str(folder / "samples")}


def _join(port: int, tokens: list[str], teacher: str, classes: int) -> list[Group]:
    """Connect everybody; the n-th student joins the n-th class, in a circle."""
    began = time.perf_counter()
    asking = Client(port, socket_path("teachers", teacher))
    topics = asking.class_topics()
    asking.socket.close()
    clients = [Client(port, socket_path("students", token)) for token in tokens]
    senders = SENDERS_OF_ONE if classes == 1 else SENDERS_OF_EACH
    groups = [Group.join(clients[n::classes], topics[f"Turma {n + 1}"], senders) for n in range(classes)]
    print(f"# {len(clients)} clients joined in {time.perf_counter() - began:.1f} s", file=sys.stderr, flush=True)
    return groups


def report(figures: list[Figure]) -> str:
    """Put the middle round of each into a table in Markdown, by its cost, with the range of all rounds.

    Not the cheapest: on a busy machine messages gather, which makes them cheaper. Rates are the best ones. The shares
    of Redis and the broker are of all rounds together: samples of one are few.
    """
    by_row: dict[tuple[str, str], list[Figure]] = {}
    for figure in figures:
        by_row.setdefault((figure.work, figure.kind), []).append(figure)
    lines = [
        "| messages | workers | deliveries/s | CPU µs a delivery | over the rounds | beside the first "
        "| of it Redis | of it the broker | busiest worker | deliveries/s, a core to each |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for (work, kind), own in by_row.items():
        ratio = _middle(own).cost / _middle(by_row[work, KINDS[0].name]).cost
        lines.append(f"| {work} | {kind} | {_cells(own, ratio)} |")
    return "\n".join(lines)


def _middle(figures: list[Figure]) -> Figure:
    return sorted(figures, key=lambda figure: figure.cost)[len(figures) // 2]


def _cells(figures: list[Figure], ratio: float) -> str:
    middle, costs = _middle(figures), [figure.cost for figure in figures]
    cpu = sum(figure.cpu for figure in figures)
    redis = sum(figure.used.redis for figure in figures) / cpu
    broker = sum(figure.used.broker for figure in figures) / cpu
    busiest = max(middle.used.workers) / sum(middle.used.workers)
    return (
        f"{max(figure.rate for figure in figures):,.0f} | {middle.cost:.2f} | {min(costs):.2f} to {max(costs):.2f} | "
        f"{ratio:.2f} | {redis:.1%} | {broker:.1%} | {busiest:.0%} | {middle.room:,.0f}"
    )


def _line(figure: Figure) -> str:
    return f"{figure.work}, workers: {figure.kind}: {_cells([figure], 1)}"
