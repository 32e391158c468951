"""Where Lousa's CPU goes in fan-out and in many classes: by function, as `bench.profiler` samples it."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import profiler
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
# What takes less of the CPU is not told.
LEAST = 0.01
TELL_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Figure:
    """One load: all CPU seconds of the process, and those of its main thread by function."""

    work: str
    messages: int
    deliveries: int
    server_cpu: float
    by_function: dict[str, float]


def measure(clients: int, classes: int, clients_of_a_class: int, seconds: float, rate: float) -> None:
    """Sample Lousa under each load, and keep the shares."""
    storms = {f"{in_flight} in flight in a class of {clients:,}": _keep_in_flight(in_flight) for in_flight in IN_FLIGHT}
    paced = {f"{rate:,.0f} a second to {classes} classes of {clients_of_a_class}": _send_at(rate)}
    figures = [
        *_measure_all(storms, 1, clients, SENDERS_OF_ONE, seconds),
        *_measure_all(paced, classes, clients_of_a_class, SENDERS_OF_EACH, seconds),
    ]
    keep("profile", figures, report(figures))


def _keep_in_flight(in_flight: int) -> Work:
    return lambda load, seconds: load.call(Load.run, seconds, in_flight)


def _send_at(rate: float) -> Work:
    return lambda load, seconds: load.call(Load.run_at, seconds, rate)


def _measure_all(works: Mapping[str, Work], classes: int, clients: int, senders: int, seconds: float) -> list[Figure]:
    with ExitStack() as stack:
        server, file = stack.enter_context(_profiled(classes, clients))
        joining = generator(GENERATOR_CORES, Load.join, server.port, server.dialect, server.classes, senders)
        load = stack.enter_context(joining)
        return [_measure(name, server, file, load, work, seconds) for name, work in works.items()]


@contextmanager
def _profiled(classes: int, clients: int) -> Iterator[tuple[Server, Path]]:
    with scratch() as folder:
        (folder / "sitecustomize.py").write_text("import bench.profiler\n")
        environment = {"PYTHONPATH": f"{folder}:{ROOT}", profiler.FILE: str(folder / "profile")}
        with lousa(classes, clients, environment=environment) as server:
            yield server, folder / "profile"


def _measure(name: str, server: Server, file: Path, load: Generator[Load], work: Work, seconds: float) -> Figure:
    load.call(Load.settle)
    work(load, WARM_UP_SECONDS)
    before, cpu = _told(server, file), server.cpu_seconds()
    done = work(load, seconds)
    cpu, after = server.cpu_seconds() - cpu, _told(server, file)
    sums = {function: total - before.get(function, 0.0) for function, total in after.items()}
    say(f"{name}: {done.messages} messages")
    return Figure(name, done.messages, len(done.latencies), cpu, sums)


def _told(server: Server, file: Path) -> dict[str, float]:
    """Ask the server for what it has counted."""
    file.unlink(missing_ok=True)
    os.kill(server.pid, signal.SIGUSR2)
    deadline = time.monotonic() + TELL_SECONDS
    while not file.exists():
        assert time.monotonic() < deadline, "the server did not tell its profile"
        time.sleep(0.01)
    sums: dict[str, float] = json.loads(file.read_text())
    return sums


def report(figures: Sequence[Figure]) -> str:
    """Put the functions that take most into a table for each load."""
    columns = ["function", "of the CPU", "µs a message"]
    parts = []
    for figure in figures:
        told = {f"`{name}`": cpu for name, cpu in figure.by_function.items() if cpu > LEAST * figure.server_cpu}
        main = sum(figure.by_function.values())
        told["all others"] = main - sum(told.values())
        told["other threads: the journal's"] = figure.server_cpu - main
        rows = [[name, *_cells(cpu, figure)] for name, cpu in sorted(told.items(), key=lambda item: -item[1])]
        _, each = _cells(figure.server_cpu, figure)
        parts += [f"{figure.work}, {each} µs a message:", "", table(columns, rows), ""]
    return "\n".join(parts)


def _cells(cpu: float, figure: Figure) -> list[str]:
    return [f"{cpu / figure.server_cpu:.1%}", f"{cpu / figure.messages * MICROSECONDS:,.1f}"]
