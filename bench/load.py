"""The load generator: clients in classes, messages sent to them, and a count of every byte.

A few clients of each class, its senders, read their frames; all others only count bytes (`drain.py`). The frames of the
first sender show at which byte each message ends for every client. So a message is delivered when the last client of
its class has reached that byte, and at the end each client must have received exactly that many.
"""

import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bench.client import Address, Class, Client, Seat, frame_bytes, line_bytes, source
from bench.dialect import Dialect
from bench.drain import Drain

# The most that is read from a sender's socket at once.
_SCRATCH = bytearray(1024 * 1024)

QUIET_SECONDS = 0.5
# A third of the time after which our servers close a silent client.
KEEP_ALIVE_SECONDS = 30.0
# Clients that join side by side, as those of a school do: one after another, most of the time goes to waiting.
JOINS_AT_ONCE = 64
# Clients that join before heartbeats are sent to those who have joined, if it is time.
JOINS_OF_A_PART = 1_024
# After this time without data the missing deliveries count as lost.
LOST_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Run:
    """The result of a run: messages sent, the seconds until all were delivered, missing deliveries.

    `latencies` are the seconds from a message's sending to its last delivery, in order; `cpu` is the generator's own.
    """

    messages: int
    seconds: float
    missing: int
    latencies: Sequence[float]
    cpu: float


