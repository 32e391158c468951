"""The WebSocket transport over real sockets: admission, writing, backpressure and bad clients."""

import asyncio
import base64
import gc
import json
import re
import socket
import ssl
import struct
import subprocess
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from tornado.http1connection import HTTP1ServerConnection

from channels.errors import RESTARTING, Unavailable
from channels.limit import MAX_CONNECTIONS, MAX_FRAME_BYTES
from channels.sessions.session import Session
from channels.transports.admission import Admission
from channels.transports.tornado_reading import SocketProtocol
from channels.transports.websocket import ChannelSocket
from channels.wire.codec import JSON
from tests.channels.support import ANA, BRUNO, Worker, unframed
from tests.channels.transports.sockets import (
    LIMITS,
    ORIGIN,
    Connection,
    RawClient,
    Served,
    pushes,
    serving,
    upgrade,
)

# One kind of database is enough here.
pytestmark = pytest.mark.parametrize("made_urls", ["sqlite"], indirect=True)


@pytest.fixture(params=[True, False], ids=["short", "tornado"])
async def either_way(request: pytest.FixtureRequest, make_worker: Callable[..., Any]) -> AsyncIterator[Served]:
    """Serve with upgrades of our own, and with Tornado's."""
    async with serving(await make_worker(limits=LIMITS), upgrades=request.param) as served:
        yield served


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("access_token=ana", {}),
        ("", {"Authorization": "Bearer ana"}),
        ("", {"Authorization": "bearer ana", "Origin": "https://elsewhere.example"}),
        ("", {"Cookie": "lousa_session=ana", "Origin": ORIGIN}),
        ("", {"Cookie": "lousa_session=ana"}),
        ("access_token=ana&vsn=2.0.0&format=json", {"Cookie": "lousa_session=bruno"}),
    ],
)
async def test_a_valid_credential_opens_a_socket(either_way: Served, query: str, headers: dict[str, str]) -> None:
    connection = await either_way.connect(query, **headers)
    assert (await connection.join("user:me"))["response"]["user"]["name"] == "Ana"


async def test_a_cookie_is_accepted_from_the_servers_own_origin(either_way: Served) -> None:
    connection = await either_way.connect(Cookie="lousa_session=ana", Origin=f"http://127.0.0.1:{either_way.port}")
    assert (await connection.join())["status"] == "ok"


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("", {}),
        ("access_token=nobody", {}),
        ("token=ana", {}),
        ("access_token=paula", {}),
        ("", {"Cookie": "lousa_session=ana", "Origin": "https://elsewhere.example"}),
        ("", {"Cookie": "lousa_session=ana", "Origin": "null"}),
        ("", {"Authorization": "Basic ana"}),
        ("", {"Sec_WebSocket_Protocol": "phoenix, base64url.bearer.phx.***"}),
        ("", {"Cookie": "lousa_session=ana", "Sec_Fetch_Site": "same-site"}),
        ("access_token=ana&vsn=3.0.0", {}),
        ("access_token=ana&format=xml", {}),
    ],
)
async def test_other_requests_get_403(either_way: Served, query: str, headers: dict[str, str]) -> None:
    assert await either_way.refused(query, **headers) == 403


KEY = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (KEY, b""),
        (KEY, KEY + KEY),
        (KEY, b"Sec-WebSocket-Key: \r\n"),
        (KEY, b"Sec-WebSocket-Key: c2hvcnQ=\r\n"),
        (KEY, b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ\r\n"),
        (KEY, b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ==\r\n"),
        (KEY, b"Sec-WebSocket-Key: \xff\r\n"),
        (b"HTTP/1.1", b"HTTP/1.0"),
        (b"Upgrade: websocket\r\n", b""),
        (b"Connection: Upgrade\r\n", b""),
        (b"Connection: Upgrade\r\n", b"Connection: keep-alive\r\n"),
    ],
)
async def test_handshake_that_is_none_gets_400(either_way: Served, before: bytes, after: bytes) -> None:
    whole = re.sub(rb"Sec-WebSocket-Key: .*\r\n", KEY, upgrade("ana"))
    sent = whole.replace(before, after)
    assert sent != whole
    client = RawClient(either_way.port, "ana", request=sent)
    assert (await client.read_until(b"\r\n")).startswith(b"HTTP/1.1 400 ")
    client.socket.close()


