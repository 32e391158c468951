"""After an outage: 15,000 clients reconnect at once, each to its class and to 100 messages that it has missed.

All clients are disconnected; the teacher sends 100 messages to each class; then all clients connect at the same time. A
client is back when it has signed in, joined its three topics and received exactly the missed messages, in order.
"""

import math
import select
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Any

import msgspec

from bench.client import READ_BYTES, Address, Client, Seat, masked, source, take_frames, upgrade_request
from bench.dialect import Phoenix
from bench.generator import Generator, generator
from bench.result import KIB, MILLISECONDS, keep, middle, percentile, say, table
from bench.served import GENERATOR_CORES, Server, lousa

CLIENTS_OF_A_CLASS = 30
MISSED = 100
ALSO = ("user:me", "school")
PATIENCE_SECONDS = 300.0
# How often the clients that are due for a retry are checked.
LOOK_SECONDS = 0.05
# What the server may log when it is so busy that an answer of the journal waits longer than it should.
LATE = "The journal cannot be read: it does not answer"
# A connection of the teacher's joins so many classes, of the 100 topics that one may join.
CLASSES_OF_A_CONNECTION = 90


@dataclass(frozen=True, slots=True)
class Figure:
    """One storm: seconds until half of the clients and until all are back, CPU seconds, and bytes of the server.

    `short` clients have not been given all that they missed; `refused` connections and joins were to be
    tried again later, and were.
    """

    clients: int
    missed: int
    half: float
    seconds: float
    short: int
    refused: int
    server_cpu: float
    before: int
    peak: int
    after: int


@dataclass(frozen=True, slots=True)
class Position:
    """A class's position: clients send the position that they have reached and must receive the rest."""

    epoch: str
    since: int
    seq: int


class Returning:
    """One returning client: it connects, signs in, joins, and receives what it missed."""

    def __init__(self, address: Address, seat: Seat, position: Position) -> None:
        self.back_at: float | None = None
        self.is_short = False
        self.refused = 0
        # When to retry after a temporary refusal of the connection or a join.
        self.again_at: float | None = None
        self._address = address
        self._seat = seat
        self._position = position
        self._inbox = bytearray()
        self._upgraded = False
        self._connect()

    def _connect(self) -> None:
        self.socket = self._address.open()
        self.socket.setblocking(False)
        self.socket.connect_ex(self._address.target)

    def try_again(self) -> bool:
        """Retry what was refused; return whether that is the connection."""
        if self._upgraded:
            self._join_all()
        else:
            self._connect()
        return not self._upgraded

    def ask(self) -> None:
        """Request the WebSocket once the connection is open."""
        self.socket.sendall(upgrade_request(self._address))

    def read(self) -> bool:
        """Read the available data; return whether this client is now back."""
        data = self.socket.recv(READ_BYTES)
        if not data:
            raise ConnectionError(f"the server closed a connection after {bytes(self._inbox[:200])!r}")
        self._inbox += data
        if not self._upgraded:
            self._enter()
        for frame in take_frames(self._inbox) if self._upgraded else ():
            self._take(frame)
        return self.back_at is not None

    def _enter(self) -> None:
        head, found, rest = bytes(self._inbox).partition(b"\r\n\r\n")
        if found:
            if head.startswith(b"HTTP/1.1 503"):
                self._wait(float(head.partition(b"Retry-After: ")[2].split(b"\r\n")[0]))
                self.socket.close()
                self._inbox.clear()
                return
            if not head.startswith(b"HTTP/1.1 101"):
                raise ConnectionError(f"refused: {head!r}")
            self._upgraded, self._inbox = True, bytearray(rest)
            self._join_all()

    def _wait(self, seconds: float) -> None:
        self.refused += 1
        self.again_at = time.perf_counter() + seconds

    def _join_all(self) -> None:
        # Those that are joined already are joined anew.
        self.socket.sendall(b"".join(self._joins()))

    def _joins(self) -> Iterator[bytes]:
        """Give a join for each topic; the class is the last of them, and its ref is the topic itself."""
        for topic in self._seat.topics:
            known = {"since": self._position.since, "epoch": self._position.epoch}
            payload = known if topic == self._seat.topics[-1] else {}
            yield masked(msgspec.json.encode([topic, topic, topic, "phx_join", payload]))

    def _take(self, frame: bytes) -> None:
        if b'"phx_reply"' not in frame[:100] or not frame.startswith(f'["{self._seat.topics[-1]}"'.encode()):
            return
        reply = msgspec.json.decode(frame)[4]
        if "retry_after" in reply["response"]:
            self._wait(reply["response"]["retry_after"] / MILLISECONDS)
            return
        assert reply["status"] == "ok", reply
        self.back_at = time.perf_counter()
        self.is_short = not self._is_whole(reply["response"])

    def _is_whole(self, response: dict[str, Any]) -> bool:
        given = [event["payload"]["seq"] for event in response["events"]]
        expected = list(range(self._position.since + 1, self._position.seq + 1))
        return response["complete"] is True and given == expected


