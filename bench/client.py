"""One WebSocket of the load generator: raw frames over a socket that blocks until the load uses it."""

import base64
import os
import socket
from dataclasses import dataclass

PATIENCE_SECONDS = 120.0
# How much is read at once. For more, Python maps and unmaps memory at each read, which takes longer than the read.
READ_BYTES = 64 * 1024
IP_BIND_ADDRESS_NO_PORT = 24  # ip(7); Python has no name for it

# The kernel has about 28,000 ports for connections between two addresses, so clients use several source addresses.
CLIENTS_OF_AN_ADDRESS = 10_000


@dataclass(frozen=True, slots=True)
class Seat:
    """One client of a school: the path of its connection and the topics that it joins, in this order."""

    path: str
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Class:
    """The clients that receive the messages of one topic."""

    topic: str
    seats: list[Seat]


@dataclass(frozen=True, slots=True)
class Address:
    """A client's target and its loopback source address; `buffer_bytes` limits its receive buffer.

    With 0 the kernel chooses the size of the buffer.
    """

    port: int
    path: str
    source: str = "127.0.0.1"
    buffer_bytes: int = 0

    def open(self) -> socket.socket:
        """Return a connecting socket; it blocks, with a timeout."""
        made = socket.socket()
        if self.buffer_bytes:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.buffer_bytes)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Chooses the port only on connect: otherwise each port could be used for only one connection.
        made.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        made.bind((self.source, 0))
        made.settimeout(PATIENCE_SECONDS)
        return made

    @property
    def target(self) -> tuple[str, int]:
        """Return the server's address."""
        return "127.0.0.1", self.port


def source(number: int) -> str:
    """Return the source address of the n-th client."""
    return f"127.0.0.{1 + number // CLIENTS_OF_AN_ADDRESS}"


class Client:
    """One connection; `refs` counts its requests, and `join_refs` has the refs of its joins by topic."""

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
        data = self.socket.recv(READ_BYTES)
        if not data:
            raise ConnectionError("the server closed a connection")
        self.inbox += data

    def send(self, text: bytes) -> None:
        """Send one frame."""
        self.socket.sendall(masked(text))

    def next_frames(self) -> list[bytes]:
        """Wait for data on the blocking socket; return all frames that arrived."""
        while not (frames := self.frames()):
            self._receive()
        return frames

    def frames(self) -> list[bytes]:
        """Remove the complete frames from the inbox; return their payloads."""
        return take_frames(self.inbox)


def upgrade_request(address: Address) -> bytes:
    """Return the request that opens a WebSocket."""
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET {address.path} HTTP/1.1\r\nHost: 127.0.0.1:{address.port}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


def take_frames(inbox: bytearray) -> list[bytes]:
    """Remove the complete server frames from the received data; return their payloads."""
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
    """Make a client's text frame with a zero mask, which RFC 6455 allows and which leaves the payload unchanged."""
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    return b"\x81" + length + bytes(4) + payload


def frame_bytes(payload: bytes) -> int:
    """Return the length of a server's frame with this payload."""
    size = len(payload)
    return size + (2 if size < 126 else 4 if size < 65536 else 10)


def line_bytes(payload: bytes) -> int:
    """Return the length of a line with this payload and its end."""
    return len(payload) + 1
