"""The load generator: clients in classes, messages sent to them, and every byte accounted for.

A few clients of each class, its senders, read their frames; all others only count bytes (`drain.py`). What the first
sender has read says where each message ends in everybody's bytes, so that a message is known to have been delivered
when the last client of its class has got to its end, and at the end each client must have had exactly that much.
"""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.client import Address, Class, Client, frame_bytes, source
from bench.dialect import Dialect
from bench.drain import Drain

# As much as a sender's socket can have for us at once.
_SCRATCH = bytearray(1024 * 1024)

QUIET_SECONDS = 0.5
# A third of what a server of ours grants a client that says nothing.
KEEP_ALIVE_SECONDS = 30.0
# When nothing has come for so long, what is missing has been lost.
LOST_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Run:
    """What came of a run: messages sent, the seconds until all had come, deliveries that never came.

    `latencies` are the seconds from a message's sending to its last delivery, in order; `cpu` is the generator's own.
    """

    messages: int
    seconds: float
    missing: int
    latencies: Sequence[float]
    cpu: float


class Group:
    """The clients that have joined one class, in slots next to each other; the first `senders` of them write."""

    def __init__(self, clients: Sequence[Client], first: int, topic: str, dialect: Dialect, senders: int) -> None:
        self.clients = clients
        self.first = first
        self.senders = clients[:senders]
        self._topic = topic
        self._dialect = dialect
        self._written = 0
        self.reset()

    def reset(self) -> None:
        """Begin a measurement."""
        # Of this measurement: when each message was sent, where it ends, in bytes from the beginning, and how many
        # of them all have got; and where what the first sender has read ends.
        self.sent_at: list[float] = []
        self.ends: list[int] = []
        self.read_to = 0
        self.delivered = 0
        self.latencies: list[float] = []

    def send(self) -> None:
        """Let the next one write."""
        self._dialect.write(self.senders[self._written % len(self.senders)], self._topic, self._written)
        self._written += 1
        self.sent_at.append(time.perf_counter())

    def read(self, client: Client) -> int:
        """Read what a sender has got: replies are its own, broadcasts everybody's. Return the broadcasts' bytes."""
        size = client.socket.recv_into(_SCRATCH)
        if not size:
            raise ConnectionError("the server closed a sender's connection")
        client.inbox += memoryview(_SCRATCH)[:size]
        broadcasts = [frame for frame in client.frames() if self._dialect.is_broadcast(frame)]
        if client is self.senders[0]:
            for frame in broadcasts:
                self.read_to += frame_bytes(frame)
                if self._dialect.is_message(frame):
                    self.ends.append(self.read_to)
        return sum(map(frame_bytes, broadcasts))

    @property
    def in_flight(self) -> int:
        """How many messages not everybody has got."""
        return len(self.sent_at) - self.delivered

    def settle(self, least: int) -> None:
        """Count what has been delivered, when everybody has got at least so many bytes."""
        now = time.perf_counter()
        while self.delivered < len(self.ends) and least >= self.ends[self.delivered]:
            self.latencies.append(now - self.sent_at[self.delivered])
            self.delivered += 1

    def missing(self, received: Sequence[int]) -> int:
        """Return how many deliveries never came; raise `RuntimeError` if anybody has got what nobody sent."""
        if max(received) > self.read_to:
            raise RuntimeError(f"a client got {max(received)} bytes, of {self.read_to} that were sent")
        end = self.ends[-1] if self.ends else 0
        short = sum(max(0, end - each) for each in received)
        unread = len(self.sent_at) - len(self.ends)
        return unread * len(self.clients) + (round(short * len(self.ends) / end) if end else 0)