class Crowd:
    """All clients, in their own process; they can disconnect and reconnect repeatedly."""

    def __init__(self, port: int, seats: Sequence[Seat]) -> None:
        self._port = port
        self._seats = seats
        self._clients: list[Returning] = []
        self._began = 0.0
        self._cpu = 0.0

    def come_back(self, positions: dict[str, Position]) -> tuple[list[float], int, int]:
        """Connect all at the same time and wait until all are back.

        Return the sorted seconds that it took each, how many have not got what they missed, and how often one was
        refused for now.
        """
        self._began, cpu = time.perf_counter(), time.process_time()
        self._clients = [
            Returning(Address(self._port, seat.path, source(number)), seat, positions[seat.topics[-1]])
            for number, seat in enumerate(self._seats)
        ]
        _read_until_back(self._clients)
        self._cpu = time.process_time() - cpu
        took = sorted(client.back_at - self._began for client in self._clients if client.back_at is not None)
        short = sum(client.is_short for client in self._clients) + len(self._clients) - len(took)
        return took, short, sum(client.refused for client in self._clients)

    def cpu(self) -> float:
        """Return the CPU seconds that this process used for the last return."""
        return self._cpu

    def back_after(self, number: int) -> float:
        """Return the seconds that it took this client; infinity if it is not back."""
        back_at = self._clients[number].back_at
        return math.inf if back_at is None else back_at - self._began

    def cut_off(self) -> None:
        """Abort all connections, as in an outage."""
        for client in self._clients:
            client.socket.close()
        self._clients = []


