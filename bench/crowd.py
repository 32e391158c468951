"""An announcement to a whole school of 30,000 clients on two workers, and its effect on other messages.

Each client has signed in and joined its own topic, its class and the school's, to which the principal sends. Other
classes exchange messages meanwhile: the latency to the last client of a class is measured with and without an
announcement. Generators and workers share all cores.
"""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from bench.client import Address, Class, Client, Seat
from bench.dialect import Phoenix
from bench.generator import Generator, generator, unready
from bench.load import Load, Run
from bench.result import KIB, MILLISECONDS, keep, middle, percentile, say, table
from bench.served import CORES, Server, lousa

CLIENTS_OF_A_CLASS = 20
# The limit of open files per process is 20,000 here.
CLIENTS_OF_A_GENERATOR = 15_000
SCHOOL = "school"

# The background traffic: its classes, their total messages per second, and the seconds around an announcement.
TALKING_CLASSES = 10
TALKING_SENDERS = 4
TALKING_RATE = 100.0
TALKING_SECONDS = 2.0
# Time for the background traffic to start.
BEFORE_SECONDS = 0.3

ANNOUNCEMENT = {
    "title": "Reunião de pais",
    "text": "Amanhã às 19 horas, no auditório. Contamos com a presença de todos.",
}


@dataclass(frozen=True, slots=True)
class Joined:
    """How the clients came: the seconds until all had joined, and for each the CPU seconds and bytes of the server.

    `generator_cpu_each` are the CPU seconds of the generators, which run on the same cores.
    """

    seconds: float
    cpu_each: float
    generator_cpu_each: float
    bytes_each: float


@dataclass(frozen=True, slots=True)
class Figure:
    """One announcement: the seconds from its push to its last client; the other latencies with and without it."""

    clients: int
    seconds: float
    missing: int
    p50: float
    p99: float
    quiet_p50: float
    quiet_p99: float
    server_cpu: float
    joined: Joined


def measure(clients: int, workers: int, rounds: int) -> None:
    """Announce once per round and save the figures."""
    classes = clients // CLIENTS_OF_A_CLASS
    with ExitStack() as stack:
        options = ["--workers", str(workers)]
        serving = lousa(classes + TALKING_CLASSES, CLIENTS_OF_A_CLASS, options, also=["user:me"], cores=CORES)
        server = stack.enter_context(serving)
        crowds, joined = _connect_crowds(stack, server, server.classes[:classes])
        talking = server.classes[classes:]
        joining = generator(CORES, Load.join, server.port, server.dialect, talking, TALKING_SENDERS)
        talk = stack.enter_context(joining)
        principal = Principal(server)
        figures = []
        for number in range(rounds):
            figures.append(_announce(server, principal, crowds, talk, clients, joined))
            say(f"{number + 1}/{rounds} {' | '.join(_cells(figures[-1:]))}")
    keep("crowd", figures, report(figures))


def _connect_crowds(stack: ExitStack, server: Server, classes: Sequence[Class]) -> tuple[list[Generator[Load]], Joined]:
    """Connect all clients, each to its class and the school; only the school's messages are measured."""
    seats = [Seat(seat.path, (*seat.topics, SCHOOL)) for each in classes for seat in each.seats]
    server.rest()  # what the start leaves for later is not the clients'
    began, cpu, empty = time.perf_counter(), server.cpu_seconds(), server.memory_bytes()
    crowds = []
    for first in range(0, len(seats), CLIENTS_OF_A_GENERATOR):
        part = [Class(SCHOOL, seats[first : first + CLIENTS_OF_A_GENERATOR])]
        joining = unready(CORES, Load.join, server.port, server.dialect, part, 1)
        crowds.append(stack.enter_context(joining))
    for crowd in crowds:
        crowd.result()
    took, cpu = time.perf_counter() - began, server.cpu_seconds() - cpu
    say(f"{len(seats)} clients have joined in {took:.0f} s")
    for crowd in crowds:
        crowd.call(Load.settle)
    server.rest()
    generator_cpu = sum(crowd.call(Load.joining_cpu) for crowd in crowds)
    return crowds, Joined(
        took, cpu / len(seats), generator_cpu / len(seats), (server.memory_bytes() - empty) / len(seats)
    )


class Principal:
    """The principal, who sends to the school."""

    def __init__(self, server: Server) -> None:
        self._dialect = Phoenix()
        self._client = Client(Address(server.port, server.principal))
        self._dialect.join(self._client, SCHOOL)

    def announce(self) -> None:
        """Send an announcement and wait until it is stored."""
        self._dialect.request(self._client, SCHOOL, "announcement:send", ANNOUNCEMENT)

    def beat(self) -> None:
        """Send a heartbeat."""
        self._dialect.beat(self._client)


def _announce(
    server: Server,
    principal: Principal,
    crowds: Sequence[Generator[Load]],
    talk: Generator[Load],
    clients: int,
    joined: Joined,
) -> Figure:
    for load in (*crowds, talk):
        load.call(Load.settle)
    principal.beat()
    quiet = talk.call(Load.run_at, TALKING_SECONDS, TALKING_RATE)
    for crowd in crowds:
        crowd.start(Load.listen, 1)
    before = server.cpu_seconds()
    talk.start(Load.run_at, TALKING_SECONDS, TALKING_RATE)
    time.sleep(BEFORE_SECONDS)
    began = time.perf_counter()
    principal.announce()
    received = [crowd.result() for crowd in crowds]
    busy: Run = talk.result()
    return Figure(
        clients=clients,
        seconds=max(last for last, _ in received) - began,
        missing=sum(missing for _, missing in received) + busy.missing + quiet.missing,
        p50=percentile(busy.latencies, 50),
        p99=percentile(busy.latencies, 99),
        quiet_p50=percentile(quiet.latencies, 50),
        quiet_p99=percentile(quiet.latencies, 99),
        server_cpu=server.cpu_seconds() - before,
        joined=joined,
    )


def report(figures: Sequence[Figure]) -> str:
    """Make a table of the middle and the worst round."""
    columns = [
        *(
            "clients",
            "all have joined after",
            "CPU ms of each",
            "of the generators",
            "KiB each",
            "lost",
            "to the last client",
            "worst round",
        ),
        *("others' messages: p50", "p99", "p99, worst round", "without: p50", "p99"),
    ]
    return table(columns, [_cells(figures)]) + "\n"


def _cells(figures: Sequence[Figure]) -> list[str]:
    chosen = middle(figures, lambda figure: figure.seconds)
    talk = middle(figures, lambda figure: figure.p99)
    return [
        f"{chosen.clients:,}",
        f"{chosen.joined.seconds:.0f} s",
        f"{chosen.joined.cpu_each * MILLISECONDS:.2f}",
        f"{chosen.joined.generator_cpu_each * MILLISECONDS:.2f}",
        f"{chosen.joined.bytes_each / KIB:.1f}",
        f"{sum(figure.missing for figure in figures)}",
        f"{chosen.seconds:.2f} s",
        f"{max(figure.seconds for figure in figures):.2f} s",
        _milliseconds(talk.p50),
        _milliseconds(talk.p99),
        _milliseconds(max(figure.p99 for figure in figures)),
        _milliseconds(talk.quiet_p50),
        _milliseconds(talk.quiet_p99),
    ]


def _milliseconds(seconds: float) -> str:
    return f"{seconds * MILLISECONDS:.0f} ms"
