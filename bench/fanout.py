"""Fan-out: one class of many clients, through Lousa's whole path and with its peers for comparison.

With 1 in flight, the next message is sent when all clients have the last one; with 64, the server is saturated. The
server has one core, the load generator another.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.generator import Generator
from bench.load import Load, Run
from bench.peer import PEERS
from bench.result import MICROSECONDS, MILLISECONDS, keep, middle, percentile, say, table
from bench.served import LOUSA
from bench.subject import in_turn, subjects

# A server that needs longer for the messages in flight is left out: Lousa's clients would time out meanwhile.
TOO_LONG_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement; CPU in seconds, of all threads of all processes. `missing` deliveries never came.

    `p50` and `p99` are seconds from a message's push to its last delivery.
    """

    server: str
    in_flight: int
    clients: int
    messages: int
    seconds: float
    missing: int
    server_cpu: float
    generator_cpu: float
    p50: float
    p99: float

    @property
    def rate(self) -> float:
        """Messages per second."""
        return self.messages / self.seconds

    @property
    def cost(self) -> float:
        """The server's CPU for one delivery, in microseconds."""
        return self.server_cpu / (self.messages * self.clients) * MICROSECONDS


def measure(clients: int, rounds: int, seconds: float, windows: Sequence[int], names: Sequence[str] = ()) -> None:
    """Measure Lousa and all peers, or those named, in turn, and save the figures."""
    peers = [peer for peer in PEERS if not names or peer.name in names]
    figures = []
    with subjects(peers, 1, clients, min(clients, max(windows))) as found:
        for number, subject in in_turn(found, rounds):
            rate = math.inf
            for in_flight in sorted(windows):
                if (needed := in_flight / rate) > TOO_LONG_SECONDS:
                    say(f"{subject.server.name} is left out: {in_flight} messages would take {needed:.0f} s")
                    continue
                run, cpu = subject.measure(_keep_in_flight(in_flight), seconds)
                figure = _figure(subject.server.name, in_flight, clients, run, cpu)
                say(f"{number + 1}/{rounds} {in_flight} in flight, {figure.server}: {' | '.join(_cells([figure]))}")
                figures.append(figure)
                rate = figure.rate
    keep("fanout", figures, report(figures))


def _keep_in_flight(in_flight: int) -> Callable[[Generator[Load], float], Run]:
    return lambda load, seconds: load.call(Load.run, seconds, in_flight)


def _figure(server: str, in_flight: int, clients: int, run: Run, cpu: float) -> Figure:
    p50, p99 = (percentile(run.latencies, percent) for percent in (50, 99))
    return Figure(server, in_flight, clients, run.messages, run.seconds, run.missing, cpu, run.cpu, p50, p99)


def report(figures: Sequence[Figure]) -> str:
    """Make tables of the best and the middle round of each, and of Lousa relative to each peer.

    The best, because whatever else a machine does can only take away from what a server shows.
    """
    columns = [
        *("server", "messages/s", "middle round", "deliveries/s", "server CPU µs a delivery", "over the rounds"),
        *(
            "to the last delivery: p50",
            "p99",
            "server CPU",
            "generator CPU",
            "Lousa beside it: messages",
            "middle round",
            "CPU a delivery",
        ),
    ]
    parts = []
    for in_flight in dict.fromkeys(figure.in_flight for figure in figures):
        by_server: dict[str, list[Figure]] = {}
        for figure in figures:
            if figure.in_flight == in_flight:
                by_server.setdefault(figure.server, []).append(figure)
        rows = [
            [name, *_cells(own), *_ratios(by_server[LOUSA], own)] for name, own in sorted(by_server.items(), key=_pace)
        ]
        parts += [f"{in_flight} in flight:", "", table(columns, rows), ""]
    return "\n".join(parts)


def _pace(item: tuple[str, Sequence[Figure]]) -> float:
    return -_best(item[1]).rate


def _best(figures: Sequence[Figure]) -> Figure:
    return max(figures, key=lambda figure: figure.rate)


def _middle(figures: Sequence[Figure]) -> Figure:
    return middle(figures, lambda figure: figure.rate)


def _cells(figures: Sequence[Figure]) -> list[str]:
    best, costs = _best(figures), [figure.cost for figure in figures]
    lost = sum(figure.missing for figure in figures)
    return [
        f"{best.rate:,.1f}" + (f" (lost {lost:,} deliveries)" if lost else ""),
        f"{_middle(figures).rate:,.1f}",
        f"{best.rate * best.clients:,.0f}",
        f"{best.cost:.2f}",
        f"{min(costs):.2f} to {max(costs):.2f}",
        f"{_middle(figures).p50 * MILLISECONDS:.1f} ms",
        f"{_middle(figures).p99 * MILLISECONDS:.1f} ms",
        f"{best.server_cpu / best.seconds:.0%}",
        f"{best.generator_cpu / best.seconds:.0%}",
    ]


def _ratios(lousa: Sequence[Figure], peer: Sequence[Figure]) -> list[str]:
    return [
        f"× {_best(lousa).rate / _best(peer).rate:.2f}",
        f"× {_middle(lousa).rate / _middle(peer).rate:.2f}",
        f"× {_best(lousa).cost / _best(peer).cost:.2f}",
    ]
