"""The CPU of a connect and a join when the server knows nothing yet, and how long a client waits for them.

The clients come one after another, so nothing can be gathered for several of them. Lousa has just been started on the
data of its school, and has read nothing about any client. The first half of the clients only opens a WebSocket; the
second half opens one and joins a class; then the second half closes its connections and comes again.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from bench.client import Address, Class, Client, Seat, source
from bench.dialect import Dialect
from bench.generator import Generator, generator
from bench.install import missing
from bench.peer import CENTRIFUGO, PEERS, PLAIN_TORNADO, UWEBSOCKETS, Peer
from bench.result import MICROSECONDS, MILLISECONDS, keep, middle, percentile, say, table
from bench.served import GENERATOR_CORES, LOUSA, NAMES, Server, kill, lousa, peer_server, start

CLIENTS_OF_A_CLASS = 20
# What the project compares itself with here; others by name.
USUAL = (PLAIN_TORNADO, CENTRIFUGO, UWEBSOCKETS)


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement: CPU seconds a client, of the server's processes, and the seconds that a client waited.

    `start` is the CPU of Lousa's start, which may read in advance what clients will ask for.
    """

    server: str
    clients: int
    start: float
    connect: float
    join: float
    again: float
    p50: float
    p99: float


class Newcomers:
    """Clients that come one after another, in their own process."""

    def __init__(self, port: int, dialect: Dialect) -> None:
        self._port = port
        self._dialect = dialect
        self._clients: list[Client] = []

    def come(self, seats: Sequence[Seat], *, joins: bool) -> list[float]:
        """Connect a client for each seat; it joins its topics or does not. Return the sorted seconds that each took."""
        took = []
        for number, seat in enumerate(seats):
            began = time.perf_counter()
            client = Client(Address(self._port, seat.path, source(number)))
            if joins:
                self._dialect.greet(client)
                for topic in seat.topics:
                    self._dialect.join(client, topic)
            took.append(time.perf_counter() - began)
            self._clients.append(client)
        return sorted(took)

    def leave(self) -> None:
        """Close all connections."""
        while self._clients:
            self._clients.pop().socket.close()


def measure(clients: int, rounds: int, databases: Sequence[str], names: Sequence[str] = ()) -> None:
    """Measure Lousa with each database, and the peers, in turn; save the figures."""
    peers = [peer for peer in (PEERS if names else USUAL) if not names or peer.name in names]
    figures = []
    with ExitStack() as stack:
        servers = [stack.enter_context(_serve(database, clients)) for database in databases]
        servers += [stack.enter_context(_serve(peer, clients)) for peer in peers if _is_there(peer)]
        for number in range(rounds):
            for server in servers:
                figures.append(measured(server))
                say(f"{number + 1}/{rounds} {server.name}: {' | '.join(_cells(figures[-1:]))}")
    keep("cold", figures, report(figures))


def _is_there(peer: Peer) -> bool:
    if reason := missing(peer.needs):
        say(f"{peer.name} is left out: {reason}")
    return not reason


@contextmanager
def _serve(kind: str | Peer, clients: int) -> Iterator[Server]:
    """Serve two halves of so many clients, by a peer or by Lousa with this database."""
    classes = 2 * max(1, clients // CLIENTS_OF_A_CLASS)
    size = min(clients, CLIENTS_OF_A_CLASS)
    with lousa(classes, size, database=kind) if isinstance(kind, str) else peer_server(kind, classes, size) as server:
        yield server


def measured(server: Server) -> Figure:
    """Start Lousa anew, then measure both halves of the clients."""
    begun = 0.0
    if server.program is not None:
        kill(server)
        start(server)
        server.rest()
        begun = server.cpu_seconds()
    half = len(server.classes) // 2
    first, second = _seats(server.classes[:half]), _seats(server.classes[half:])
    with generator(GENERATOR_CORES, Newcomers, server.port, server.dialect) as newcomers:
        connect, _ = _come(server, newcomers, first, joins=False)
        join, took = _come(server, newcomers, second, joins=True)
        again, _ = _come(server, newcomers, second, joins=True)
    return Figure(
        server.name, len(second), begun, connect, join, again, *(percentile(took, percent) for percent in (50, 99))
    )


def _seats(classes: Sequence[Class]) -> list[Seat]:
    return [seat for each in classes for seat in each.seats]


def _come(
    server: Server, newcomers: Generator[Newcomers], seats: Sequence[Seat], *, joins: bool
) -> tuple[float, list[float]]:
    """Return the CPU a client and the seconds that each took; then all leave, which is not counted."""
    before = server.cpu_seconds()
    took = newcomers.call(Newcomers.come, seats, joins=joins)
    cpu = (server.cpu_seconds() - before) / len(seats)
    newcomers.call(Newcomers.leave)
    server.rest()
    return cpu, took


def report(figures: Sequence[Figure]) -> str:
    """Make a table of the middle round of each, Lousa first, then by its CPU."""
    by_server: dict[str, list[Figure]] = {}
    for figure in figures:
        by_server.setdefault(figure.server, []).append(figure)
    columns = [
        *("server", "CPU µs of a connect", "of a connect and a join", "over the rounds", "of the same again"),
        *("a client waits: p50", "p99", "CPU s of the start", "Lousa's connect and join beside its connect"),
    ]
    (ours, *_) = (own for name, own in by_server.items() if name in NAMES.values())
    rows = [
        [name, *_cells(own), f"× {_middle(ours).join / _middle_connect(own):.2f}"]
        for name, own in sorted(by_server.items(), key=lambda item: (LOUSA not in item[0], _middle(item[1]).join))
    ]
    return table(columns, rows) + "\n"


def _middle(figures: Sequence[Figure]) -> Figure:
    return middle(figures, lambda figure: figure.join)


def _middle_connect(figures: Sequence[Figure]) -> float:
    return middle(figures, lambda figure: figure.connect).connect


def _cells(figures: Sequence[Figure]) -> list[str]:
    chosen, joins = _middle(figures), [figure.join * MICROSECONDS for figure in figures]
    return [
        f"{_middle_connect(figures) * MICROSECONDS:,.0f}",
        f"{chosen.join * MICROSECONDS:,.0f}",
        f"{min(joins):,.0f} to {max(joins):,.0f}",
        f"{chosen.again * MICROSECONDS:,.0f}",
        f"{chosen.p50 * MILLISECONDS:.2f} ms",
        f"{chosen.p99 * MILLISECONDS:.2f} ms",
        f"{chosen.start:.1f}" if chosen.start else "",
    ]
