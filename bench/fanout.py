"""Fan-out: one class of many clients, through Lousa's whole path and beside a plain Tornado chat server.

All servers run all the time, each with all its clients connected; the measurements alternate, so that whatever else
the machine does falls on all. The server under measurement has one core, the load generator another.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import psutil

from bench.load import Client, Group, Load
from bench.served import MICROSECONDS, allow_many_files, cpu_seconds, scratch, served, socket_path
from tests.lousa import ROOT
from tests.programs import free_port

WARM_UP_SECONDS = 1.0

CORES = sorted(os.sched_getaffinity(0))

LOUSA = "Lousa"
# By the name in the table; each is a module of bench.peers.
PEERS = {"plain Tornado": "tornado_plain", "bare sockets": "bare_sockets"}


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement; CPU in seconds, of all threads of a process."""

    server: str
    in_flight: int
    clients: int
    messages: int
    seconds: float
    server_cpu: float
    generator_cpu: float

    @property
    def deliveries(self) -> int:
        """How many times a client got a message."""
        return self.messages * self.clients

    @property
    def rate(self) -> float:
        """Messages per second."""
        return self.messages / self.seconds

    @property
    def cost(self) -> float:
        """The server's CPU for one delivery, in microseconds."""
        return self.server_cpu / self.deliveries * MICROSECONDS


@dataclass(frozen=True, slots=True)
class Subject:
    """A server under measurement, with its load."""

    name: str
    process: psutil.Process
    load: Load

    def measure(self, seconds: float, in_flight: int) -> Figure:
        """Run the load for so long."""
        self.load.beat()
        self.load.run(WARM_UP_SECONDS, in_flight)
        server, own = cpu_seconds(self.process.pid), time.process_time()
        messages, took = self.load.run(seconds, in_flight)
        return Figure(
            self.name,
            in_flight,
            len(self.load.clients),
            messages,
            took,
            cpu_seconds(self.process.pid) - server,
            time.process_time() - own,
        )


def measure(clients: int, senders: int, rounds: int, seconds: float, windows: list[int]) -> list[Figure]:
    """Measure all servers in turn, and return every figure."""
    allow_many_files()
    figures = []
    with ExitStack() as stack:
        subjects = [stack.enter_context(_lousa(clients, senders))]
        subjects += [stack.enter_context(_peer(name, module, clients, senders)) for name, module in PEERS.items()]
        for number in range(rounds):
            for in_flight in windows:
                for subject in subjects:
                    figure = subject.measure(seconds, in_flight)
                    print(f"# {number + 1}/{rounds} {_line(figure)}", file=sys.stderr, flush=True)
                    figures.append(figure)
    return figures


@contextmanager
def _lousa(clients: int, senders: int) -> Iterator[Subject]:
    """Run Lousa as a school would, with a class of that many students, each signed in with a token of their own."""
    with scratch() as folder, served(folder, clients) as (server, tokens, _):
        load = _connect(LOUSA, server.port, [socket_path("students", token) for token in tokens], senders)
        yield Subject(LOUSA, _alone_on_a_core(server.pid), load)
        load.close()


@contextmanager
def _peer(name: str, module: str, clients: int, senders: int) -> Iterator[Subject]:
    """Run one of the peers; they know nobody, so that nobody signs in."""
    port = free_port()
    with subprocess.Popen([sys.executable, "-m", f"bench.peers.{module}", str(port)], cwd=ROOT) as server:
        try:
            _wait_for(port)
            load = _connect(name, port, ["/students/socket/websocket"] * clients, senders)
            yield Subject(name, _alone_on_a_core(server.pid), load)
            load.close()
        finally:
            server.kill()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            Client(port, "/students/socket/websocket").socket.close()
            return
        except ConnectionRefusedError:
            time.sleep(0.05)
    raise RuntimeError("the peer did not start")


def _alone_on_a_core(pid: int) -> psutil.Process:
    """Put a server on the first core and ourselves on another, where there are two."""
    process = psutil.Process(pid)
    if len(CORES) > 1:
        process.cpu_affinity(CORES[:1])
        os.sched_setaffinity(0, CORES[1:])
    return process


def _connect(name: str, port: int, paths: list[str], senders: int) -> Load:
    began = time.perf_counter()
    clients = [Client(port, path) for path in paths]
    topic = next(iter(clients[0].class_topics().values())) if name == LOUSA else "class:1"
    group = Group.join(clients, topic, senders)
    print(f"# {name}: {len(clients)} clients joined in {time.perf_counter() - began:.1f} s", file=sys.stderr)
    return Load([group])


def report(figures: list[Figure]) -> str:
    """Put the best round of each into a table in Markdown, with the ratios below it.

    The best, not the mean: whatever else a machine does can only take away from what a server shows.
    """
    best: dict[tuple[int, str], Figure] = {}
    for figure in figures:
        key = (figure.in_flight, figure.server)
        best[key] = max(figure, best.get(key, figure), key=lambda each: each.rate)
    lines = [
        "| in flight | server | messages/s | deliveries/s | server CPU µs a delivery | server CPU | generator CPU "
        "| generator µs a delivery |",
        "|---|---|---|---|---|---|---|---|",
        *(f"| {in_flight} | {server} | {_cells(figure)} |" for (in_flight, server), figure in best.items()),
        "",
        *(_ratio(best[in_flight, LOUSA], best[in_flight, name]) for in_flight, name in best if name != LOUSA),
    ]
    return "\n".join(lines)


def _cells(figure: Figure) -> str:
    busy, own_busy = figure.server_cpu / figure.seconds, figure.generator_cpu / figure.seconds
    own = figure.generator_cpu / figure.deliveries * MICROSECONDS
    return (
        f"{figure.rate:,.1f} | {figure.rate * figure.clients:,.0f} | {figure.cost:.2f} | "
        f"{busy:.0%} | {own_busy:.0%} | {own:.2f}"
    )


def _ratio(lousa: Figure, peer: Figure) -> str:
    return (
        f"* {lousa.in_flight} in flight, Lousa beside {peer.server}: {lousa.rate / peer.rate:.2f} times the messages, "
        f"{lousa.cost / peer.cost:.2f} times the CPU a delivery"
    )


def _line(figure: Figure) -> str:
    return f"{figure.in_flight} in flight, {figure.server}: {_cells(figure)}"
