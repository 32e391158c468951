"""The two transports in one school: half of the clients on WebSockets, half polling, all on one worker.

An announcement goes to a class of which all have a WebSocket, to one of which all poll, and to the whole school: until
the last one has it, and what it costs the server. A client that polls asks again at once; that is counted in.
"""

import select
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.client import PATIENCE_SECONDS, Address, Client, Seat
from bench.dialect import Phoenix
from bench.polling import Poller
from bench.result import KIB, MICROSECONDS, keep, say, table
from bench.served import GENERATOR_CORES, Server, lousa, on_cores

# As the event stands in a frame and in a frame inside an answer's string.
_EVENT = b"announcement:sent"

# After the last delivery the polls that follow it are still being made.
_SETTLE_SECONDS = 0.5

# Clients beat once in so many seconds; idle CPU is measured over one round of that.
_BEAT_SECONDS = 30.0

SOCKETS, POLLS = "WebSocket", "long-poll"


@dataclass(frozen=True, slots=True)
class Told:
    """One announcement: to how many of each kind, the seconds until the last one of each kind had it, and the CPU."""

    audience: str
    counts: dict[str, int]
    last: dict[str, float]
    cpu: float


@dataclass(frozen=True, slots=True)
class Held:
    """What connected clients of one kind cost: resident KiB each, and µs of CPU a second each while nothing happens."""

    kind: str
    kib: float
    idle: float


class Crowd:
    """All clients, and the loop that reads for them. It must be light."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._epoll = select.epoll()
        self._dialect = Phoenix()
        self._sockets: dict[int, Client] = {}
        self._had: Counter[int] = Counter()
        self._polls: dict[int, Poller] = {}

    def add_sockets(self, seats: Sequence[Seat]) -> None:
        """Connect by WebSocket and join."""
        for seat in seats:
            client = Client(Address(self._port, seat.path))
            for topic in seat.topics:
                self._dialect.join(client, topic)
            client.socket.setblocking(False)
            self._sockets[client.socket.fileno()] = client
            self._epoll.register(client.socket, select.EPOLLIN)
        self.read(_SETTLE_SECONDS)

    def add_polls(self, seats: Sequence[Seat]) -> None:
        """Open long-poll sessions and join."""
        for number, seat in enumerate(seats):
            poller = Poller(self._port, seat.path.replace("/websocket?", "/longpoll?"))
            poller.join(seat.topics)
            self._polls[poller.socket.fileno()] = poller
            self._epoll.register(poller.socket, select.EPOLLIN)
            if number % 100 == 0:
                self.read(0)  # joined clients keep polling
            if number % 1_000 == 0:
                self._beat()  # the server closes clients that are silent for 90 s
        self.read(_SETTLE_SECONDS)

    def _beat(self) -> None:
        for client in self._sockets.values():
            self._dialect.beat(client)

    def read(self, seconds: float) -> dict[str, int]:
        """Read the data that arrives within the timeout; return the number of announcements by kind."""
        found = {SOCKETS: 0, POLLS: 0}
        deadline = time.perf_counter() + seconds
        while True:
            for fd, _ in self._epoll.poll(max(0, deadline - time.perf_counter()), 20_000):
                if fd in self._polls:
                    found[POLLS] += self._polls[fd].read(_EVENT)
                else:
                    found[SOCKETS] += self._read_socket(self._sockets[fd])
            if time.perf_counter() >= deadline or any(found.values()):
                return found

    def _read_socket(self, client: Client) -> int:
        data = client.socket.recv(256 * KIB)
        if not data:
            raise RuntimeError("the server closed a connection")
        count = data.count(_EVENT)
        self._had[client.socket.fileno()] += count
        return count

    def idle(self, seconds: float) -> None:
        """Simulate a quiet lesson for this time: WebSockets send one heartbeat, polls are renewed."""
        began = time.perf_counter()
        beating = list(self._sockets.values())
        for number, client in enumerate(beating):
            self._dialect.beat(client)
            self.read(max(0.0, began + seconds * (number + 1) / len(beating) - time.perf_counter()))
        self.read(max(0.0, began + seconds - time.perf_counter()))

    def await_all(self, counts: dict[str, int], began: float) -> dict[str, float]:
        """Read until this number of each kind has it; return the seconds until the last of each kind."""
        left, last = {SOCKETS: 0, POLLS: 0} | counts, {}
        while any(left.values()):
            if time.perf_counter() - began > PATIENCE_SECONDS:
                raise RuntimeError(f"not everybody has it: {left} are missing")
            for kind, number in self.read(1.0).items():
                left[kind] -= number
                if number and left[kind] <= 0:
                    last[kind] = time.perf_counter() - began
        if any(left.values()):
            raise RuntimeError(f"somebody has it more than once: {left}")
        return last

    def check(self, times: int) -> None:
        """Raise `RuntimeError` unless every client has received each announcement once."""
        had = {self._had[fd] for fd in self._sockets} | {each.events for each in self._polls.values()}
        if had != {times}:
            raise RuntimeError(f"clients had {sorted(had)} announcements, not {times}")


def measure(clients: int, rounds: int) -> None:
    """Measure with this number of clients of each kind and save the figures."""
    with lousa(2, clients, also=("user:me", "school")) as server, on_cores(GENERATOR_CORES):
        crowd = Crowd(server.port)
        socket_class, poll_class = server.classes
        memory = [server.memory_bytes()]
        crowd.add_sockets(socket_class.seats)
        memory.append(server.memory_bytes())
        idle_sockets = _idle_cpu(crowd, server)
        crowd.add_polls(poll_class.seats)
        memory.append(server.memory_bytes())
        idle_polls = _idle_cpu(crowd, server) - idle_sockets
        held = [
            Held(SOCKETS, (memory[1] - memory[0]) / KIB / clients, idle_sockets / clients),
            Held(POLLS, (memory[2] - memory[1]) / KIB / clients, idle_polls / clients),
        ]
        principal = _principal(server)
        told = [each for _ in range(rounds) for each in _tell_everybody(crowd, principal, server, clients)]
        crowd.check(2 * rounds)
    keep("transports", [*held, *told], report(held, told))


def _principal(server: Server) -> Client:
    principal = Client(Address(server.port, server.principal))
    for topic in (*(each.topic for each in server.classes), "school"):
        Phoenix().join(principal, topic)
    return principal


def _idle_cpu(crowd: Crowd, server: Server) -> float:
    """Return the server's CPU while nothing happens, in µs a second."""
    crowd.read(_SETTLE_SECONDS)
    before = server.cpu_seconds()
    crowd.idle(_BEAT_SECONDS)
    return (server.cpu_seconds() - before) / _BEAT_SECONDS * MICROSECONDS


