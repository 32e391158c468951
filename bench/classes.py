"""Many classes of a school at once: the cost of one message on a server below its limit, and its latency.

Messages arrive at random times at a fixed total rate, for the classes in turn. Lousa stores each in its journal, on
disk, before it is delivered; the peers store nothing on disk. So the time of one commit, without Lousa, is measured as
well, in each round. `calm` is the same at a rate at which nothing can be gathered.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.disk import commit_seconds
from bench.generator import Generator
from bench.load import Load, Run
from bench.peer import DJANGO, DJANGO_REDIS, PEERS
from bench.result import MICROSECONDS, MILLISECONDS, keep, middle, percentile, say, table
from bench.served import LOUSA, Server
from bench.subject import one_at_a_time

SENDERS = 4

# At 100 µs and more a delivery, Django Channels could not keep up with 1,000 messages a second to 20 each.
KEEPING_UP = [peer for peer in PEERS if peer not in (DJANGO, DJANGO_REDIS)]


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement; CPU in seconds, the latencies from a message's push to its last delivery in seconds."""

    server: str
    rate: float
    clients: int
    messages: int
    seconds: float
    missing: int
    server_cpu: float
    generator_cpu: float
    p50: float
    p99: float

    @property
    def cost(self) -> float:
        """The server's CPU for one message, in microseconds."""
        return self.server_cpu / self.messages * MICROSECONDS


@dataclass(frozen=True, slots=True)
class Commit:
    """The seconds of one commit by itself, in one round."""

    what: str
    p50: float
    p99: float


def measure(
    name: str,
    classes: int,
    clients: int,
    rounds: int,
    seconds: float,
    rates: Sequence[float],
    databases: Sequence[str],
    names: Sequence[str] = (),
) -> None:
    """Measure Lousa with each database, and the peers or those named, in turn; save the figures under this name."""
    peers = [peer for peer in KEEPING_UP if not names or peer.name in names]
    figures: list[Figure] = []
    commits: list[Commit] = []
    for number, subject in one_at_a_time(peers, classes, clients, SENDERS, databases, rounds):
        if subject.server.program is not None:
            commits.append(_commit(subject.server))
        for rate in rates:
            run, cpu = subject.measure(_send_at(rate), seconds)
            figure = _figure(subject.server.name, rate, clients, run, cpu)
            say(f"{number + 1}/{rounds} {rate:,.0f} a second, {figure.server}: {' | '.join(_cells([figure]))}")
            figures.append(figure)
    keep(name, [*figures, *commits], report(figures, commits))


def _commit(server: Server) -> Commit:
    took = commit_seconds(server)
    what = "one commit to this disk" if server.postgresql is None else "one commit to this PostgreSQL"
    return Commit(what, percentile(took, 50), percentile(took, 99))


def _send_at(rate: float) -> Callable[[Generator[Load], float], Run]:
    return lambda load, seconds: load.call(Load.run_at, seconds, rate)


def _figure(server: str, rate: float, clients: int, run: Run, cpu: float) -> Figure:
    p50, p99 = (percentile(run.latencies, percent) for percent in (50, 99))
    return Figure(server, rate, clients, run.messages, run.seconds, run.missing, cpu, run.cpu, p50, p99)


def report(figures: Sequence[Figure], commits: Sequence[Commit]) -> str:
    """Make tables of the middle round of each, by its cost, with the range of all rounds; the commits come last.

    Not the cheapest: on a busy machine messages gather, which makes them cheaper.
    """
    columns = [
        *("server", "CPU µs a message", "over the rounds", "server CPU", "to the last delivery: p50", "p99"),
        *("p99, best round", "Lousa's CPU beside it"),
    ]
    parts = []
    for rate in dict.fromkeys(figure.rate for figure in figures):
        by_server: dict[str, list[Figure]] = {}
        for figure in figures:
            if figure.rate == rate:
                by_server.setdefault(figure.server, []).append(figure)
        lousa = _middle(next(own for server, own in by_server.items() if server.startswith(LOUSA))).cost
        rows = [
            [name, *_cells(own), f"× {lousa / _middle(own).cost:.2f}"]
            for name, own in sorted(by_server.items(), key=lambda item: _middle(item[1]).cost)
        ]
        parts += [f"{rate:,.0f} messages a second:", "", table(columns, [*rows, *_commit_rows(commits)]), ""]
    return "\n".join(parts)


def _commit_rows(commits: Sequence[Commit]) -> list[list[str]]:
    by_kind: dict[str, list[Commit]] = {}
    for commit in commits:
        by_kind.setdefault(commit.what, []).append(commit)
    return [[what, "", "", "", *_latency_cells(own), ""] for what, own in by_kind.items()]


def _middle(figures: Sequence[Figure]) -> Figure:
    return middle(figures, lambda figure: figure.cost)


def _cells(figures: Sequence[Figure]) -> list[str]:
    chosen, costs = _middle(figures), [figure.cost for figure in figures]
    lost = sum(figure.missing for figure in figures)
    return [
        f"{chosen.cost:.0f}" + (f" (lost {lost:,} deliveries)" if lost else ""),
        f"{min(costs):.0f} to {max(costs):.0f}",
        f"{chosen.server_cpu / chosen.seconds:.0%}",
        *_latency_cells(figures),
    ]


def _latency_cells(figures: Sequence[Figure] | Sequence[Commit]) -> list[str]:
    """Show the middle p50, the middle p99 and the best p99, which need not be of the same round."""
    p50, p99 = sorted(figure.p50 for figure in figures), sorted(figure.p99 for figure in figures)
    return [f"{seconds * MILLISECONDS:.2f} ms" for seconds in (middle(p50, float), middle(p99, float), p99[0])]