async def test_head_that_comes_in_two_parts_opens_a_socket(served: Served) -> None:
    whole = upgrade("ana")
    client = RawClient(served.port, "ana", request=whole[:60])
    async with asyncio.timeout(10):
        while served.is_silent():
            await asyncio.sleep(0)
    await client.send_bytes(whole[60:])
    await client.join()
    client.socket.close()
    await served.gone(1)


async def test_client_that_leaves_the_queue_leaves_no_session(make_worker: Callable[..., Any]) -> None:
    slow = Admission(time.monotonic, rate=5.0, burst=1.0, max_line_seconds=60.0)
    async with serving(await make_worker(limits=LIMITS), admission=slow) as served:
        first, second = RawClient(served.port, "ana"), RawClient(served.port, "bruno")
        await first.read_until(b"\r\n\r\n")
        second.socket.close()
        third = RawClient(served.port, "ana")
        await third.read_until(b"\r\n\r\n")
        assert not served.worker.engine._registry.count_of(2)
        first.socket.close()
        third.socket.close()
        await served.gone(1)


@pytest.mark.parametrize("version", [b"", b"8", b"13, 13"])
async def test_other_version_of_the_websocket_gets_426(either_way: Served, version: bytes) -> None:
    sent = upgrade("ana").replace(b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Version: " + version)
    client = RawClient(either_way.port, "ana", request=sent)
    answer = await client.read_until(b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 426 ")
    assert b"Sec-Websocket-Version: 13" in answer
    client.socket.close()


async def test_each_role_has_a_separate_socket_url(served: Served) -> None:
    assert await served.refused("access_token=ana", role="teachers") == 403
    assert await served.refused("access_token=paula", role="principal") == 403
    for role, login in (("teachers", "paula"), ("principal", "diretora")):
        connection = await served.connect(f"access_token={login}", role=role)
        assert (await connection.join())["status"] == "ok"


async def test_connections_of_one_user_are_bounded(served: Served) -> None:
    sessions = [served.worker.engine.connect(ANA, JSON, served.worker.engine.revision) for _ in range(MAX_CONNECTIONS)]
    assert await served.refused("access_token=ana") == 429
    (await served.connect("access_token=bruno")).socket.close()
    for session in sessions:
        served.worker.engine.disconnect(session)
    assert (await (await served.connect("access_token=ana")).join())["status"] == "ok"


async def test_while_credentials_cannot_be_checked_the_answer_is_503(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(secret: str) -> None:
        raise Unavailable("away")

    monkeypatch.setattr(served.worker.authority, "recall", lambda secret: None)
    monkeypatch.setattr(served.worker.authority, "authenticate", away)
    refusal = await served.refusal("access_token=ana")
    assert (refusal.code, refusal.headers["Retry-After"]) == (503, "2")


async def test_in_a_crowd_students_get_503_with_retry_after(make_worker: Callable[..., Any]) -> None:
    slow = Admission(time.monotonic, rate=1 / 1_000, burst=1 / 1_000)
    async with serving(await make_worker(limits=LIMITS), admission=slow) as served:
        assert (await (await served.connect("access_token=bruno")).join())["status"] == "ok"
        refusal = await served.refusal("access_token=ana")
        assert refusal.code == 503
        assert 900 < int(refusal.headers["Retry-After"]) <= 2_001
        assert (await (await served.connect("access_token=paula", "teachers")).join())["status"] == "ok"


async def test_a_client_that_leaves_during_tornados_upgrade_leaves_no_session(
    make_worker: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    open_socket, has_opened = ChannelSocket.open, asyncio.Event()

    def opening(handler: ChannelSocket, *args: str) -> None:
        assert isinstance(handler.ws_connection, SocketProtocol)
        assert handler.ws_connection.stream is not None
        handler.ws_connection.stream.close()  # as when the client has left before the answer
        has_opened.set()
        open_socket(handler, *args)

    monkeypatch.setattr(ChannelSocket, "open", opening)
    async with serving(await make_worker(limits=LIMITS), upgrades=False) as served:
        line = RawClient(served.port, "ana")
        await has_opened.wait()
        await served.gone(1)
        assert await line.read_all()
        line.socket.close()
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_students_wait_for_their_slot(make_worker: Callable[..., Any]) -> None:
    slow = Admission(time.monotonic, rate=20.0, burst=1.0, max_line_seconds=60.0)
    async with serving(await make_worker(limits=LIMITS), admission=slow) as served:
        began = asyncio.get_running_loop().time()
        await asyncio.gather(*(served.connect("access_token=ana") for _ in range(5)))
        assert asyncio.get_running_loop().time() - began > 0.15
        assert served.worker.engine._registry.count_of(1) == 5


async def test_a_bug_before_the_upgrade_is_logged_without_the_token(
    either_way: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(secret: str) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(either_way.worker.authority, "recall", lambda secret: None)
    monkeypatch.setattr(either_way.worker.authority, "authenticate", broken)
    assert await either_way.refused("access_token=s3cret") == 500
    assert "/students/socket/websocket could not be served" in caplog.text
    assert "s3cret" not in caplog.text


async def test_a_token_in_the_subprotocol_is_accepted(either_way: Served) -> None:
    token = base64.b64encode(b"ana").decode().rstrip("=")
    offered = ["phoenix", f"base64url.bearer.phx.{token}"]
    connection = await Connection.open(either_way.request(), offered)
    either_way.connections.append(connection)
    assert connection.socket.selected_subprotocol == "phoenix"
    assert (await connection.join("user:me"))["response"]["user"]["name"] == "Ana"


async def test_a_frame_over_the_bound_closes_with_1009(served: Served) -> None:
    connection = await served.connect("access_token=ana")
    await connection.socket.write_message("x" * (MAX_FRAME_BYTES + 1))
    assert await connection.closed() == 1009


async def test_a_frame_at_the_bound_is_read(served: Served) -> None:
    connection = await served.connect("access_token=ana")
    await connection.socket.write_message("x" * MAX_FRAME_BYTES)
    assert (await connection.read())[4]["response"]["code"] == "bad_frame"


async def test_a_withdrawn_sign_in_closes_the_open_socket_with_4001(served: Served) -> None:
    connection = await served.connect("access_token=ana")
    await connection.join("user:me")
    del served.worker.authority.members["ana"]
    await served.worker.engine.revalidate({1})
    frame = await connection.read()
    assert frame[3:] == ["session:ended", {"code": "signed_out", "message": "signed out"}]
    assert await connection.closed() == 4001


async def test_stopping_server_closes_clients_with_a_restart_code(served: Served) -> None:
    connection = await served.connect("access_token=ana")
    await connection.join()
    closing = asyncio.create_task(served.worker.engine.close())
    assert await connection.closed() == 1012
    await closing


async def blocked_and_talker(served: Served) -> tuple[RawClient, Session, Connection]:
    """Return a client that does not read, its session, and another one in its class."""
    silent = RawClient(served.port, "ana")
    await silent.join()
    talker = await served.connect("access_token=bruno")
    await talker.join()
    (session,) = served.worker.engine._registry.of(1)
    return silent, session, talker


async def talk_until_blocked(talker: Connection, session: Session) -> int:
    """Send until the kernel's buffers are full and messages wait for a session; return how many."""
    count = 0
    while not session.blocked:
        await talker.talk(count, 10)
        count += 10
    return count


async def test_a_slow_reader_gets_every_byte_in_order(served: Served) -> None:
    slow, session, talker = await blocked_and_talker(served)
    count = await talk_until_blocked(talker, session)
    data = await slow.read_until(b'"seq":%d,' % count)
    frames = [json.loads(body) for body in unframed(data)]
    assert [frame[4]["seq"] for frame in frames if frame[3] == "message:sent"] == list(range(1, count + 1))
    slow.socket.close()


async def test_a_client_that_never_reads_is_closed_at_the_bound(served: Served) -> None:
    stuck, session, talker = await blocked_and_talker(served)
    count, most = 0, 0
    while session.closing is None:
        await talker.talk(count, 10)
        count += 10
        most = max(most, session._bytes)
    assert session.closing.code == 4008
    assert most <= LIMITS.max_outbox_bytes
    assert session.take() == b""
    await served.gone(1)
    stuck.socket.close()


async def test_a_blocked_client_gets_nothing_after_its_close_frame(
    served: Served,
) -> None:
    stuck, session, talker = await blocked_and_talker(served)
    count = await talk_until_blocked(talker, session)
    await talker.talk(count, 1)  # waits in the outbox
    del served.worker.authority.members["ana"]
    await served.worker.engine.revalidate({1})
    assert (await stuck.read_all()).endswith(b"\x88\x0c\x0f\xa1signed out")
    await served.gone(1)
    stuck.socket.close()


async def test_no_frame_follows_a_close_frame(served: Served) -> None:
    silent, session, talker = await blocked_and_talker(served)
    session.end(RESTARTING)
    assert (await silent.read_until(RESTARTING.reason.encode())).endswith(RESTARTING.reason.encode())
    await talker.talk(0, 3)
    with pytest.raises(BlockingIOError):
        silent.socket.recv(1)
    silent.socket.close()


async def test_a_broken_connection_is_noticed_while_messages_wait(served: Served) -> None:
    stuck, session, talker = await blocked_and_talker(served)
    await talk_until_blocked(talker, session)
    # Now the server waits for this client to read before it reads on.
    await stuck.send("1", "9", "class:7", "history:read", {"after": 0, "limit": 1})
    stuck.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    stuck.socket.close()
    await served.gone(1)


async def test_a_client_that_does_not_read_is_not_read_from(served: Served) -> None:
    greedy = RawClient(served.port, "ana")
    await greedy.join()
    talker = await served.connect("access_token=bruno")
    await talker.join()
    await talker.talk(0, 50)
    (session,) = served.worker.engine._registry.of(1)

    async def read_history_forever() -> None:
        number = 0
        while True:
            number += 1
            await greedy.send("1", str(number), "class:7", "history:read", {"after": 0, "limit": 50})
            await asyncio.sleep(0)

    # Each reply has 200 kB; without a bound they would fill the server's memory. In the end the client's sends wait.
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(read_history_forever(), 3)
    assert session.closing is None
    assert session._bytes < 2 * 50 * 4200
    greedy.socket.close()


async def test_an_upgraded_request_leaves_no_objects(served: Served) -> None:
    connection = await served.connect("access_token=ana")
    await connection.join()
    gc.collect()
    kinds = Counter(type(each) for each in gc.get_objects())
    assert not any(kinds[kind] for kind in (HTTP1ServerConnection, ChannelSocket))
    await connection.close()
    await served.gone(1)
    gc.disable()
    try:
        assert not any(isinstance(each, SocketProtocol) for each in gc.get_objects())
    finally:
        gc.enable()


async def test_a_bug_is_logged_and_ends_one_connection(
    served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    connection = await served.connect("access_token=bruno")
    await connection.join()
    monkeypatch.setattr(served.worker.engine, "handle", lambda session, data: 1 / 0)
    client = RawClient(served.port, "ana", pushes(0)[0])
    await client.read_all()
    assert "a message could not be handled" in caplog.text
    client.socket.close()
    monkeypatch.undo()
    assert (await connection.join())["status"] == "ok"


async def test_over_tls_a_slow_reader_gets_every_byte_in_order(make_worker: Callable[..., Any], tmp_path: Path) -> None:
    worker: Worker = await make_worker(limits=LIMITS)
    async with serving(worker, ssl_options=certified(tmp_path)) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port, ssl=trusting(tmp_path), limit=4096)
        writer.write(upgrade("ana") + pushes(0)[0])
        (head, session) = await reader.readuntil(b"presence_diff"), next(iter(worker.engine._registry.of(1)))
        talker, count = worker.connect(BRUNO), 0
        await talker.ok("class:7", "phx_join")
        while not session.blocked:
            await talker.ok("class:7", "message:send", {"text": "x" * 4000})
            count += 1
        async with asyncio.timeout(10):
            data = head + await reader.read(65536)
            while b'"seq":%d,' % count not in data[-200:]:
                data += await reader.read(65536)
        writer.close()
    frames = [json.loads(body) for body in unframed(data[data.index(b"\x81") :])]
    assert [each[4]["seq"] for each in frames if each[3] == "message:sent"] == list(range(1, count + 1))


def certified(folder: Path) -> ssl.SSLContext:
    """Make a server's context, with a certificate that `trusting` knows."""
    make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
    files = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(folder / "key"), "-out", str(folder / "cert")]
    subprocess.run([*make.split(), *files], check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "cert", folder / "key")
    return context


def trusting(folder: Path) -> ssl.SSLContext:
    """Make a client's context."""
    return ssl.create_default_context(cafile=str(folder / "cert"))