class Group:
    """The clients of one class, in consecutive slots; the first `senders` of them send."""

    def __init__(self, clients: Sequence[Client], first: int, topic: str, dialect: Dialect, senders: int) -> None:
        self.clients = clients
        self.first = first
        self.senders = clients[:senders]
        self._topic = topic
        self._dialect = dialect
        self._written = 0
        # What the drain counts of a broadcast.
        self._size = line_bytes if dialect.gathers else frame_bytes
        self.reset()

    def reset(self) -> None:
        """Reset the measurement."""
        # Of this measurement: when each message was sent, where it ends, in bytes from the beginning, and how many
        # of them all have got; and where what the first sender has read ends.
        self.sent_at: list[float] = []
        self.ends: list[int] = []
        self.read_to = 0
        self.delivered = 0
        self.latencies: list[float] = []

    def send(self) -> None:
        """Let the next sender send a message."""
        self._dialect.write(self.senders[self._written % len(self.senders)], self._topic, self._written)
        self._written += 1
        self.sent_at.append(time.perf_counter())

    def read(self, client: Client) -> int:
        """Read a sender's frames: replies are its own, broadcasts go to all. Return the broadcasts' bytes."""
        size = client.socket.recv_into(_SCRATCH)
        if not size:
            raise ConnectionError("the server closed a sender's connection")
        client.inbox += memoryview(_SCRATCH)[:size]
        found = client.frames()
        if self._dialect.gathers:
            found = b"\n".join(found).splitlines()
        broadcasts = [each for each in found if self._dialect.is_broadcast(each)]
        if client is self.senders[0]:
            for each in broadcasts:
                self.read_to += self._size(each)
                if self._dialect.is_message(each):
                    self.ends.append(self.read_to)
        return sum(map(self._size, broadcasts))

    @property
    def in_flight(self) -> int:
        """The number of messages that are not yet delivered to all."""
        return len(self.sent_at) - self.delivered

    def settle(self, least: int) -> None:
        """Count the delivered messages, given the fewest bytes received by any client."""
        now = time.perf_counter()
        while self.delivered < len(self.ends) and least >= self.ends[self.delivered]:
            self.latencies.append(now - self.sent_at[self.delivered])
            self.delivered += 1

    def missing(self, received: Sequence[int]) -> int:
        """Return the number of missing deliveries; raises `RuntimeError` if a client received too many bytes."""
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
        self._joining_cpu = 0.0
        self._beat_at = time.monotonic()
        for client in self.clients:
            client.socket.setblocking(False)
        sockets = [client.socket for client in self.clients]
        self._drain = Drain(sockets, list(self._group_of), lines=dialect.gathers)

    @classmethod
    def join(cls, port: int, dialect: Dialect, classes: Sequence[Class], senders: int) -> "Load":
        """Connect all clients; the first `senders` of each class send."""
        cpu = time.process_time()
        clients = _join_all(port, dialect, [seat for each in classes for seat in each.seats])
        cpu = time.process_time() - cpu
        groups: list[Group] = []
        first = 0
        for each in classes:
            own = clients[first : first + len(each.seats)]
            groups.append(Group(own, first, each.topic, dialect, senders))
            first += len(own)
        load = cls(groups, dialect)
        load._joining_cpu = cpu
        return load

    def joining_cpu(self) -> float:
        """Return the CPU seconds that this process used to connect and join."""
        return self._joining_cpu

    def settle(self) -> None:
        """Send all heartbeats and wait until no data arrives: a server closes silent clients.

        A slow server may be quiet before it has replied to all.
        """
        self._drain.reset()
        self._beat_at = time.monotonic()
        is_answered = _beat(self._dialect, self.clients)
        until = self._beat_at + LOST_SECONDS
        while self._read(QUIET_SECONDS) or (is_answered and not self._has_replies and time.monotonic() < until):
            pass
        for client in self.clients:
            client.inbox.clear()

    @property
    def _has_replies(self) -> bool:
        """Whether every client got data; of those that send, replies are not counted."""
        return all(count or slot in self._group_of for slot, count in enumerate(self._drain.received))

    def keep_alive(self) -> None:
        """Settle if heartbeats are due: for the time in which another load is measured."""
        if time.monotonic() > self._beat_at + KEEP_ALIVE_SECONDS:
            self.settle()

    def run(self, seconds: float, in_flight: int) -> Run:
        """Keep `in_flight` messages in flight in the first class: sent but not yet received by all."""
        group = self.groups[0]
        began, cpu = self._reset()
        while time.perf_counter() - began < seconds:
            while group.in_flight < in_flight:
                self._send(group)
            self._read(1.0)
        return self._finish(began, cpu)

    def run_at(self, seconds: float, rate: float) -> Run:
        """Send messages at this rate per second, to the classes in turn.

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
        """Wait for this number of messages that another client sends to the only class.

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
        """Read the data that arrives within the timeout; return how many clients received some."""
        ready = self._drain.wait(seconds)
        for slot in self._drain.kept:
            self._drain.received[slot] += self._group_of[slot].read(self.clients[slot])
        for group in list(self._busy):
            group.settle(self._drain.least(group.first, len(group.clients)))
            if not group.in_flight:
                self._busy.remove(group)
        return ready

    def _finish(self, began: float, cpu: float) -> Run:
        """Read the data that is still in transit."""
        while self._busy and self._read(LOST_SECONDS):
            pass
        took = time.perf_counter() - began
        # Presence events may arrive as well, which the first sender has not read yet.
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
        """Close all connections."""
        for client in self.clients:
            client.socket.close()
        self._drain.close()


def _beat(dialect: Dialect, clients: Sequence[Client]) -> bool:
    """Send a heartbeat from each client; return whether replies will follow."""
    will_reply = [dialect.beat(client) for client in clients]
    return all(will_reply)


def _join_all(port: int, dialect: Dialect, seats: Sequence[Seat]) -> list[Client]:
    clients: list[Client] = []
    beat_at = time.monotonic()
    with ThreadPoolExecutor(JOINS_AT_ONCE) as threads:
        for first in range(0, len(seats), JOINS_OF_A_PART):
            part = enumerate(seats[first : first + JOINS_OF_A_PART], first)
            joining = [
                threads.submit(_join, dialect, Address(port, seat.path, source(number)), seat.topics)
                for number, seat in part
            ]
            clients += [each.result() for each in joining]
            if time.monotonic() > beat_at + KEEP_ALIVE_SECONDS:
                beat_at = time.monotonic()
                _beat(dialect, clients)
    return clients


def _join(dialect: Dialect, address: Address, topics: Sequence[str]) -> Client:
    client = Client(address)
    dialect.greet(client)
    for topic in topics:
        dialect.join(client, topic)
    return client
