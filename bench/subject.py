"""Servers measured in turn, each with its own connected load.

The measurements alternate, so that other load on the machine affects all of them. Either all servers run all the time
(`subjects`, `in_turn`), or only the one that is measured (`one_at_a_time`), where latencies count: idle servers are not
quiet. With four others, and a PostgreSQL that copies what it was sent before, the p99 of the bare sockets was three
times as large.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial

from bench.generator import Generator, generator
from bench.install import missing
from bench.load import KEEP_ALIVE_SECONDS, Load, Run
from bench.peer import Peer
from bench.result import say
from bench.served import GENERATOR_CORES, SQLITE, Server, lousa, peer_server

WARM_UP_SECONDS = 1.0


@dataclass(slots=True)
class Subject:
    """A server with its load."""

    server: Server
    load: Generator[Load]
    _heard: float = field(default_factory=time.monotonic)

    def measure(self, run: Callable[[Generator[Load], float], Run], seconds: float) -> tuple[Run, float]:
        """Run the load for this time; return its result and the server's CPU seconds."""
        self.settle()
        run(self.load, WARM_UP_SECONDS)
        before = self.server.cpu_seconds()
        done = run(self.load, seconds)
        return done, self.server.cpu_seconds() - before

    def settle(self) -> None:
        """Send a heartbeat from every client."""
        self.load.call(Load.settle)
        self._heard = time.monotonic()

    def keep_alive(self) -> None:
        """Send the heartbeats if they are due."""
        if time.monotonic() > self._heard + KEEP_ALIVE_SECONDS:
            self.settle()


@contextmanager
def subjects(
    peers: Sequence[Peer], classes: int, clients: int, senders: int, databases: Sequence[str] = (SQLITE,)
) -> Iterator[list[Subject]]:
    """Serve so many classes of so many clients, `senders` of each of which write, by Lousa and by these peers.

    Lousa runs once for each database. A peer that cannot be installed is left out, and that is told.
    """
    with ExitStack() as stack:
        servers = [stack.enter_context(start()) for start in _starts(peers, classes, clients, databases)]
        found: list[Subject] = []
        for server in servers:
            for each in found:
                each.keep_alive()
            found.append(_connected(stack, server, senders))
        yield found


def one_at_a_time(
    peers: Sequence[Peer], classes: int, clients: int, senders: int, databases: Sequence[str], rounds: int
) -> Iterator[tuple[int, Subject]]:
    """Yield each subject, as those of `subjects`, in turn in each round, newly started."""
    starts = _starts(peers, classes, clients, databases)
    for number in range(rounds):
        for start in starts:
            with ExitStack() as stack:
                yield number, _connected(stack, stack.enter_context(start()), senders)


def _starts(
    peers: Sequence[Peer], classes: int, clients: int, databases: Sequence[str]
) -> list[Callable[[], AbstractContextManager[Server]]]:
    starts: list[Callable[[], AbstractContextManager[Server]]] = [
        partial(lousa, classes, clients, database=database) for database in databases
    ]
    for peer in peers:
        if reason := missing(peer.needs):
            say(f"{peer.name} is left out: {reason}")
        else:
            starts.append(partial(peer_server, peer, classes, clients))
    return starts


def _connected(stack: ExitStack, server: Server, senders: int) -> Subject:
    began = time.perf_counter()
    joining = generator(GENERATOR_CORES, Load.join, server.port, server.dialect, server.classes, senders)
    subject = Subject(server, stack.enter_context(joining))
    say(f"{server.name}: everybody has joined, in {time.perf_counter() - began:.1f} s")
    return subject


def in_turn(found: Sequence[Subject], rounds: int) -> Iterator[tuple[int, Subject]]:
    """Yield each subject in turn in each round, and keep the others' connections alive meanwhile."""
    for number in range(rounds):
        for subject in found:
            for other in found:
                other.keep_alive()
            yield number, subject
