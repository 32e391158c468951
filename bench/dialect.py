"""The protocols of the servers: how a client joins a class, sends to it, and recognises a broadcast.

The load generator is the same for all servers; the differences are here, one class per protocol.
"""

import json
import socket
from typing import Any, Protocol

from bench.client import Client

TEXT = "A fotossíntese transforma luz em energia química."


class Dialect(Protocol):
    """One protocol; it has no state, so all clients share it.

    A server that `gathers` may put several messages into one frame, each on a line of its own.
    """

    gathers: bool

    def path(self, topic: str) -> str:
        """Return the path for a client that will join this topic."""

    def greet(self, client: Client) -> None:
        """Perform the protocol's opening on a blocking socket."""

    def join(self, client: Client, topic: str) -> None:
        """Join a topic on a blocking socket."""

    def write(self, client: Client, topic: str, number: int) -> None:
        """Send the message with this number, without waiting for a reply."""

    def is_broadcast(self, frame: bytes) -> bool:
        """Return whether a frame is one that the whole class receives."""

    def is_message(self, frame: bytes) -> bool:
        """Return whether a broadcast is a message sent by a client."""

    def beat(self, client: Client) -> bool:
        """Send a heartbeat; return whether a reply will follow."""


class Phoenix:
    """Phoenix Channels V2: for Lousa and all peers without a protocol of their own."""

    gathers = False

    def __init__(self, text: str = TEXT) -> None:
        self._text = text

    def path(self, topic: str) -> str:
        """Return the only path."""
        return "/socket/websocket"

    def greet(self, client: Client) -> None:
        """Do nothing: the protocol has no opening."""

    def join(self, client: Client, topic: str) -> None:
        """Push `phx_join`."""
        self.request(client, topic, "phx_join", {})

    def write(self, client: Client, topic: str, number: int) -> None:
        """Push `message:send`."""
        self.push(client, topic, "message:send", {"id": f"b{number:012}", "text": self._text})

    def is_broadcast(self, frame: bytes) -> bool:
        """Check both refs: a broadcast has none."""
        return frame.startswith((b"[null,null,", b"[null, null,"))

    def is_message(self, frame: bytes) -> bool:
        """Check the event, which follows the topic: `message:sent`, `announcement:sent`."""
        return b':sent"' in frame[:60]

    def beat(self, client: Client) -> bool:
        """Push a heartbeat."""
        self.push(client, "phoenix", "heartbeat", {})
        return True

    def push(self, client: Client, topic: str, event: str, payload: dict[str, Any]) -> str:
        """Push without waiting; return the ref."""
        client.refs += 1
        ref = str(client.refs)
        if event == "phx_join":
            client.join_refs[topic] = ref
        client.send(json.dumps([client.join_refs.get(topic), ref, topic, event, payload]).encode())
        return ref

    def request(self, client: Client, topic: str, event: str, payload: dict[str, Any]) -> Any:
        """Push and wait for the response; skips other frames."""
        ref = self.push(client, topic, event, payload)
        while True:
            for frame in client.next_frames():
                response = _response(frame, ref)
                if response is not None:
                    return response

    def class_topics(self, client: Client) -> dict[str, str]:
        """Return the topics of a user's classes by title; only Lousa supports this."""
        topics = self.request(client, "user:me", "phx_join", {})["topics"]
        return {entry["title"]: entry["topic"] for entry in topics if entry["topic"].startswith("class:")}


def _response(frame: bytes, ref: str) -> Any:
    """Return the response in a frame if it is the reply to this ref."""
    if not frame.startswith(b"["):
        return None
    message = json.loads(frame)
    if message[1] != ref or message[3] != "phx_reply":
        return None
    assert message[4]["status"] == "ok", message
    return message[4]["response"]


