"""The cost of several workers for one school: Lousa with 1, 2 and 4 workers, connected by Redis.

Beside it Socket.IO with its adapter for Redis, in two processes. All servers run all the time, each with its own Redis
and all its clients connected; the measurements alternate. The kernel deals out the clients among a server's workers,
and the processor's cores among workers, Redis and the load generator: nothing is bound to a core. Where there are fewer
cores than processes, rates say little; CPU does.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from bench import sampler
from bench.install import missing
from bench.load import Load, Run
from bench.peer import SOCKETIO_REDIS
from bench.result import MICROSECONDS, MILLISECONDS, keep, middle, percentile, say, table
from bench.served import CORES, Server, cpu_seconds, lousa, own_redis, peer_server, scratch
from bench.subject import WARM_UP_SECONDS
from tests.lousa import ROOT

# The senders in one large class, enough that every worker has some of them; and in a small class.
SENDERS_OF_ONE = 64
SENDERS_OF_EACH = 4
# Python may say so if the sampler's signal comes while a worker closes its event loop.
SAMPLED = ("the signal wakeup fd", "^Traceback")


@dataclass(frozen=True, slots=True)
class Kind:
    """A way to serve: Lousa with so many workers, with Redis or, one alone, without; a peer, where there are none."""

    name: str
    workers: int
    redis: bool = True


ALONE = Kind("1, without Redis", 1, redis=False)
PEER = Kind(SOCKETIO_REDIS.name, 0)
KINDS = [ALONE, Kind("1", 1), Kind("2", 2), Kind("4", 4), PEER]


@dataclass(frozen=True, slots=True)
class Work:
    """What the clients do: `run` is given a load and the seconds."""

    name: str
    run: Callable[[Load, float], Run]


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds: of each worker, of Redis, and the brokers' share in Lousa's workers."""

    workers: tuple[float, ...]
    redis: float
    broker: float

    def __sub__(self, before: "Usage") -> "Usage":
        workers = tuple(now - then for now, then in zip(self.workers, before.workers, strict=True))
        return Usage(workers, self.redis - before.redis, self.broker - before.broker)


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement; `clients` is how many get each message.

    `p50` and `p99` are seconds from a message's push to its last delivery.
    """

    work: str
    kind: str
    clients: int
    messages: int
    seconds: float
    missing: int
    used: Usage
    p50: float
    p99: float

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
    """A server under measurement, with its load; `samples` is where workers of Lousa report about their broker."""

    kind: Kind
    server: Server
    load: Load
    samples: Path | None = None

    def measure(self, work: Work, seconds: float) -> Figure:
        """Run the load for this time."""
        self.load.settle()
        work.run(self.load, WARM_UP_SECONDS)
        before = self._usage()
        run = work.run(self.load, seconds)
        used = self._usage() - before
        clients = len(self.load.groups[0].clients)
        p50, p99 = (percentile(run.latencies, percent) for percent in (50, 99))
        return Figure(work.name, self.kind.name, clients, run.messages, run.seconds, run.missing, used, p50, p99)

    def _usage(self) -> Usage:
        workers = [child.pid for child in psutil.Process(self.server.pid).children()] or [self.server.pid]
        redis = cpu_seconds(self.server.redis_pid) if self.server.redis_pid is not None else 0.0
        broker = sum(sampler.read(self.samples, worker) for worker in workers) if self.samples else 0.0
        return Usage(tuple(cpu_seconds(worker) for worker in workers), redis, broker)


def measure(clients: int, classes: int, rounds: int, seconds: float, windows: Sequence[int], rate: float) -> None:
    """Measure all kinds in turn, first with one class, then with many that share the clients; keep the figures."""
    one = [Work(f"{number} in flight", _keep_in_flight(number)) for number in windows]
    size = clients // classes
    many = [
        Work(f"1 in flight in a class of {size}", _keep_in_flight(1)),
        Work(f"{rate:,.0f} a second to {classes} classes", lambda load, seconds: load.run_at(seconds, rate)),
    ]
    figures = [*_measure(1, clients, rounds, seconds, one), *_measure(classes, size, rounds, seconds, many)]
    keep("workers", figures, report(figures))


def _keep_in_flight(number: int) -> Callable[[Load, float], Run]:
    return lambda load, seconds: load.run(seconds, number)


def _measure(classes: int, clients: int, rounds: int, seconds: float, works: Sequence[Work]) -> list[Figure]:
    figures = []
    with ExitStack() as stack:
        subjects: list[Subject] = []
        for kind in _kinds():
            subjects.append(stack.enter_context(_subject(kind, classes, clients)))
            _keep_alive(subjects)
        for number in range(rounds):
            for work in works:
                for subject in subjects:
                    _keep_alive(subjects)
                    figure = subject.measure(work, seconds)
                    say(f"{number + 1}/{rounds} {figure.work}, {figure.kind}: {' | '.join(_cells([figure], figure))}")
                    figures.append(figure)
    return figures


def _keep_alive(subjects: Sequence[Subject]) -> None:
    for subject in subjects:
        subject.load.keep_alive()


def _kinds() -> list[Kind]:
    if reason := missing(SOCKETIO_REDIS.needs):
        say(f"{PEER.name} is left out: {reason}")
        return [kind for kind in KINDS if kind is not PEER]
    return KINDS


@contextmanager
def _subject(kind: Kind, classes: int, clients: int) -> Iterator[Subject]:
    with ExitStack() as stack:
        samples = None
        if kind is PEER:
            server = stack.enter_context(peer_server(SOCKETIO_REDIS, classes, clients, cores=CORES))
        else:
            folder = stack.enter_context(scratch())
            samples = folder / "samples"
            server = stack.enter_context(_lousa(kind, folder, classes, clients))
        senders = SENDERS_OF_ONE if classes == 1 else SENDERS_OF_EACH
        load = Load.join(server.port, server.dialect, server.classes, senders)
        stack.callback(load.close)
        say(f"{kind.name}: everybody has joined")
        yield Subject(kind, server, load, samples)


@contextmanager
def _lousa(kind: Kind, folder: Path, classes: int, clients: int) -> Iterator[Server]:
    with ExitStack() as stack:
        redis = stack.enter_context(own_redis(folder)) if kind.redis else None
        options = ["--workers", str(kind.workers)]
        options += ["--redis-url", f"unix://{folder / 'redis.sock'}"] if redis else []
        environment = _with_sampler(folder)
        serving = lousa(classes, clients, options, cores=CORES, environment=environment, expected_errors=SAMPLED)
        server = stack.enter_context(serving)
        yield replace(server, redis_pid=redis.pid if redis else None)


def _with_sampler(folder: Path) -> dict[str, str]:
    """Return the environment in which Python loads the sampler first."""
    (folder / "samples").mkdir()
    (folder / "sitecustomize.py").write_text("import bench.sampler\n")
    return {"PYTHONPATH": f"{folder}:{ROOT}", sampler.FOLDER: str(folder / "samples")}


def report(figures: Sequence[Figure]) -> str:
    """Make a Markdown table of the middle round of each, by its cost, with the range of all rounds.

    Not the cheapest: on a busy machine messages gather, which makes them cheaper. Rates are the best ones. The shares
    of Redis and the broker are of all rounds together: samples of one are few.
    """
    by_row: dict[tuple[str, str], list[Figure]] = {}
    for figure in figures:
        by_row.setdefault((figure.work, figure.kind), []).append(figure)
    columns = [
        *("messages", "workers", "deliveries/s", "to the last delivery: p50", "p99", "p50 beside the first"),
        *(
            "CPU µs a delivery",
            "over the rounds",
            "beside the first",
            "of it Redis",
            "of it the broker",
            "busiest worker",
            "deliveries/s, a core to each",
        ),
    ]
    rows = [[work, kind, *_cells(own, _middle(by_row[work, ALONE.name]))] for (work, kind), own in by_row.items()]
    return table(columns, rows) + "\n"


def _middle(figures: Sequence[Figure]) -> Figure:
    return middle(figures, lambda figure: figure.cost)


def _cells(figures: Sequence[Figure], first: Figure) -> list[str]:
    chosen, costs = _middle(figures), [figure.cost for figure in figures]
    cpu = sum(figure.cpu for figure in figures)
    redis = sum(figure.used.redis for figure in figures) / cpu
    broker = sum(figure.used.broker for figure in figures) / cpu
    busiest = max(chosen.used.workers) / sum(chosen.used.workers)
    lost = sum(figure.missing for figure in figures)
    return [
        f"{max(figure.rate for figure in figures):,.0f}" + (f" (lost {lost:,})" if lost else ""),
        f"{chosen.p50 * MILLISECONDS:.2f} ms",
        f"{chosen.p99 * MILLISECONDS:.2f} ms",
        f"{chosen.p50 / first.p50:.2f}",
        f"{chosen.cost:.2f}",
        f"{min(costs):.2f} to {max(costs):.2f}",
        f"{chosen.cost / first.cost:.2f}",
        f"{redis:.1%}" if redis else "",
        f"{broker:.1%}" if broker else "",
        f"{busiest:.0%}",
        f"{chosen.room:,.0f}",
    ]
