"""One WebSocket of the load generator: raw frames over a socket that blocks until the load takes it over."""

import base64
import os
import socket
from dataclasses import dataclass

PATIENCE_SECONDS = 120.0
_AT_ONCE = 1024 * 1024
IP_BIND_ADDRESS_NO_PORT = 24  # ip(7); Python has no name for it

# The kernel gives about 28,000 ports to connections of one address to another: clients come from several.
CLIENTS_OF_AN_ADDRESS = 10_000


@dataclass(frozen=True, slots=True)
class Seat:
    """One client's place in a school: the path by which it connects, and all topics that it joins, in this order."""

    path: str
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Class:
    """The clients who get what is sent to one topic."""

    topic: str
    seats: list[Seat]


@dataclass(frozen=True, slots=True)
class Address:
    """Where a client connects to, and from which loopback address; `buffer_bytes` of what it has not read may wait.

    The kernel decides that by itself where it is 0.
    """

    port: int
    path: str
    source: str = "127.0.0.1"
    buffer_bytes: int = 0

    def open(self) -> socket.socket:
        """Return a socket that is about to connect; it blocks, up to a limit."""
        made = socket.socket()
        if self.buffer_bytes:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.buffer_bytes)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # The port is chosen as late as it connects: otherwise one could be used for one connection only.
        made.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        made.bind((self.source, 0))
        made.settimeout(PATIENCE_SECONDS)
        return made

    @property
    def target(self) -> tuple[str, int]:
        """Return where the server is."""
        return "127.0.0.1", self.port


def source(number: int) -> str:
    """Return the address from which the n-th client comes."""
    return f"127.0.0.{1 + number // CLIENTS_OF_AN_ADDRESS}"


class Client:
    """One connection; `refs` counts what it has asked, and `join_refs` are those of its joins by topic."""

    __slots__ = ("inbox", "join_refs", "refs", "socket")

    def __init__(self, address: Address) -> None:
        self.socket = address.open()
        self.socket.connect(address.target)
        self.inbox = bytearray()
        self.refs = 0
        self.join_refs: dict[str, str] = {}
        self._upgrade(address)

    def _upgrade(self, address: Address) -> None:
        self.socket.sendall(upgrade_request(address))
        while b"\r\n\r\n" not in self.inbox:
            self._receive()
        head, _, rest = bytes(self.inbox).partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101"):
            raise ConnectionError(f"refused: {head.decode(errors='replace')}")
        self.inbox = bytearray(rest)

    def _receive(self) -> None:
        data = self.socket.recv(_AT_ONCE)
        if not data:
            raise ConnectionError("the server closed a connection")
        self.inbox += data

    def send(self, text: bytes) -> None:
        """Send one frame."""
        self.socket.sendall(masked(text))

    def next_frames(self) -> list[bytes]:
        """Wait for the next frames, while the socket blocks; return what came with them, too."""
        while not (frames := self.frames()):
            self._receive()
        return frames

    def frames(self) -> list[bytes]:
        """Take the whole frames out of the inbox; return their payloads."""
        return take_frames(self.inbox)


def upgrade_request(address: Address) -> bytes:
    """Return the request that opens a WebSocket."""
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET {address.path} HTTP/1.1\r\nHost: 127.0.0.1:{address.port}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


def take_frames(inbox: bytearray) -> list[bytes]:
    """Take the whole frames of a server out of what has come; return their payloads."""
    found, start, size = [], 0, len(inbox)
    while size - start >= 2:
        length, header = inbox[start + 1], 2
        if length >= 126:
            header = 4 if length == 126 else 10
            length = int.from_bytes(inbox[start + 2 : start + header], "big")
        if size - start < header + length:
            break
        found.append(bytes(inbox[start + header : start + header + length]))
        start += header + length
    del inbox[:start]
    return found


def masked(payload: bytes) -> bytes:
    """Make a client's text frame; its mask is zero, which the RFC allows and which leaves the payload as it is."""
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    return b"\x81" + length + bytes(4) + payload


def frame_bytes(payload: bytes) -> int:
    """Return how long a server's frame around this payload is."""
    size = len(payload)
    return size + (2 if size < 126 else 4 if size < 65536 else 10)