class SocketIO:
    """Socket.IO 5 over Engine.IO 4, only by WebSocket; a packet with an id gets an acknowledgement."""

    gathers = False

    def path(self, topic: str) -> str:
        """Return the only path."""
        return "/socket.io/?EIO=4&transport=websocket"

    def greet(self, client: Client) -> None:
        """Connect to the namespace after the server's handshake packet."""
        self._wait(client, b"0{")
        client.send(b"40")
        self._wait(client, b"40{")

    def join(self, client: Client, topic: str) -> None:
        """Emit `phx_join` (the same name as in Phoenix) and wait for its acknowledgement."""
        ref = self._emit(client, ["phx_join", topic])
        self._wait(client, b"43%d[" % ref)

    def write(self, client: Client, topic: str, number: int) -> None:
        """Emit `message:send`."""
        self._emit(client, ["message:send", topic, {"id": f"b{number:012}", "text": TEXT}])

    def is_broadcast(self, frame: bytes) -> bool:
        """Check the packet's type and that it has no id."""
        return frame.startswith(b"42[")

    def is_message(self, frame: bytes) -> bool:
        """Return True: there are no other events."""
        return True

    def beat(self, client: Client) -> bool:
        """Do nothing: in Engine.IO the server sends pings, and the peers have them disabled."""
        return False

    def _emit(self, client: Client, arguments: list[Any]) -> int:
        client.refs += 1
        client.send(b"42%d%s" % (client.refs, json.dumps(arguments).encode()))
        return client.refs

    def _wait(self, client: Client, beginning: bytes) -> None:
        while not any(frame.startswith(beginning) for frame in client.next_frames()):
            pass


class Nchan:
    """Nchan: the path selects the class, and a client's message is broadcast unchanged."""

    gathers = False

    def path(self, topic: str) -> str:
        """Return the channel's path."""
        return f"/socket/{topic.replace(':', '-')}"

    def greet(self, client: Client) -> None:
        """Do nothing: the protocol has no opening."""

    def join(self, client: Client, topic: str) -> None:
        """Do nothing: a connected client has joined."""

    def write(self, client: Client, topic: str, number: int) -> None:
        """Send the final broadcast that another peer would build, since Nchan forwards it unchanged."""
        message = {
            "id": f"b{number:012}",
            "text": TEXT,
            "author": {"id": 1234, "name": "Student00001 Silva", "role": "student"},
            "seq": number,
            "at": 1_790_000_000_000,
        }
        client.send(json.dumps([None, None, topic, "message:sent", message]).encode())
        # Nchan leaves Nagle's algorithm on: with delayed TCP acknowledgements a client would receive the next message
        # up to 40 ms late.
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    def is_broadcast(self, frame: bytes) -> bool:
        """Return True: there are no other frames."""
        return True

    def is_message(self, frame: bytes) -> bool:
        """Return True: there are no other frames."""
        return True

    def beat(self, client: Client) -> bool:
        """Do nothing."""
        return False


class Centrifugo:
    """Centrifugo's JSON protocol: commands and replies with an id, pushes without."""

    gathers = True

    def path(self, topic: str) -> str:
        """Return the only path."""
        return "/connection/websocket"

    def greet(self, client: Client) -> None:
        """Connect, without a token."""
        self._request(client, {"connect": {}})

    def join(self, client: Client, topic: str) -> None:
        """Subscribe to the channel."""
        self._request(client, {"subscribe": {"channel": topic}})

    def write(self, client: Client, topic: str, number: int) -> None:
        """Publish to the channel; Centrifugo adds the number and who has sent it."""
        data = {
            "id": f"b{number:012}",
            "text": TEXT,
            "author": {"id": 1234, "name": "Student00001 Silva", "role": "student"},
            "at": 1_790_000_000_000,
        }
        self._command(client, {"publish": {"channel": topic, "data": data}})

    def is_broadcast(self, frame: bytes) -> bool:
        """Check that it is a push."""
        return frame.startswith(b'{"push":')

    def is_message(self, frame: bytes) -> bool:
        """Return True: joins and leaves are not told."""
        return True

    def beat(self, client: Client) -> bool:
        """Do nothing: the server sends pings, and they are disabled."""
        return False

    def _request(self, client: Client, command: dict[str, Any]) -> None:
        ref = self._command(client, command)
        lines: list[bytes] = []
        while not any(line.startswith(b'{"id":%d,' % ref) for line in lines):
            lines = b"\n".join(client.next_frames()).splitlines()
        assert not any(b'"error":' in line for line in lines), lines

    def _command(self, client: Client, command: dict[str, Any]) -> int:
        client.refs += 1
        client.send(json.dumps({"id": client.refs, **command}).encode())
        return client.refs
