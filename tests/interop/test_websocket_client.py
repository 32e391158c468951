"""The generic `websocket-client`, in JSON and MessagePack: the protocol without a Phoenix library."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any
from uuid import uuid4

import msgpack
import pytest
import websocket

from tests.lousa import Lousa

pytestmark = pytest.mark.interop

SECONDS = 10.0


class Client:
    """A blocking client: pushes, and reads frames until the expected one arrives."""

    def __init__(self, url: str, *, packed: bool, header: list[str] | None = None) -> None:
        self._packed = packed
        self._ref = 0
        self._join_refs: dict[str, str] = {}
        self.socket = websocket.create_connection(url, timeout=SECONDS, header=header or [])

    def push(self, topic: str, event: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Push an event and return the payload of the reply."""
        self._ref += 1
        ref = str(self._ref)
        if event == "phx_join":
            self._join_refs[topic] = ref
        self._send([self._join_refs.get(topic), ref, topic, event, payload])
        reply: dict[str, Any] = self.wait_for(lambda frame: frame[1] == ref and frame[3] == "phx_reply")[4]
        return reply

    def join(self, topic: str, **payload: Any) -> dict[str, Any]:
        """Join a topic and return the response."""
        reply = self.push(topic, "phx_join", payload)
        assert reply["status"] == "ok", reply
        response: dict[str, Any] = reply["response"]
        return response

    def wait_for(self, wanted: Callable[[list[Any]], bool]) -> list[Any]:
        """Read frames up to the first that matches, and return it."""
        while not wanted(frame := self._receive()):
            pass
        return frame

    def wait_for_event(self, topic: str, event: str) -> dict[str, Any]:
        """Read frames until a topic's event arrives, and return its payload."""
        payload: dict[str, Any] = self.wait_for(lambda frame: frame[2] == topic and frame[3] == event)[4]
        return payload

    def _send(self, frame: list[Any]) -> None:
        if self._packed:
            self.socket.send_binary(msgpack.packb(frame))
        else:
            self.socket.send(json.dumps(frame))

    def _receive(self) -> list[Any]:
        opcode, data = self.socket.recv_data()
        assert opcode == (websocket.ABNF.OPCODE_BINARY if self._packed else websocket.ABNF.OPCODE_TEXT), (opcode, data)
        frame: list[Any] = msgpack.unpackb(data) if self._packed else json.loads(data)
        return frame

    def close(self) -> None:
        """Close the connection."""
        self.socket.close()


@pytest.fixture(params=[False, True], ids=["json", "msgpack"])
def packed(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def common_class(*clients: Client) -> str:
    """Return the topic of a class that all clients belong to."""
    listed: list[set[str]] = [{entry["topic"] for entry in client.join("user:me")["topics"]} for client in clients]
    return min(topic for topic in set.intersection(*listed) if topic.startswith("class:"))


Connect = Callable[[str, str], Client]


@pytest.fixture
def connect(lousa: Lousa, packed: bool) -> Iterator[Connect]:
    """Return a function that connects a token as a role; all connections are closed at the end."""
    with ExitStack() as clients:

        def open_client(role: str, token: str) -> Client:
            parameters = {"format": "msgpack"} if packed else {}
            client = Client(lousa.socket_url(role, token, **parameters), packed=packed)
            return clients.enter_context(closing(client))

        yield open_client


def test_clients_chat_and_a_rejoin_returns_missed_events(connect: Connect, tokens: dict[str, str]) -> None:
    ana, paula = connect("students", tokens["ana"]), connect("teachers", tokens["paula"])
    topic, one = common_class(ana, paula), uuid4().hex  # a fresh prefix for push ids, because earlier tests pushed here
    joined = ana.join(topic)
    paula.join(topic)

    sent = paula.push(topic, "message:send", {"id": f"{one}-1", "text": "Bom dia, turma! ☀️"})
    assert sent["status"] == "ok"
    got = ana.wait_for_event(topic, "message:sent")
    assert (got["text"], got["seq"], got["author"]["role"]) == ("Bom dia, turma! ☀️", joined["seq"] + 1, "teacher")

    assert ana.push(topic, "phx_leave", {})["status"] == "ok"
    ana.wait_for(lambda frame: frame[2] == topic and frame[3] == "phx_close")
    missed = [
        paula.push(topic, "message:send", {"id": f"{one}-{n}", "text": f"{n}"})["response"]["seq"] for n in (2, 3)
    ]
    back = ana.join(topic, since=got["seq"], epoch=joined["epoch"])
    assert back["complete"] is True
    assert [event["payload"]["seq"] for event in back["events"]] == missed
    assert [event["event"] for event in back["events"]] == ["message:sent"] * 2

    again = paula.push(topic, "message:send", {"id": f"{one}-3", "text": "3"})
    assert again["response"]["seq"] == missed[-1], "the same push again counts once"


def test_heartbeat_gets_a_reply(connect: Connect, tokens: dict[str, str]) -> None:
    client = connect("students", tokens["ana"])
    assert client.push("phoenix", "heartbeat", {}) == {"status": "ok", "response": {}}


def test_refused_push_gives_a_reason_and_the_connection_stays(connect: Connect, tokens: dict[str, str]) -> None:
    client = connect("students", tokens["ana"])
    reply = client.push("class:999999", "phx_join", {})
    assert reply["status"] == "error"
    assert reply["response"]["message"]
    assert client.push("phoenix", "heartbeat", {})["status"] == "ok"


def test_token_is_accepted_in_the_authorization_header(lousa: Lousa, tokens: dict[str, str]) -> None:
    url = f"ws://127.0.0.1:{lousa.port}/students/socket/websocket?vsn=2.0.0"
    with closing(Client(url, packed=False, header=[f"Authorization: Bearer {tokens['ana']}"])) as client:
        assert client.join("user:me")["user"]["role"] == "student"


@pytest.mark.parametrize("role", ["students", "teachers", "principal"])
def test_handshake_refuses_an_unknown_token(lousa: Lousa, role: str) -> None:
    with pytest.raises(websocket.WebSocketBadStatusException) as refusal:
        Client(lousa.socket_url(role, "no-such-token"), packed=False)
    assert refusal.value.status_code == 403


def test_handshake_refuses_a_student_as_teacher(lousa: Lousa, tokens: dict[str, str]) -> None:
    with pytest.raises(websocket.WebSocketBadStatusException) as refusal:
        Client(lousa.socket_url("teachers", tokens["ana"]), packed=False)
    assert refusal.value.status_code == 403
