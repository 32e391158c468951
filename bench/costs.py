"""Where Lousa spends its CPU in fan-out, with many classes, and on mass reconnection: sampled by `bench.profiler`.

Reported by package and by the most expensive functions.
"""

import json
import os
import signal
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import profiler, storm
from bench.generator import Generator, generator
from bench.load import Load, Run
from bench.result import MICROSECONDS, keep, say, table
from bench.served import GENERATOR_CORES, Server, lousa, scratch
from bench.subject import WARM_UP_SECONDS
from tests.lousa import ROOT

Work = Callable[[Generator[Load], float], Run]

IN_FLIGHT = (1, 64)
SENDERS_OF_ONE = 64
SENDERS_OF_EACH = 4
# Smaller shares of the CPU are not reported.
LEAST = 0.01
TELL_SECONDS = 10.0
# The other threads belong to databases: the journal's writer, and one per reading connection.
OTHERS = "other threads: databases"


@dataclass(frozen=True, slots=True)
class Figure:
    """One load: the CPU seconds of the process, and those of its main thread by function.

    `count` is the number of messages or reconnecting clients, depending on `unit`.
    """

    work: str
    unit: str
    count: int
    server_cpu: float
    by_function: dict[str, float]


def measure(clients: int, classes: int, clients_of_a_class: int, returning: int, seconds: float, rate: float) -> None:
    """Sample Lousa under each load and save the shares."""
    storms = {f"{in_flight} in flight in a class of {clients:,}": _keep_in_flight(in_flight) for in_flight in IN_FLIGHT}
    paced = {f"{rate:,.0f} a second to {classes} classes of {clients_of_a_class}": _send_at(rate)}
    figures = [
        *_measure_all(storms, 1, clients, SENDERS_OF_ONE, seconds),
        *_measure_all(paced, classes, clients_of_a_class, SENDERS_OF_EACH, seconds),
        _measure_storm(returning),
    ]
    keep("profile", figures, report(figures))


def _keep_in_flight(in_flight: int) -> Work:
    return lambda load, seconds: load.call(Load.run, seconds, in_flight)


def _send_at(rate: float) -> Work:
    return lambda load, seconds: load.call(Load.run_at, seconds, rate)


def _measure_all(works: Mapping[str, Work], classes: int, clients: int, senders: int, seconds: float) -> list[Figure]:
    with profile() as (file, environment), lousa(classes, clients, environment=environment) as server:
        joining = generator(GENERATOR_CORES, Load.join, server.port, server.dialect, server.classes, senders)
        with joining as load:
            return [_measure(name, server, file, load, work, seconds) for name, work in works.items()]


def _measure(name: str, server: Server, file: Path, load: Generator[Load], work: Work, seconds: float) -> Figure:
    load.call(Load.settle)
    work(load, WARM_UP_SECONDS)
    sample = Sample(server, file)
    done = work(load, seconds)
    say(f"{name}: {done.messages} messages")
    return Figure(name, "message", done.messages, *sample.since())


def _measure_storm(clients: int) -> Figure:
    with (
        profile() as (file, environment),
        storm.school(clients, environment) as server,
        storm.crowd_of(server) as (crowd, teacher),
    ):
        positions = storm.cut_off(server, crowd, teacher)
        sample = Sample(server, file)
        took, _, _ = crowd.call(storm.Crowd.come_back, positions)
        say(f"{len(took)} clients are back after {took[-1]:.1f} s")
        return Figure(f"{clients:,} come back at once", "client", len(took), *sample.since())


@contextmanager
def profile() -> Iterator[tuple[Path, dict[str, str]]]:
    """Yield the environment in which a server profiles itself, and the file for its profile."""
    with scratch() as folder:
        (folder / "sitecustomize.py").write_text("import bench.profiler\n")
        yield folder / "profile", {"PYTHONPATH": f"{folder}:{ROOT}", profiler.FILE: str(folder / "profile")}


class Sample:
    """The CPU that a server has used so far."""

    def __init__(self, server: Server, file: Path) -> None:
        self._server = server
        self._file = file
        self._sums = self._ask()
        self._cpu = server.cpu_seconds()

    def since(self) -> tuple[float, dict[str, float]]:
        """Return the CPU used since then: all CPU seconds, and those of its main thread by function."""
        cpu = self._server.cpu_seconds() - self._cpu
        return cpu, {name: total - self._sums.get(name, 0.0) for name, total in self._ask().items()}

    def _ask(self) -> dict[str, float]:
        self._file.unlink(missing_ok=True)
        os.kill(self._server.pid, signal.SIGUSR2)
        deadline = time.monotonic() + TELL_SECONDS
        while not self._file.exists():
            assert time.monotonic() < deadline, "the server did not tell its profile"
            time.sleep(0.01)
        sums: dict[str, float] = json.loads(self._file.read_text())
        return sums


def report(figures: Sequence[Figure]) -> str:
    """Make two tables per load: by package, and by function for the most expensive ones."""
    parts = []
    for figure in figures:
        by_package = defaultdict(float, {OTHERS: figure.server_cpu - sum(figure.by_function.values())})
        for function, cpu in figure.by_function.items():
            by_package[_package(function)] += cpu
        functions = {f"`{function}`": cpu for function, cpu in figure.by_function.items()}
        parts += [
            f"{figure.work}, {figure.server_cpu / figure.count * MICROSECONDS:,.0f} µs of CPU a {figure.unit}:",
            _table("package", by_package, figure),
            _table("function", functions, figure),
        ]
    return "\n\n".join(parts) + "\n"


def _package(function: str) -> str:
    """Return the package of a function; functions outside any package belong to Python."""
    package, found, _ = function.partition("/")
    return package if found and " " not in package else "Python's own"


def _table(what: str, seconds: Mapping[str, float], figure: Figure) -> str:
    rows = [
        [name, f"{cpu / figure.server_cpu:.1%}", f"{cpu / figure.count * MICROSECONDS:,.1f}"]
        for name, cpu in sorted(seconds.items(), key=lambda item: -item[1])
        if cpu > LEAST * figure.server_cpu
    ]
    return table([what, "of the CPU", f"µs a {figure.unit}"], rows)
