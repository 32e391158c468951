"""The effect of twenty hostile clients on a class: its p99, and the server's memory.

The server has its usual bounds. A class of pupils talks at a steady rate, and is measured quiet, then with attackers of
each kind (`tests.hostile.attackers`). Those that need a user's connection are pupils of another class.
"""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.dialect import Phoenix
from bench.generator import Generator, generator
from bench.load import Load
from bench.result import KIB, MILLISECONDS, keep, middle, percentile, say, table
from bench.served import GENERATOR_CORES, Server, lousa
from tests.hostile.attackers import KINDS, Attackers, Report

ATTACKERS = 20
SENDERS = 10
# Nobody attacks.
QUIET = "nobody"
# A school's usual bounds, which the other benchmarks lift.
USUAL = ("--push-rate", "10")


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement: latencies in seconds to the last of the class, the server's CPU (cores) and memory (bytes)."""

    kind: str
    messages: int
    missing: int
    p50: float
    p99: float
    cores: float
    before: int
    peak: int
    connections: int
    sent_bytes: int


class Hostile:
    """Twenty attackers in their own process."""

    def __init__(self, port: int, paths: Sequence[str]) -> None:
        self._port = port
        self._paths = paths
        os.nice(19)  # the load generator, which measures, may be on the same core

    def attack(self, kind: str, seconds: float) -> Report:
        """Attack for this time."""
        return Attackers(self._port, KINDS[kind], self._paths).attack(seconds)


def measure(clients: int, rounds: int, seconds: float, rate: float, kinds: Sequence[str]) -> None:
    """Measure a quiet class, then the same class during each attack; save the figures."""
    figures = []
    with lousa(2, clients, USUAL) as server:
        bystanders, foes = server.classes
        paths = [seat.path for seat in foes.seats[:ATTACKERS]]
        load = generator(GENERATOR_CORES, Load.join, server.port, Phoenix(), [bystanders], SENDERS)
        with load as class_load, generator(GENERATOR_CORES, Hostile, server.port, paths) as hostile:
            for number in range(rounds):
                for kind in (QUIET, *(kinds or KINDS)):
                    figures.append(_measure(server, class_load, hostile, kind, seconds, rate))
                    say(f"{number + 1}/{rounds} {' | '.join(_cells(figures[-1:]))}")
    keep("hostile", figures, report(figures))


def _measure(
    server: Server, load: Generator[Load], hostile: Generator[Hostile], kind: str, seconds: float, rate: float
) -> Figure:
    load.call(Load.settle)
    before = server.memory_bytes()
    server.forget_peak()
    cpu, began = server.cpu_seconds(), time.perf_counter()
    if kind != QUIET:
        hostile.start(Hostile.attack, kind, seconds)
    run = load.call(Load.run_at, seconds, rate)
    done = hostile.result() if kind != QUIET else Report()
    cores = (server.cpu_seconds() - cpu) / (time.perf_counter() - began)
    latencies = sorted(run.latencies)
    p50, p99 = (percentile(latencies, percent) for percent in (50, 99))
    peak = server.peak_bytes()
    return Figure(kind, run.messages, run.missing, p50, p99, cores, before, peak, done.connections, done.sent_bytes)


def report(figures: Sequence[Figure]) -> str:
    """Make a table of the middle rounds."""
    columns = [f"{ATTACKERS} clients send", "p50", "p99", "worst p99", "cores", "MiB", "at most", "connections", "lost"]
    kinds = dict.fromkeys(figure.kind for figure in figures)
    return table(columns, [_cells([figure for figure in figures if figure.kind == kind]) for kind in kinds]) + "\n"


def _cells(figures: Sequence[Figure]) -> list[str]:
    chosen = middle(figures, lambda figure: figure.p99)
    return [
        chosen.kind,
        f"{chosen.p50 * MILLISECONDS:.1f} ms",
        f"{chosen.p99 * MILLISECONDS:.1f} ms",
        f"{max(figure.p99 for figure in figures) * MILLISECONDS:.1f} ms",
        f"{chosen.cores:.2f}",
        f"{chosen.before / KIB**2:,.0f}",
        f"{chosen.peak / KIB**2:,.0f}",
        f"{chosen.connections:,}",
        f"{sum(figure.missing for figure in figures)}",
    ]
