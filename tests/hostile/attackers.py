"""Clients that take what they can: each sends as fast as it is read, and connects again when it is closed.

Attackers(port, KINDS["pings"], paths).attack(seconds) -> what the server did with them
"""

import base64
import os
import re
import selectors
import socket
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from channels.limit import MAX_FRAME_BYTES, MAX_POST_BYTES
from tests.hostile.frames import BINARY, CONTINUATION, PING, PONG, TEXT, frame

# How much one attacker hands to the kernel at once, and how long one whose connection was refused waits: a moment.
_AT_ONCE = 64 * 1024
_AGAIN_SECONDS = 0.01

_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")

UPGRADE = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"


@dataclass(frozen=True, slots=True)
class Kind:
    """One attack: what is sent first, with `{path}` of a user's socket in it, and what again and again after that."""

    first: str
    then: bytes
    step: int = _AT_ONCE  # bytes in one call of `send`
    hangs_up: bool = False  # closes by itself after `then`, and connects again


def _get(path: str, *lines: str) -> str:
    return "".join(f"{line}\r\n" for line in (f"GET {path} HTTP/1.1", "Host: x", *lines, ""))


_SOCKET = _get("{path}", UPGRADE.removesuffix("\r\n"))
_JOIN = frame(TEXT, b'["1","1","school","phx_join",{}]')
_BODY = f"POST /students/socket/longpoll HTTP/1.1\r\nHost: x\r\nContent-Length: {MAX_POST_BYTES}\r\n\r\n"

KINDS = {
    "empty parts": Kind(_SOCKET, frame(TEXT, final=False) + frame(CONTINUATION, final=False) * 10_000),
    "pings": Kind(_SOCKET, frame(PING, b"x" * 125) * 500),
    "pongs": Kind(_SOCKET, frame(PONG) * 10_000),
    "junk": Kind(_SOCKET, frame(TEXT, b"{" * 40) * 1_000),
    "nested brackets": Kind(_SOCKET, frame(TEXT, b"[" * (MAX_FRAME_BYTES - 1))),
    "long frames": Kind(_SOCKET, frame(TEXT, b'["1","2","t","e",["' + b"x" * (MAX_FRAME_BYTES - 30) + b'"]]')),
    "byte by byte": Kind(_SOCKET, frame(BINARY, bytes(60_000)), step=1),
    "joins": Kind(_SOCKET, _JOIN * 500),
    "frames of no protocol": Kind(_SOCKET, b"\xff" * 1_000),
    "pages": Kind("", _get("/accounts/sign-in").encode() * 100),
    "files": Kind("", _get("/static/page.js").encode() * 100),
    "nowhere": Kind("", _get("/nowhere?" + "a=b&" * 500).encode() * 20),
    "polls of nobody": Kind("", _get("/students/socket/longpoll?token=a.b.c.d").encode() * 100),
    "long heads": Kind(_get("/")[:-2], b"X: " + b"x" * 100_000),
    "bodies": Kind(_BODY, bytes(MAX_POST_BYTES)),
    "slow bodies": Kind(_BODY, b"x", step=1),
    "handshakes of nobody": Kind(_get("/students/socket/websocket", UPGRADE.removesuffix("\r\n")), b"", hangs_up=True),
    "handshakes": Kind(_SOCKET, b"", hangs_up=True),
    "connections": Kind("", b"x", hangs_up=True),
}


@dataclass(slots=True)
class Report:
    """What a server did: connections, bytes that it took, HTTP statuses, and close codes (None: just closed)."""

    connections: int = 0
    sent_bytes: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    codes: Counter[int | None] = field(default_factory=Counter)


class Attackers:
    """One attacker for each path, all in this thread."""

    def __init__(self, port: int, kind: Kind, paths: Sequence[str]) -> None:
        self._port = port
        self._kind = kind
        self._paths = paths
        self._selector = selectors.DefaultSelector()
        self._again: list[tuple[float, str]] = []
        self.report = Report()

    def attack(self, seconds: float, until: int | None = None) -> Report:
        """Attack for this time, or until a status or a close code has come; then hang up."""
        ends = time.monotonic() + seconds
        for path in self._paths:
            self._connect(path)
        while time.monotonic() < ends and not self._has_met(until):
            for key, events in self._selector.select(_AGAIN_SECONDS):
                attacker: _Attacker = key.data
                if not attacker.go_on(events):
                    self._drop(attacker)
            self._connect_again()
        for key in list(self._selector.get_map().values()):
            self._drop(key.data)
        return self.report

    def _has_met(self, end: int | None) -> bool:
        return end is not None and (end in self.report.codes or end in self.report.statuses)

    def _connect_again(self) -> None:
        now = time.monotonic()
        while self._again and self._again[0][0] <= now:
            self._connect(self._again.pop(0)[1])

    def _connect(self, path: str) -> None:
        attacker = _Attacker(self._port, self._kind, path, self.report)
        self._selector.register(attacker.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, attacker)

    def _drop(self, attacker: "_Attacker") -> None:
        self._selector.unregister(attacker.socket)
        attacker.end()
        self._again.append((time.monotonic() + _AGAIN_SECONDS, attacker.path))


class _Attacker:
    def __init__(self, port: int, kind: Kind, path: str, report: Report) -> None:
        self.path = path
        self._kind = kind
        self._report = report
        key = base64.b64encode(os.urandom(16)).decode()
        self._sending = memoryview(kind.first.replace("{path}", path).replace("{key}", key).encode())
        self._is_first = True
        self._received = bytearray()
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.connect_ex(("127.0.0.1", port))
        report.connections += 1

    def go_on(self, events: int) -> bool:
        """Read what there is, and send more; return whether the connection is still of use."""
        try:
            if events & selectors.EVENT_READ and not self._read():
                return False
            return not events & selectors.EVENT_WRITE or self._send()
        except OSError:
            return False

    def _read(self) -> bool:
        data = self.socket.recv(_AT_ONCE)
        # The first answer, and the last close frame, are what is looked at.
        self._received += data
        if len(self._received) > _AT_ONCE:
            del self._received[1_000:-1_000]
        return bool(data)

    def _send(self) -> bool:
        if not self._sending:
            if self._kind.hangs_up and not self._is_first:
                return False
            self._sending, self._is_first = memoryview(self._kind.then), False
        if self._sending:
            sent = self.socket.send(self._sending[: self._kind.step])
            self._report.sent_bytes += sent
            self._sending = self._sending[sent:]
        return True

    def end(self) -> None:
        """Note what the server has said, and hang up."""
        with suppress(OSError):
            while data := self.socket.recv(_AT_ONCE):
                self._received += data
        self.socket.close()
        self._report.statuses.update(int(status) for status in _STATUS.findall(self._received))
        at = self._received.rfind(b"\x88")
        self._report.codes[int.from_bytes(self._received[at + 2 : at + 4], "big") if at >= 0 else None] += 1
