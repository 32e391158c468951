"""The frame formats of clients, over both transports: arrays, objects, binary pushes and malformed frames."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any, Protocol
from urllib.parse import urlencode

import pytest
import websocket

from tests.interop.conftest import ROLES
from tests.interop.poller import MATHS, Poller, request
from tests.lousa import Lousa

pytestmark = pytest.mark.interop

SECONDS = 20.0


class Line(Protocol):
    """A connection over either transport that sends and receives whole frames."""

    def send(self, frame: Any) -> None:
        """Send a frame: bytes as a binary frame, anything else as JSON."""

    def receive(self) -> Any:
        """Receive the next frame and return its JSON."""

    def close(self) -> None:
        """Close the connection."""


class SocketLine:
    """A WebSocket connection."""

    def __init__(self, url: str, role: str, query: str) -> None:
        address = f"{url.replace('http', 'ws')}/{role}/socket/websocket?{query}"
        self._socket = websocket.create_connection(address, timeout=SECONDS)

    def send(self, frame: Any) -> None:
        if isinstance(frame, bytes):
            self._socket.send_binary(frame)
        else:
            self._socket.send(json.dumps(frame))

    def receive(self) -> Any:
        return json.loads(self._socket.recv())

    def close(self) -> None:
        self._socket.close()


class PollLine:
    """A long-poll session; a binary frame is a line in base64."""

    def __init__(self, url: str, role: str, query: str) -> None:
        self._poller = Poller(url, role)
        self._poller.url = f"{url}/{role}/socket/longpoll?{query}"
        self._poller.open()
        self._received: list[str] = []

    def send(self, frame: Any) -> None:
        line = base64.b64encode(frame) if isinstance(frame, bytes) else json.dumps(frame).encode()
        assert self._poller.post(line) == {"status": 200}

    def receive(self) -> Any:
        while not self._received:
            self._received = self._poller.poll()["messages"]
        return json.loads(self._received.pop(0))

    def close(self) -> None:
        self._poller.close()


Open = Callable[..., Line]


@pytest.fixture(params=[SocketLine, PollLine], ids=["websocket", "longpoll"])
def connect(request: pytest.FixtureRequest, lousa: Lousa, tokens: dict[str, str]) -> Iterator[Open]:
    """Return a function that connects a user with these query parameters."""
    with ExitStack() as lines:

        def opened(login: str, **parameters: str) -> Line:
            query = urlencode({**parameters, "access_token": tokens[login]})
            line: Line = request.param(lousa.url, ROLES[login], query)
            lines.enter_context(closing(line))
            return line

        yield opened


def receive_until(line: Line, wanted: Callable[[Any], bool]) -> list[Any]:
    """Return the frames up to and including the first match; presence frames may arrive at any time."""
    received = [line.receive()]
    while not wanted(received[-1]):
        received.append(line.receive())
    return received


def join_in_arrays(line: Line) -> str:
    """Join the mathematics class, and return its topic."""
    line.send(["1", "1", "user:me", "phx_join", {}])
    topics = line.receive()[4]["response"]["topics"]
    topic = next(str(entry["topic"]) for entry in topics if entry["title"] == MATHS)
    line.send(["2", "2", topic, "phx_join", {}])
    receive_until(line, lambda frame: frame[1] == "2")
    return topic


# Objects


@pytest.mark.parametrize("version", ["1.0.0", "2.0.0", None], ids=str)
def test_object_frames_without_join_ref_get_object_replies(connect: Open, version: str | None) -> None:
    ana, bruno = connect("ana", **({"vsn": version} if version else {})), connect("bruno", vsn="2.0.0")
    topic = join_in_arrays(bruno)

    ana.send({"topic": topic, "event": "phx_join", "payload": {}, "ref": "1"})
    joined = ana.receive()
    assert sorted(joined) == ["event", "payload", "ref", "topic"]
    assert (joined["topic"], joined["event"], joined["ref"]) == (topic, "phx_reply", "1")
    assert joined["payload"]["status"] == "ok"

    ana.send({"topic": topic, "event": "message:send", "payload": {"text": "Oi!"}, "ref": "2"})
    received = receive_until(ana, lambda frame: frame["ref"] == "2")
    if "message:sent" not in [frame["event"] for frame in received]:
        received += receive_until(ana, lambda frame: frame["event"] == "message:sent")
    assert all(sorted(frame) == ["event", "payload", "ref", "topic"] for frame in received)
    reply = next(frame for frame in received if frame["ref"] == "2")
    sent = next(frame for frame in received if frame["event"] == "message:sent")
    assert (sent["topic"], sent["ref"], sent["payload"]["text"]) == (topic, None, "Oi!")
    assert reply["payload"] == {
        "status": "ok", "response": {"seq": sent["payload"]["seq"], "at": sent["payload"]["at"]}
    }  # fmt: skip

    ana.send({"topic": topic, "event": "phx_leave", "payload": {}, "ref": "3"})
    receive_until(ana, lambda frame: frame["ref"] == "3")
    receive_until(ana, lambda frame: frame["event"] == "phx_close")


def test_version_one_receives_objects_before_its_first_frame(connect: Open) -> None:
    line = connect("ana", vsn="1.0.0")
    line.send(b"\x01")  # malformed, so it does not select a format
    refused = line.receive()
    assert (refused["topic"], refused["event"], refused["ref"]) == ("phoenix", "phx_reply", None)
    assert refused["payload"]["response"]["code"] == "bad_frame"


def test_heartbeat_without_a_ref_gets_no_reply(connect: Open) -> None:
    line = connect("ana", vsn="1.0.0")
    line.send({"topic": "phoenix", "event": "heartbeat", "payload": {}, "ref": None})
    line.send({"topic": "phoenix", "event": "heartbeat", "payload": {}, "ref": "1"})
    assert line.receive()["ref"] == "1"


def test_each_reply_uses_the_format_of_its_request(connect: Open) -> None:
    line = connect("ana", vsn="2.0.0")
    in_array: list[Any] = [None, "1", "phoenix", "heartbeat", {}]
    in_object: dict[str, Any] = {"topic": "phoenix", "event": "heartbeat", "payload": {}, "ref": "2"}
    ok = {"status": "ok", "response": {}}
    for _ in range(2):
        line.send(in_array)
        assert line.receive() == [None, "1", "phoenix", "phx_reply", ok]
        line.send(in_object)
        assert line.receive() == {"topic": "phoenix", "event": "phx_reply", "payload": ok, "ref": "2"}


# Versions


def test_handshake_refuses_an_unknown_version(lousa: Lousa, tokens: dict[str, str]) -> None:
    query = f"vsn=3.0.0&access_token={tokens['ana']}"
    with pytest.raises(websocket.WebSocketBadStatusException) as refusal:
        SocketLine(lousa.url, "students", query)
    assert refusal.value.status_code == 403
    assert request(f"{lousa.url}/students/socket/longpoll?{query}").body["status"] == 403


# Binary frames


def binary_push(*names: str, payload: bytes) -> bytes:
    """Return a push as Phoenix' clients send an ArrayBuffer; `names` are join_ref, ref, topic and event."""
    encoded = [name.encode() for name in names]
    return bytes([0, *map(len, encoded)]) + b"".join(encoded) + payload


def test_binary_push_gets_an_error_reply_with_its_ref(connect: Open) -> None:
    line = connect("ana", vsn="2.0.0")
    topic = join_in_arrays(line)
    line.send(binary_push("2", "3", topic, "message:send", payload=b"\x00\xff\n\n"))
    join_ref, ref, where, event, payload = receive_until(line, lambda frame: frame[1] is not None)[-1]
    assert (join_ref, ref, where, event) == ("2", "3", topic, "phx_reply")
    assert (payload["status"], payload["response"]["code"]) == ("error", "bad_payload")
    line.send([None, "4", "phoenix", "heartbeat", {}])
    receive_until(line, lambda frame: frame[1] == "4")


@pytest.mark.parametrize(
    "frame", [b"\x00", b"\x00\x05\x05\x05\x05abc", b"\x00\x01\x01\x01\x01\xff\xff\xff\xff", b"\x07"]
)
def test_malformed_frame_is_refused_and_the_connection_stays(connect: Open, frame: bytes) -> None:
    line = connect("ana", vsn="2.0.0")
    line.send(frame)
    line.send([None, "1", "phoenix", "heartbeat", {}])
    assert line.receive()[4]["response"]["code"] == "bad_frame"
    assert line.receive()[1] == "1"
