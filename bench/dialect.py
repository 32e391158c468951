"""What a server's clients say: how one joins a class, writes to it, and tells a broadcast from the rest.

The load generator is the same for all servers; what differs is here, one class for each protocol.
"""

import json
import socket
from typing import Any, Protocol

from bench.client import Client

TEXT = "A fotossíntese transforma luz em energia química."


class Dialect(Protocol):
    """One protocol; it keeps nothing of a client, so that all clients share it."""

    def path(self, topic: str) -> str:
        """Return where a client connects that will join this topic."""

    def greet(self, client: Client) -> None:
        """Say what a new connection must say, while the socket blocks."""

    def join(self, client: Client, topic: str) -> None:
        """Join a topic, while the socket blocks."""

    def write(self, client: Client, topic: str, number: int) -> None:
        """Send the message of that number, and wait for nothing."""

    def is_broadcast(self, frame: bytes) -> bool:
        """Tell whether a frame is one that everybody in the class gets."""

    def is_message(self, frame: bytes) -> bool:
        """Tell whether such a frame is a message that a client has sent."""

    def beat(self, client: Client) -> bool:
        """Say that this client lives; tell whether there will be an answer."""


class Phoenix:
    """Phoenix Channels V2: Lousa's own, and of all peers that may choose their bytes."""

    def __init__(self, text: str = TEXT) -> None:
        self._text = text

    def path(self, topic: str) -> str:
        """Return the only place."""
        return "/socket/websocket"

    def greet(self, client: Client) -> None:
        """Say nothing."""

    def join(self, client: Client, topic: str) -> None:
        """Push `phx_join`."""
        self.request(client, topic, "phx_join", {})

    def write(self, client: Client, topic: str, number: int) -> None:
        """Push `message:send`."""
        self.push(client, topic, "message:send", {"id": f"b{number:012}", "text": self._text})

    def is_broadcast(self, frame: bytes) -> bool:
        """Tell by both refs: a broadcast has none."""
        return frame.startswith((b"[null,null,", b"[null, null,"))

    def is_message(self, frame: bytes) -> bool:
        """Tell by the event, which stands behind the topic: `message:sent`, `announcement:sent`."""
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
        """Push and wait for the response; whatever else comes is passed over."""
        ref = self.push(client, topic, event, payload)
        while True:
            for frame in client.next_frames():
                response = _response(frame, ref)
                if response is not None:
                    return response

    def class_topics(self, client: Client) -> dict[str, str]:
        """Ask for the topics of a user's classes, by their titles; only Lousa knows."""
        topics = self.request(client, "user:me", "phx_join", {})["topics"]
        return {entry["title"]: entry["topic"] for entry in topics if entry["topic"].startswith("class:")}


def _response(frame: bytes, ref: str) -> Any:
    """Return what a frame answers to that ref, if it does."""
    if not frame.startswith(b"["):
        return None
    message = json.loads(frame)
    if message[1] != ref or message[3] != "phx_reply":
        return None
    assert message[4]["status"] == "ok", message
    return message[4]["response"]


class SocketIO:
    """Socket.IO 5 over Engine.IO 4, by WebSocket alone; a packet with an id is answered."""

    def path(self, topic: str) -> str:
        """Return the only place."""
        return "/socket.io/?EIO=4&transport=websocket"

    def greet(self, client: Client) -> None:
        """Connect to the namespace, after the server's own greeting."""
        self._wait(client, b"0{")
        client.send(b"40")
        self._wait(client, b"40{")

    def join(self, client: Client, topic: str) -> None:
        """Emit `phx_join`, so called here too, and wait for its acknowledgement."""
        ref = self._emit(client, ["phx_join", topic])
        self._wait(client, b"43%d[" % ref)

    def write(self, client: Client, topic: str, number: int) -> None:
        """Emit `message:send`."""
        self._emit(client, ["message:send", topic, {"id": f"b{number:012}", "text": TEXT}])

    def is_broadcast(self, frame: bytes) -> bool:
        """Tell by the packet's type, and that it wants no answer."""
        return frame.startswith(b"42[")

    def is_message(self, frame: bytes) -> bool:
        """Tell that there are no other events."""
        return True

    def beat(self, client: Client) -> bool:
        """Do nothing: here it is the server that asks, and the peers are told not to."""
        return False

    def _emit(self, client: Client, arguments: list[Any]) -> int:
        client.refs += 1
        client.send(b"42%d%s" % (client.refs, json.dumps(arguments).encode()))
        return client.refs

    def _wait(self, client: Client, beginning: bytes) -> None:
        while not any(frame.startswith(beginning) for frame in client.next_frames()):
            pass


class Nchan:
    """Nchan: the class is the path, and what a client sends goes to all of it as it is."""

    def path(self, topic: str) -> str:
        """Return the channel's place."""
        return f"/socket/{topic.replace(':', '-')}"

    def greet(self, client: Client) -> None:
        """Say nothing."""

    def join(self, client: Client, topic: str) -> None:
        """Do nothing: whoever is connected has joined."""

    def write(self, client: Client, topic: str, number: int) -> None:
        """Send what a peer would make of a message, for that is what all will get."""
        message = {
            "id": f"b{number:012}",
            "text": TEXT,
            "author": {"id": 1234, "name": "Student00001 Silva", "role": "student"},
            "seq": number,
            "at": 1_790_000_000_000,
        }
        client.send(json.dumps([None, None, topic, "message:sent", message]).encode())
        # Nchan leaves Nagle's algorithm on: a client that puts off its acknowledgements, as one does that writes, would
        # get the next message up to 40 ms late.
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    def is_broadcast(self, frame: bytes) -> bool:
        """Tell that there is nothing else."""
        return True

    def is_message(self, frame: bytes) -> bool:
        """Tell that there is nothing else."""
        return True

    def beat(self, client: Client) -> bool:
        """Do nothing."""
        return False