def _read_until_back(clients: Sequence[Returning]) -> None:
    """Read data until all are back; later data for a returned client stays in the kernel."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    left = len(clients)
    refused: list[tuple[float, int]] = []
    by_fd: dict[int, int] = {}
    with select.epoll() as epoll:

        def await_connection(number: int) -> None:
            fd = clients[number].socket.fileno()
            by_fd[fd] = number
            epoll.register(fd, select.EPOLLOUT)

        for number in range(len(clients)):
            await_connection(number)
        while left and time.monotonic() < deadline:
            for fd, event in epoll.poll(LOOK_SECONDS):
                number = by_fd[fd]
                client = clients[number]
                if event & select.EPOLLOUT:
                    client.ask()
                    epoll.modify(fd, select.EPOLLIN)
                elif client.read():
                    epoll.unregister(fd)
                    left -= 1
                elif client.again_at is not None:
                    heappush(refused, (client.again_at, number))
                    client.again_at = None
            while refused and refused[0][0] < time.perf_counter():
                _, number = heappop(refused)
                if clients[number].try_again():
                    await_connection(number)


class Teacher:
    """The teacher, who sends to all classes and knows the position of each."""

    def __init__(self, server: Server, topics: Sequence[str]) -> None:
        self._dialect = Phoenix()
        self._talks: list[tuple[Client, Sequence[str]]] = []
        self._epochs: dict[str, str] = {}
        self._seq = 0
        for first in range(0, len(topics), CLASSES_OF_A_CONNECTION):
            client = Client(Address(server.port, server.teacher))
            own = topics[first : first + CLASSES_OF_A_CONNECTION]
            self._talks.append((client, own))
            for topic in own:
                self._epochs[topic] = self._dialect.request(client, topic, "phx_join", {})["epoch"]

    def talk(self, count: int) -> dict[str, Position]:
        """Send `count` messages to each class; return the positions before and after them."""
        since, self._seq = self._seq, self._seq + count
        for client, topics in self._talks:
            for number in range(since, self._seq):
                for topic in topics[:-1]:
                    self._dialect.write(client, topic, number)
                # Waits for a reply now and then, to stay below the limit of pending pushes per connection.
                payload = {"id": f"b{number:012}", "text": "A fotossíntese transforma luz em energia química."}
                self._dialect.request(client, topics[-1], "message:send", payload)
        return {topic: Position(epoch, since, self._seq) for topic, epoch in self._epochs.items()}

    def close(self) -> None:
        """Close all connections."""
        for client, _ in self._talks:
            client.socket.close()


def measure(clients: int, rounds: int) -> None:
    """Disconnect and reconnect all clients in each round; save the figures."""
    figures = []
    with school(clients) as server, crowd_of(server) as (crowd, teacher):
        for number in range(rounds):
            figures.append(_measure(server, crowd, teacher))
            say(f"{number + 1}/{rounds} {' | '.join(_cells(figures[-1:]))}")
    keep("storm", figures, report(figures))


def school(clients: int, environment: Mapping[str, str] = {}) -> AbstractContextManager[Server]:
    """Serve a school with this number of clients."""
    classes = clients // CLIENTS_OF_A_CLASS
    return lousa(classes, CLIENTS_OF_A_CLASS, also=ALSO, environment=environment, expected_errors=[LATE])


@contextmanager
def crowd_of(server: Server) -> Iterator[tuple[Generator[Crowd], Teacher]]:
    """Connect all clients of a school and its teacher."""
    teacher = Teacher(server, [each.topic for each in server.classes])
    seats = [seat for each in server.classes for seat in each.seats]
    with generator(GENERATOR_CORES, Crowd, server.port, seats) as crowd:
        crowd.call(Crowd.come_back, teacher.talk(MISSED))
        server.rest()
        yield crowd, teacher


def cut_off(server: Server, crowd: Generator[Crowd], teacher: Teacher) -> dict[str, Position]:
    """Disconnect all clients while the teacher sends messages; return the positions of the classes."""
    crowd.call(Crowd.cut_off)
    server.rest()
    positions = teacher.talk(MISSED)
    server.rest()
    return positions


def _measure(server: Server, crowd: Generator[Crowd], teacher: Teacher) -> Figure:
    before = server.memory_bytes()
    positions = cut_off(server, crowd, teacher)
    server.forget_peak()
    cpu = server.cpu_seconds()
    took, short, refused = crowd.call(Crowd.come_back, positions)
    cpu, peak = server.cpu_seconds() - cpu, server.peak_bytes()
    server.rest()
    return Figure(
        len(took), MISSED, percentile(took, 50), took[-1], short, refused, cpu, before, peak, server.memory_bytes()
    )


def report(figures: Sequence[Figure]) -> str:
    """Make a table of the middle and the worst round."""
    columns = [
        *("clients", "half are back after", "all are back after", "worst round", "not given all they missed"),
        *("told to try again later", "CPU ms a client", "MiB before", "at most", "afterwards"),
    ]
    return table(columns, [_cells(figures)]) + "\n"


def _cells(figures: Sequence[Figure]) -> list[str]:
    chosen = middle(figures, lambda figure: figure.seconds)
    return [
        f"{chosen.clients:,}",
        f"{chosen.half:.1f} s",
        f"{chosen.seconds:.1f} s",
        f"{max(figure.seconds for figure in figures):.1f} s",
        f"{sum(figure.short for figure in figures)}",
        f"{sum(figure.refused for figure in figures)}",
        f"{chosen.server_cpu / chosen.clients * MILLISECONDS:.2f}",
        f"{chosen.before / KIB**2:,.0f}",
        f"{chosen.peak / KIB**2:,.0f}",
        f"{chosen.after / KIB**2:,.0f} ({chosen.after / chosen.before - 1:+.0%})",
    ]