def _tell_everybody(crowd: Crowd, principal: Client, server: Server, clients: int) -> Iterator[Told]:
    socket_class, poll_class = server.classes
    for audience, topic, counts in (
        ("a class on WebSockets", socket_class.topic, {SOCKETS: clients}),
        ("a class that polls", poll_class.topic, {POLLS: clients}),
        ("the school", "school", {SOCKETS: clients, POLLS: clients}),
    ):
        before, began = server.cpu_seconds(), time.perf_counter()
        Phoenix().push(principal, topic, "announcement:send", {"text": "Amanhã não há aula."})
        last = crowd.await_all(counts, began)
        crowd.read(_SETTLE_SECONDS)
        say(f"{audience}: {last}")
        yield Told(audience, counts, last, server.cpu_seconds() - before)


def report(held: Sequence[Held], told: Sequence[Told]) -> str:
    """Make two Markdown tables of the best round."""
    held_rows = [[each.kind, f"{each.kib:.1f}", f"{each.idle:.1f}"] for each in held]
    told_rows = []
    for audience in dict.fromkeys(each.audience for each in told):
        rounds = [each for each in told if each.audience == audience]
        best = min(rounds, key=lambda each: max(each.last.values()))
        total = sum(best.counts.values())
        seconds = [f"{best.last[kind]:.2f} s" if kind in best.last else "" for kind in (SOCKETS, POLLS)]
        cpu = min(each.cpu for each in rounds) / total * MICROSECONDS
        told_rows.append([audience, f"{total:,}", *seconds, f"{cpu:.0f}"])
    told_columns = ["announcement to", "clients", "last WebSocket after", "last poll after", "µs of CPU a client"]
    held_columns = ["transport", "KiB of an idle client", "µs of its CPU a second"]
    return f"{table(held_columns, held_rows)}\n\n{table(told_columns, told_rows)}\n"
