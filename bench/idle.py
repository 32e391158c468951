"""The memory cost of an idle connected client: the growth of a server's processes per client.

Lousa's clients have signed in, and each has joined three topics: its own (`user:me`), the school's and a class. A
peer's have joined a class. The growth is measured from half of the clients to all of them, to exclude what a server
needs once. The kernel's memory for a connection belongs to no process and is not counted.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from bench.generator import generator
from bench.install import missing
from bench.load import Load
from bench.peer import PEERS, Peer
from bench.result import KIB, keep, say, table
from bench.served import GENERATOR_CORES, LOUSA, Server, lousa, peer_server

CLIENTS_OF_A_CLASS = 20
SENDERS = 1
ALSO = ("user:me", "school")


@dataclass(frozen=True, slots=True)
class Figure:
    """Bytes of all processes: without clients, with half of them, and with all."""

    server: str
    topics: int
    clients: int
    empty: int
    half: int
    full: int

    @property
    def each(self) -> float:
        """The bytes per client."""
        return (self.full - self.half) / (self.clients / 2)

    @property
    def first_each(self) -> float:
        """The bytes per client of the first half."""
        return (self.half - self.empty) / (self.clients / 2)


def measure(clients: int, names: Sequence[str] = ()) -> None:
    """Measure Lousa and the peers, or those named, one after another, and save the figures."""
    figures = []
    classes = clients // CLIENTS_OF_A_CLASS
    for peer in [None, *(peer for peer in PEERS if not names or peer.name in names)]:
        if peer is not None and (reason := missing(peer.needs)):
            say(f"{peer.name} is left out: {reason}")
            continue
        with _serve(peer, classes) as server:
            figures.append(_measure(server))
        say(" | ".join(_cells(figures[-1])))
    keep("idle", figures, report(figures))


@contextmanager
def _serve(peer: Peer | None, classes: int) -> Iterator[Server]:
    with ExitStack() as stack:
        if peer is None:
            yield stack.enter_context(lousa(classes, CLIENTS_OF_A_CLASS, also=ALSO))
        else:
            yield stack.enter_context(peer_server(peer, classes, CLIENTS_OF_A_CLASS))


def _measure(server: Server) -> Figure:
    half = len(server.classes) // 2
    found = [_memory(server)]
    with ExitStack() as stack:
        for classes in (server.classes[:half], server.classes[half:]):
            joining = generator(GENERATOR_CORES, Load.join, server.port, server.dialect, classes, SENDERS)
            stack.enter_context(joining).call(Load.settle)
            found.append(_memory(server))
    topics = len(server.classes[0].seats[0].topics)
    return Figure(server.name, topics, 2 * half * CLIENTS_OF_A_CLASS, *found)


def _memory(server: Server) -> int:
    server.rest()
    return server.memory_bytes()


def report(figures: Sequence[Figure]) -> str:
    """Make a table: Lousa first, then by memory."""
    columns = ["server", "topics of each", "KiB of one idle client", "of one of the first half", "MiB with all"]
    ordered = sorted(figures, key=lambda figure: (figure.server != LOUSA, figure.each))
    return table(columns, [_cells(figure) for figure in ordered]) + "\n"


def _cells(figure: Figure) -> list[str]:
    return [
        figure.server,
        str(figure.topics),
        f"{figure.each / KIB:.1f}",
        f"{figure.first_each / KIB:.1f}",
        f"{figure.full / KIB**2:,.0f}",
    ]
