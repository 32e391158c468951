"""The two transports in one school: half of the clients on WebSockets, half polling, all on one worker.

An announcement goes to a class of which all have a WebSocket, to one of which all poll, and to the whole school: until
the last one has it, and what it costs the server. A client that polls asks again at once; that is counted in.
"""

import os
import select
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

from bench.fanout import CORES
from bench.load import PATIENCE_SECONDS, Client
from bench.polling import Poller
from bench.served import MICROSECONDS, allow_many_files, cpu_seconds, scratch, served, socket_path
from tests.lousa import Lousa
from tests.roster import PRINCIPAL

KIB = 1024

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
        self._sockets: dict[int, Client] = {}
        self._polls: dict[int, Poller] = {}

    def add_sockets(self, tokens: Sequence[str], topics: Sequence[str]) -> None:
        """Connect by WebSocket, one for each token, and join."""
        for token in tokens:
            client = Client(self._port, socket_path("students", token))
            for topic in topics:
                client.request(topic, "phx_join", {}, join_ref=str(client.refs + 1))
            client.socket.setblocking(False)
            self._sockets[client.socket.fileno()] = client
            self._epoll.register(client.socket, select.EPOLLIN)
        self.read(_SETTLE_SECONDS)

    def add_polls(self, tokens: Sequence[str], topics: Sequence[str]) -> None:
        """Open a long-poll session for each token, and join."""
        for number, token in enumerate(tokens):
            poller = Poller(self._port, f"/students/socket/longpoll?vsn=2.0.0&access_token={token}")
            poller.join(topics)
            self._polls[poller.socket.fileno()] = poller
            self._epoll.register(poller.socket, select.EPOLLIN)
            if number % 100 == 0:
                self.read(0)  # those who have joined go on polling
        self.read(_SETTLE_SECONDS)

    def read(self, seconds: float) -> dict[str, int]:
        """Read what comes within that time; return how many announcements that were, by kind."""
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
        client.received += count
        return count

    def idle(self, seconds: float) -> None:
        """Let that time pass as a quiet lesson does: WebSockets beat once, polls are renewed."""
        began = time.perf_counter()
        beating = list(self._sockets.values())
        for number, client in enumerate(beating):
            client.push("phoenix", "heartbeat", {})
            self.read(max(0.0, began + seconds * (number + 1) / len(beating) - time.perf_counter()))
        self.read(max(0.0, began + seconds - time.perf_counter()))

    def await_all(self, counts: dict[str, int], began: float) -> dict[str, float]:
        """Read until so many of each kind have it; return after how many seconds the last of each did."""
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
        """Raise RuntimeError unless every client has had each announcement once."""
        had = {client.received for client in self._sockets.values()} | {each.events for each in self._polls.values()}
        if had != {times}:
            raise RuntimeError(f"clients had {sorted(had)} announcements, not {times}")


def measure(clients: int, rounds: int) -> tuple[list[Held], list[Told]]:
    """Measure with so many clients of each kind."""
    allow_many_files()
    with _school(clients) as (server, tokens, principal):
        crowd = Crowd(server.port)
        process = psutil.Process(server.pid)
        empty = process.memory_info().rss
        crowd.add_sockets(tokens[:clients], ["user:me", "class:1", "school"])
        with_sockets = process.memory_info().rss
        idle_sockets = _idle_cpu(crowd, server.pid)
        crowd.add_polls(tokens[clients:], ["user:me", "class:2", "school"])
        with_polls = process.memory_info().rss
        idle_both = _idle_cpu(crowd, server.pid)
        held = [
            Held(SOCKETS, (with_sockets - empty) / KIB / clients, idle_sockets / clients),
            Held(POLLS, (with_polls - with_sockets) / KIB / clients, (idle_both - idle_sockets) / clients),
        ]
        told = [each for _ in range(rounds) for each in _tell_everybody(crowd, principal, server.pid, clients)]
        crowd.check(2 * rounds)
        return held, told


@contextmanager
def _school(clients: int) -> Iterator[tuple[Lousa, list[str], Client]]:
    with scratch() as folder, served(folder, 2 * clients, 2) as (server, tokens, _):
        if len(CORES) > 1:
            psutil.Process(server.pid).cpu_affinity(CORES[:1])
            os.sched_setaffinity(0, CORES[1:])
        token = server.tokens(PRINCIPAL)[PRINCIPAL]
        principal = Client(server.port, socket_path("principal", token))
        for topic in ("class:1", "class:2", "school"):
            principal.request(topic, "phx_join", {}, join_ref=str(principal.refs + 1))
        yield server, tokens, principal


def _idle_cpu(crowd: Crowd, pid: int) -> float:
    """Return the server's CPU while nothing happens, in µs a second."""
    crowd.read(_SETTLE_SECONDS)
    before = cpu_seconds(pid)
    crowd.idle(_BEAT_SECONDS)
    return (cpu_seconds(pid) - before) / _BEAT_SECONDS * MICROSECONDS


def _tell_everybody(crowd: Crowd, principal: Client, pid: int, clients: int) -> Iterator[Told]:
    for audience, topic, counts in (
        ("a class on WebSockets", "class:1", {SOCKETS: clients}),
        ("a class that polls", "class:2", {POLLS: clients}),
        ("the school", "school", {SOCKETS: clients, POLLS: clients}),
    ):
        before, began = cpu_seconds(pid), time.perf_counter()
        principal.push(topic, "announcement:send", {"text": "Amanhã não há aula."})
        last = crowd.await_all(counts, began)
        crowd.read(_SETTLE_SECONDS)
        yield Told(audience, counts, last, cpu_seconds(pid) - before)


def report(held: Sequence[Held], told: Sequence[Told]) -> str:
    """Put what was measured into two tables in Markdown; of the rounds the best."""
    lines = ["| transport | resident KiB a client | idle: µs of CPU a second and client |", "|---|---|---|"]
    lines += [f"| {each.kind} | {each.kib:.1f} | {each.idle:.1f} |" for each in held]
    lines += ["", "| announcement to | clients | last WebSocket after | last poll after | µs of CPU a client |"]
    lines += ["|---|---|---|---|---|"]
    for audience in dict.fromkeys(each.audience for each in told):
        rounds = [each for each in told if each.audience == audience]
        best = min(rounds, key=lambda each: max(each.last.values()))
        total = sum(best.counts.values())
        seconds = [f"{best.last[kind]:.2f} s" if kind in best.last else "" for kind in (SOCKETS, POLLS)]
        cpu = min(each.cpu for each in rounds) / total * MICROSECONDS
        lines.append(f"| {audience} | {total:,} | {seconds[0]} | {seconds[1]} | {cpu:.0f} |")
    return "\n".join(lines)
