"""A load generator that costs less than what it measures: one process, raw non-blocking sockets, one epoll.

Every client of a class gets the same bytes. So a few of its clients, the senders, read their frames; all others only
count bytes into one scratch buffer, and the count is checked against what the senders read. That is about 2 µs a
delivery, nearly all of it the kernel's, and less when a server writes several frames at once.
"""

import base64
import json
import os
import random
import select
import socket
import time
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

# As much as a socket can have for us at once, so that one call empties it.
_SCRATCH = bytearray(1024 * 1024)

PATIENCE_SECONDS = 120.0
QUIET_SECONDS = 0.5


class Client:
    """One WebSocket. `received` counts the bytes of broadcasts of the measurement."""

    __slots__ = ("inbox", "received", "refs", "socket")

    def __init__(self, port: int, path: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.inbox = bytearray()
        self.received = 0
        self.refs = 0
        self._upgrade(port, path)

    def _upgrade(self, port: int, path: str) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        while b"\r\n\r\n" not in self.inbox:
            data = self.socket.recv(65536)
            if not data:
                break
            self.inbox += data
        head, _, rest = bytes(self.inbox).partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101"):
            raise RuntimeError(f"refused: {head.decode(errors='replace')}")
        self.inbox = bytearray(rest)

    def push(self, topic: str, event: str, payload: dict[str, Any], *, join_ref: str | None = None) -> str:
        """Send one push without waiting for anything; return its ref."""
        self.refs += 1
        ref = str(self.refs)
        self.socket.sendall(masked(json.dumps([join_ref, ref, topic, event, payload]).encode()))
        return ref

    def request(self, topic: str, event: str, payload: dict[str, Any], *, join_ref: str | None = None) -> Any:
        """Push and wait for the response, while the socket is blocking; whatever else comes is passed over."""
        ref = self.push(topic, event, payload, join_ref=join_ref)
        while True:
            for frame in self.frames():
                if frame.startswith(b"["):
                    message = json.loads(frame)
                    if message[1] == ref and message[3] == "phx_reply":
                        assert message[4]["status"] == "ok", message
                        return message[4]["response"]
            data = self.socket.recv(1024 * 1024)
            if not data:
                raise RuntimeError("the server closed a connection")
            self.inbox += data

    def class_topics(self) -> dict[str, str]:
        """Ask for the topics of this user's classes, by their titles."""
        topics = self.request("user:me", "phx_join", {}, join_ref=str(self.refs + 1))["topics"]
        return {entry["title"]: entry["topic"] for entry in topics if entry["topic"].startswith("class:")}

    def frames(self) -> list[bytes]:
        """Take the whole frames out of the inbox; return their payloads."""
        found, start, size = [], 0, len(self.inbox)
        while size - start >= 2:
            length, header = self.inbox[start + 1], 2
            if length >= 126:
                header = 4 if length == 126 else 10
                length = int.from_bytes(self.inbox[start + 2 : start + header], "big")
            if size - start < header + length:
                break
            found.append(bytes(self.inbox[start + header : start + header + length]))
            start += header + length
        del self.inbox[:start]
        return found


def _received(size: int) -> int:
    if not size:
        raise RuntimeError("the server closed a connection")
    return size


def masked(payload: bytes) -> bytes:
    """Make a client's text frame; its mask is zero, which the RFC allows and which leaves the payload as it is."""
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    return b"\x81" + length + bytes(4) + payload


def frame_bytes(payload: bytes) -> int:
    """Return how long a server's frame around this payload is."""
    size = len(payload)
    return size + (2 if size < 126 else 4 if size < 65536 else 10)


class Group:
    """The clients that have joined one class, the first `senders` of which write."""

    def __init__(self, clients: Sequence[Client], topic: str, join_refs: Sequence[str], senders: int) -> None:
        self.clients = clients
        self.senders = clients[:senders]
        self._topic = topic
        self._join_refs = join_refs
        self._sent = self._sent_before = 0
        # Where each message of this measurement ends, in bytes from its beginning: the same for every client.
        self.ends: list[int] = []

    @classmethod
    def join(cls, clients: Sequence[Client], topic: str, senders: int) -> "Group":
        """Let all of them join."""
        join_refs = []
        for client in clients:
            join_refs.append(str(client.refs + 1))
            client.request(topic, "phx_join", {}, join_ref=join_refs[-1])
        return cls(clients, topic, join_refs, senders)

    def reset(self) -> None:
        """Begin a measurement."""
        self.ends.clear()
        self._sent_before = self._sent
        for client in self.clients:
            client.received = 0

    def send(self) -> None:
        """Let the next one write."""
        number = self._sent % len(self.senders)
        payload = {"id": f"b{self._sent:012}", "text": "A fotossíntese transforma luz em energia química."}
        self.senders[number].push(self._topic, "message:send", payload, join_ref=self._join_refs[number])
        self._sent += 1

    def read_frames(self, client: Client, data: bytes | bytearray) -> int:
        """Take a sender's frames apart: replies are its own, broadcasts everybody's. Return the broadcasts' bytes."""
        client.inbox += data
        broadcasts = [frame_bytes(frame) for frame in client.frames() if b'"message:sent"' in frame[:60]]
        if client is self.senders[0]:
            for length in broadcasts:
                self.ends.append((self.ends[-1] if self.ends else 0) + length)
        return sum(broadcasts)

    @property
    def whole(self) -> bool:
        """Whether the first sender has had everything that was sent."""
        return len(self.ends) == self._sent - self._sent_before

    @property
    def bytes_each(self) -> int:
        """How many bytes of broadcasts each client must have by now."""
        return self.ends[-1] if self.ends else 0

    def check(self) -> None:
        """Raise RuntimeError unless every client has had the bytes that the first sender has read."""
        odd = {client.received for client in self.clients} - {self.bytes_each}
        if odd:
            raise RuntimeError(f"clients did not get {self.bytes_each} bytes, but {sorted(odd)[:9]}")


class Load:
    """All clients of a server, in one class or in many."""

    def __init__(self, groups: Sequence[Group]) -> None:
        self.groups = groups
        self.clients = [client for group in groups for client in group.clients]
        self._epoll = select.epoll()
        self._by_fd = {client.socket.fileno(): client for client in self.clients}
        self._reading = {client.socket.fileno(): group for group in groups for client in group.senders}
        self._total = 0
        for client in self.clients:
            client.socket.setblocking(False)
            self._epoll.register(client.socket, select.EPOLLIN)

    def beat(self) -> None:
        """Let every client say that it lives, and wait until all is quiet: a server ends those that say nothing."""
        self._forget()
        for client in self.clients:
            client.push("phoenix", "heartbeat", {})
        unanswered = set(self._by_fd)
        while unanswered:
            unanswered -= self._forget(PATIENCE_SECONDS)
        while self._forget():
            pass
        for client in self.clients:
            client.inbox.clear()

    def _forget(self, seconds: float = QUIET_SECONDS) -> set[int]:
        """Read and forget what comes next within that time; return whose it was."""
        ready = {fd for fd, _ in self._epoll.poll(seconds, len(self.clients))}
        for fd in ready:
            _received(self._by_fd[fd].socket.recv_into(_SCRATCH))
        return ready

    def run(self, seconds: float, in_flight: int) -> tuple[int, float]:
        """Keep so many messages in flight in the only class; return how many, and the time until all had come.

        A message is in flight until every client has it. At the end each client must have had every byte.
        """
        began = self._reset()
        (group,) = self.groups
        sent = delivered = 0
        while time.perf_counter() - began < seconds:
            while sent - delivered < in_flight:
                group.send()
                sent += 1
            self._read(1.0)
            # From the bytes that all clients have together.
            delivered = bisect_right(group.ends, self._total // len(self.clients))
        self._finish()
        return sent, time.perf_counter() - began

    def run_at(self, seconds: float, rate: float) -> tuple[int, float]:
        """Send so many messages a second, to one class after another; return as `run` does.

        They come at random times, as from many who know nothing of each other: evenly they would beat with the ticks
        by which the kernel samples a server.
        """
        began = self._reset()
        sent, due = 0, 0.0
        while (passed := time.perf_counter() - began) < seconds:
            while due <= passed:
                self.groups[sent % len(self.groups)].send()
                sent += 1
                due += random.expovariate(rate)
            self._read(due - passed)
        self._finish()
        return sent, time.perf_counter() - began

    def _reset(self) -> float:
        self._total = 0
        for group in self.groups:
            group.reset()
        return time.perf_counter()

    def _read(self, seconds: float) -> None:
        """Read what has come, or comes within that time. This is the loop that must be light."""
        by_fd, reading, total = self._by_fd, self._reading, 0
        for fd, _ in self._epoll.poll(seconds, len(self.clients)):
            client = by_fd[fd]
            if fd in reading:
                size = _received(client.socket.recv_into(_SCRATCH))
                size = reading[fd].read_frames(client, _SCRATCH[:size])
            else:
                # Counted and dropped in the kernel.
                size = _received(client.socket.recv_into(_SCRATCH, 0, socket.MSG_TRUNC))
            client.received += size
            total += size
        self._total += total

    def _finish(self) -> None:
        """Take in what is still under way, and see that every client got all of it and nothing else."""
        deadline = time.perf_counter() + PATIENCE_SECONDS
        while not self._all_there():
            if time.perf_counter() > deadline:
                raise RuntimeError("not everything has been delivered")
            self._read(1.0)
        for group in self.groups:
            group.check()

    def _all_there(self) -> bool:
        expected = sum(group.bytes_each * len(group.clients) for group in self.groups)
        return self._total >= expected and all(group.whole for group in self.groups)

    def close(self) -> None:
        """Hang up."""
        for client in self.clients:
            client.socket.close()
        self._epoll.close()