class Load:
    """All clients of a server, in one class or in many."""

    def __init__(self, groups: Sequence[Group], dialect: Dialect) -> None:
        self.groups = groups
        self.clients = [client for group in groups for client in group.clients]
        self._dialect = dialect
        self._group_of = {group.first + n: group for group in groups for n in range(len(group.senders))}
        self._busy: set[Group] = set()
        for client in self.clients:
            client.socket.setblocking(False)
        self._drain = Drain([client.socket for client in self.clients], list(self._group_of))

    @classmethod
    def join(cls, port: int, dialect: Dialect, classes: Sequence[Class], senders: int) -> "Load":
        """Connect everybody; the first `senders` of each class write."""
        groups: list[Group] = []
        clients: list[Client] = []
        heard = time.monotonic()
        for each in classes:
            first = len(clients)
            for seat in each.seats:
                address = Address(port, seat.path, source(len(clients)))
                clients.append(_join(dialect, address, seat.topics))
                if time.monotonic() > heard + KEEP_ALIVE_SECONDS:
                    heard = _beat(dialect, clients)
            groups.append(Group(clients[first:], first, each.topic, dialect, senders))
        return cls(groups, dialect)

    def settle(self) -> None:
        """Let every client say that it lives, and wait until all is quiet: a server ends those that say nothing."""
        _beat(self._dialect, self.clients)
        while self._read(QUIET_SECONDS):
            pass
        for client in self.clients:
            client.inbox.clear()

    def run(self, seconds: float, in_flight: int) -> Run:
        """Keep so many messages in flight in the only class; one is, until every client has it."""
        (group,) = self.groups
        began, cpu = self._reset()
        while time.perf_counter() - began < seconds:
            while group.in_flight < in_flight:
                self._send(group)
            self._read(1.0)
        return self._finish(began, cpu)

    def run_at(self, seconds: float, rate: float) -> Run:
        """Send so many messages a second, to one class after another.

        They come at random times, as from many who know nothing of each other: evenly they would beat with the ticks
        by which the kernel samples a server.
        """
        began, cpu = self._reset()
        sent, due = 0, 0.0
        while (passed := time.perf_counter() - began) < seconds:
            while due <= passed:
                self._send(self.groups[sent % len(self.groups)])
                sent += 1
                due += random.expovariate(rate)
            self._read(due - passed)
        return self._finish(began, cpu)

    def listen(self, count: int) -> tuple[float, int]:
        """Wait for so many messages that somebody else sends to the only class.

        Return when the last client got the last one (by `time.perf_counter`, the same in all processes of a machine),
        and how many deliveries never came.
        """
        (group,) = self.groups
        began, cpu = self._reset()
        group.sent_at = [began] * count
        self._busy.add(group)
        run = self._finish(began, cpu)
        return began + (run.latencies[-1] if run.latencies else 0.0), run.missing

    def _reset(self) -> tuple[float, float]:
        self._drain.reset()
        self._busy.clear()
        for group in self.groups:
            group.reset()
        return time.perf_counter(), time.process_time()

    def _send(self, group: Group) -> None:
        group.send()
        self._busy.add(group)

    def _read(self, seconds: float) -> int:
        """Take in what has come, or comes within that time; return how many clients got something."""
        ready = self._drain.wait(seconds)
        for slot in self._drain.kept:
            self._drain.received[slot] += self._group_of[slot].read(self.clients[slot])
        for group in list(self._busy):
            group.settle(self._drain.least(group.first, len(group.clients)))
            if not group.in_flight:
                self._busy.remove(group)
        return ready

    def _finish(self, began: float, cpu: float) -> Run:
        """Take in what is still under way."""
        while self._busy and self._read(LOST_SECONDS):
            pass
        took = time.perf_counter() - began
        # Beside messages there may be a word of who is here, which the first sender has not read yet.
        while any(max(self._received(group)) > group.read_to for group in self.groups) and self._read(QUIET_SECONDS):
            pass
        return Run(
            messages=sum(len(group.sent_at) for group in self.groups),
            seconds=took,
            missing=sum(group.missing(self._received(group)) for group in self.groups),
            latencies=sorted(latency for group in self.groups for latency in group.latencies),
            cpu=time.process_time() - cpu,
        )

    def _received(self, group: Group) -> Sequence[int]:
        return self._drain.received[group.first : group.first + len(group.clients)]

    def close(self) -> None:
        """Hang up."""
        for client in self.clients:
            client.socket.close()
        self._drain.close()


def _beat(dialect: Dialect, clients: Sequence[Client]) -> float:
    """Let clients say that they live; return when."""
    for client in clients:
        dialect.beat(client)
    return time.monotonic()


def _join(dialect: Dialect, address: Address, topics: Sequence[str]) -> Client:
    client = Client(address)
    dialect.greet(client)
    for topic in topics:
        dialect.join(client, topic)
    return client
