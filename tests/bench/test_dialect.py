"""The bytes that each dialect sends and reads, against a server played by the test."""

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from bench.client import Client, masked
from bench.dialect import Centrifugo, Nchan, Phoenix, SocketIO
from tests.bench.test_client import frame

Ends = tuple[Client, socket.socket]


@pytest.fixture
def ends() -> Iterator[Ends]:
    """Yield a connected client and the server's end of its connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        theirs, _ = listener.accept()
    client = Client.__new__(Client)
    client.socket, client.inbox, client.refs, client.join_refs = ours, bytearray(), 0, {}
    ours.settimeout(10.0)
    theirs.settimeout(10.0)
    yield client, theirs
    ours.close()
    theirs.close()


def sent(server: socket.socket) -> bytes:
    """Return the payload of one frame from the client."""
    data = server.recv(65536)
    header = 6 if data[1] & 0x7F < 126 else 8
    assert data == masked(data[header:])
    return data[header:]


def test_phoenix_joins_and_writes_with_its_join_ref(ends: Ends) -> None:
    client, server = ends
    server.sendall(frame(b'["1","1","class:7","phx_reply",{"status":"ok","response":{}}]'))
    Phoenix().join(client, "class:7")
    assert json.loads(sent(server)) == ["1", "1", "class:7", "phx_join", {}]
    Phoenix("Olá").write(client, "class:7", 5)
    written: list[Any] = json.loads(sent(server))
    assert written == ["1", "2", "class:7", "message:send", {"id": "b000000000005", "text": "Olá"}]


def test_phoenix_skips_frames_other_than_its_reply(ends: Ends) -> None:
    client, server = ends
    for text in (
        b'[null,null,"user:me","presence_diff",{}]',
        b'["1","9","user:me","phx_reply",{"status":"ok","response":{}}]',
        b'["1","1","user:me","phx_reply",{"status":"ok","response":{"topics":[{"topic":"class:3","title":"A"},'
        b'{"topic":"school","title":""}]}}]',
    ):
        server.sendall(frame(text))
    assert Phoenix().class_topics(client) == {"A": "class:3"}


def test_socket_io_greets_joins_and_writes(ends: Ends) -> None:
    client, server = ends
    with ThreadPoolExecutor() as threads:
        greeting = threads.submit(SocketIO().greet, client)
        server.sendall(frame(b'0{"sid":"a","upgrades":[]}'))
        assert sent(server) == b"40"
        server.sendall(frame(b'40{"sid":"b"}'))
        greeting.result(10.0)
    server.sendall(frame(b"431[{}]"))
    SocketIO().join(client, "class:7")
    assert sent(server) == b'421["phx_join", "class:7"]'
    SocketIO().write(client, "class:7", 5)
    assert sent(server).startswith(b'422["message:send", "class:7", {"id": "b000000000005", "text": "')


@pytest.mark.parametrize(
    ("dialect", "broadcast", "other"),
    [
        (Phoenix(), b'[null,null,"class:7","message:sent",{}]', b'["1","2","class:7","phx_reply",{"status":"ok"}]'),
        (SocketIO(), b'42["message:sent",{}]', b'431[{"seq":1}]'),
    ],
)
def test_broadcast_is_distinguished_from_a_reply(dialect: Phoenix | SocketIO, broadcast: bytes, other: bytes) -> None:
    assert dialect.is_broadcast(broadcast)
    assert dialect.is_message(broadcast)
    assert not dialect.is_broadcast(other)


def test_presence_event_is_a_broadcast_but_no_message() -> None:
    presence = b'[null,null,"class:7","presence_count",{"users":{"student":2}}]'
    assert Phoenix().is_broadcast(presence)
    assert not Phoenix().is_message(presence)


def test_nchan_sends_the_final_message(ends: Ends) -> None:
    client, server = ends
    Nchan().write(client, "class:7", 5)
    message = json.loads(sent(server))
    assert (message[2:4], message[4]["seq"]) == (["class:7", "message:sent"], 5)
    assert Nchan().path("class:7") == "/socket/class-7"


def test_centrifugo_connects_subscribes_and_publishes(ends: Ends) -> None:
    client, server = ends
    server.sendall(frame(b'{"id":1,"connect":{"client":"a"}}'))
    Centrifugo().greet(client)
    assert json.loads(sent(server)) == {"id": 1, "connect": {}}
    push = b'{"push":{"channel":"class:7","pub":{"data":{},"offset":1}}}'
    reply = b'{"id":2,"subscribe":{"recoverable":true}}'
    server.sendall(frame(push + b"\n" + reply))
    Centrifugo().join(client, "class:7")
    assert json.loads(sent(server)) == {"id": 2, "subscribe": {"channel": "class:7"}}
    assert (Centrifugo().is_broadcast(push), Centrifugo().is_broadcast(reply)) == (True, False)
    Centrifugo().write(client, "class:7", 5)
    published = json.loads(sent(server))["publish"]
    assert (published["channel"], published["data"]["id"]) == ("class:7", "b000000000005")
