"""The long-poll transport over real HTTP: its addresses, headers, bodies and bounds, as stock clients expect them."""

import asyncio
import base64
import gc
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPResponse
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPServerRequest
from tornado.web import Application

from channels import roles
from channels.errors import Unavailable
from channels.limit import MAX_CONNECTIONS, MAX_FRAME_BYTES, MAX_POST_BYTES, MAX_POST_FRAMES, MAX_PUSHES_WAITING, Limits
from channels.member import Member
from channels.transports.gate import Gate
from channels.transports.longpoll import NDJSON, ChannelPoll
from channels.transports.poll_session import PollBounds
from channels.transports.poll_sessions import PollSessions
from channels.transports.poll_token import PollToken, TokenSigner
from tests.channels.support import Worker

# One kind of database is enough here.
pytestmark = pytest.mark.parametrize("made_urls", ["sqlite"], indirect=True)

ORIGIN = "https://portal.example"
JOIN = ["1", "1", "class:7", "phx_join", {}]


class Served:
    """A worker behind a real HTTP server; credentials are logins."""

    def __init__(self, worker: Worker, room: PollSessions, port: int) -> None:
        self.worker = worker
        self.room = room
        self.port = port
        self.client = AsyncHTTPClient(force_instance=True)

    async def fetch(self, method: str = "GET", query: str = "", body: bytes | str | None = None, **headers: str) -> Any:
        """Make a request, and return its response; headers are named with underscores."""
        url = f"http://127.0.0.1:{self.port}/students/socket/longpoll?{query}"
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.fetch(
            url, method=method, body=body, headers=named, raise_error=False, allow_nonstandard_methods=True
        )

    async def get(self, query: str = "access_token=ana", **headers: str) -> Any:
        return read(await self.fetch("GET", query, **headers))

    async def post(self, token: str, *frames: Any, content_type: str = NDJSON) -> Any:
        body = "\n".join(frame if isinstance(frame, str) else json.dumps(frame) for frame in frames)
        headers = {"X_Phoenix_Longpoll_Token": token, "Content_Type": content_type}
        return read(await self.fetch("POST", body=body, **headers))

    async def open(self, query: str = "access_token=ana") -> str:
        """Open a session, and return its token."""
        opened = await self.get(query)
        assert opened == {"status": 410, "token": opened["token"], "messages": []}
        token: str = opened["token"]
        return token

    async def frames(self, token: str) -> list[Any]:
        """Poll, and return the frames of the answer."""
        return [json.loads(text) for text in (await self.get("", X_Phoenix_Longpoll_Token=token))["messages"]]


def read(response: HTTPResponse) -> Any:
    """Read an answer, and check what all answers have in common."""
    assert response.code == 200
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Content-Type"] == "application/json"
    return json.loads(response.body)


@pytest.fixture
async def served(make_worker: Callable[..., Any]) -> AsyncIterator[Served]:
    worker: Worker = await make_worker(limits=Limits(push_rate=0))
    room = PollSessions(worker.engine, PollBounds(poll_seconds=0.5), away_seconds=0.01)
    room.start()
    gate = Gate(worker.engine, room, (ORIGIN,))
    routes = [(url, each, {"gate": gate, "role": role}) for role in roles.ROLES for url, each in roles.routes(role)]
    server = HTTPServer(Application(routes, log_function=lambda handler: None, xsrf_cookies=True))
    server.listen(0, "127.0.0.1")
    served = Served(worker, room, next(iter(server._sockets.values())).getsockname()[1])
    yield served
    served.client.close()
    server.stop()
    await room.close()
    await worker.engine.close()
    await server.close_all_connections()


async def test_the_first_answer_is_a_token_without_messages(served: Served) -> None:
    token = await served.open()
    assert await served.post(token, JOIN) == {"status": 200}
    frames = await served.frames(token)
    assert frames[0][:4] == ["1", "1", "class:7", "phx_reply"]
    assert frames[0][4]["status"] == "ok"


async def test_an_answer_is_pinned(served: Served) -> None:
    token = await served.open()
    await served.post(token, [None, "7", "phoenix", "heartbeat", {}])
    response = await served.fetch("GET", "", X_Phoenix_Longpoll_Token=token)
    following = json.loads(response.body)["token"]
    frame = r"[null,\"7\",\"phoenix\",\"phx_reply\",{\"status\":\"ok\",\"response\":{}}]"
    assert response.body.decode() == f'{{"status":200,"token":"{following}","messages":["{frame}"]}}'


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("access_token=ana", {}),
        ("", {"Authorization": "Bearer ana"}),
        ("", {"X_Phoenix_AuthToken": "ana"}),
        ("", {"X_Phoenix_AuthToken": "ana", "Origin": "https://elsewhere.example"}),
        ("", {"Cookie": "lousa_session=ana", "Sec_Fetch_Site": "same-origin"}),
        ("", {"Cookie": "lousa_session=ana", "Origin": ORIGIN}),
        ("access_token=ana&vsn=2.0.0&token=", {}),
        ("access_token=ana&vsn=1.0.0&format=json", {}),
    ],
)
async def test_a_valid_credential_opens_a_session(served: Served, query: str, headers: dict[str, str]) -> None:
    assert (await served.get(query, **headers))["status"] == 410


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("", {}),
        ("access_token=nobody", {}),
        ("access_token=paula", {}),
        ("", {"Cookie": "lousa_session=ana", "Origin": "https://elsewhere.example"}),
        ("", {"Cookie": "lousa_session=ana", "Sec_Fetch_Site": "cross-site"}),
        ("", {"Cookie": "lousa_session=ana", "Referer": "https://elsewhere.example/"}),
        ("", {"Cookie": "lousa_session=ana"}),
        ("access_token=ana&vsn=3.0.0", {}),
        ("access_token=ana&format=msgpack", {}),
    ],
)
async def test_other_requests_get_403(served: Served, query: str, headers: dict[str, str]) -> None:
    answer = await served.get(query, **headers)
    assert (answer["status"], "token" in answer) == (403, False)


async def test_without_a_database_the_answer_says_when_to_retry(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(secret: str) -> Member | None:
        raise Unavailable("the database is away")

    monkeypatch.setattr(served.worker.authority, "authenticate", away)
    answer = await served.get()
    assert (answer["status"], answer["code"], answer["retry_after"]) == (500, "unavailable", 2_000)


async def test_sessions_of_one_user_are_bounded(served: Served) -> None:
    tokens = [await served.open() for _ in range(MAX_CONNECTIONS)]
    assert (await served.get())["status"] == 500
    assert read(await served.fetch("DELETE", X_Phoenix_Longpoll_Token=tokens[0])) == {"status": 200}
    while (await served.get())["status"] != 410:
        await asyncio.sleep(0.01)


async def test_the_last_token_in_the_query_counts(served: Served) -> None:
    token = await served.open()
    await served.post(token, JOIN)
    assert (await served.get(f"token=mine&access_token=ana&token={token}"))["status"] == 200


async def test_the_header_takes_precedence_over_the_query(served: Served) -> None:
    token = await served.open()
    await served.post(token, JOIN)
    assert (await served.get("token=another", X_Phoenix_Longpoll_Token=token))["status"] == 200


@pytest.mark.parametrize("token", ["nonsense", "a.b.0.c", "3ad75888a77f.3db8b5.0.iO30bgDMdMYqd34nBMfY7g", "x" * 2_000])
async def test_a_token_that_we_did_not_sign_gets_410(served: Served, token: str) -> None:
    gone: dict[str, object] = {"status": 410, "token": None, "messages": []}
    assert await served.get("access_token=ana", X_Phoenix_Longpoll_Token=token) == gone
    assert await served.post(token, JOIN) == gone
    assert read(await served.fetch("DELETE", X_Phoenix_Longpoll_Token=token)) == gone


async def test_an_ended_session_named_in_the_query_gets_500(served: Served) -> None:
    token = await served.open()
    assert read(await served.fetch("DELETE", X_Phoenix_Longpoll_Token=token)) == {"status": 200}
    gone = await served.get("", X_Phoenix_Longpoll_Token=token)
    assert gone["status"] == 410
    assert await served.get(f"access_token=ana&token={token}") == gone | {"status": 500}


async def test_a_token_parameter_of_the_page_is_ignored(served: Served) -> None:
    token = await served.open("access_token=ana&token=mine")
    assert (await served.get("token=mine"))["status"] == 403, "and no credential"
    await served.post(token, JOIN)
    assert (await served.get(f"access_token=ana&token=mine&token={token}"))["status"] == 200


async def test_a_post_without_a_token_does_nothing(served: Served) -> None:
    response = await served.fetch("POST", "access_token=ana", body=json.dumps(JOIN))
    assert read(response) == {"status": 410, "token": None, "messages": []}


async def test_a_body_of_another_type_is_one_frame(served: Served) -> None:
    token = await served.open()
    assert await served.post(token, JOIN, content_type="text/plain") == {"status": 200}
    assert (await served.frames(token))[0][4]["status"] == "ok"


async def test_a_client_that_sends_objects_gets_objects(served: Served) -> None:
    token = await served.open("access_token=ana&vsn=1.0.0")
    await served.post(token, {"topic": "class:7", "event": "phx_join", "payload": {}, "ref": "1"})
    reply = (await served.frames(token))[0]
    assert (reply["topic"], reply["event"], reply["ref"], reply["payload"]["status"]) == (
        "class:7",
        "phx_reply",
        "1",
        "ok",
    )


async def test_a_base64_binary_push_is_refused_under_its_own_ref(served: Served) -> None:
    token = await served.open()
    push = b"\x00\x01\x01\x07\x04" + b"1" + b"5" + b"class:7" + b"blob" + b"\xff\xfe"
    await served.post(token, JOIN, base64.b64encode(push).decode(), "*** no base64 ***")
    frames = await served.frames(token)
    refusals = {frame[1]: frame[4]["response"]["code"] for frame in frames if frame[4].get("status") == "error"}
    assert refusals == {"5": "unknown_event", None: "bad_frame"}


@pytest.mark.parametrize(
    "frames",
    [
        [json.dumps([None, "1", "phoenix", "heartbeat", {}])] * (MAX_POST_FRAMES + 1),
        [json.dumps(JOIN), json.dumps([None, "1", "phoenix", "heartbeat", {"x": "x" * MAX_FRAME_BYTES}])],
        ["x" * MAX_POST_BYTES, json.dumps(JOIN)],
    ],
    ids=["frames", "frame", "bytes"],
)
async def test_a_post_beyond_a_bound_is_refused_whole(served: Served, frames: list[str]) -> None:
    token = await served.open()
    body = "\n".join(frames)
    response = await served.fetch("POST", body=body, X_Phoenix_Longpoll_Token=token, Content_Type=NDJSON)
    assert (response.code, json.loads(response.body)) in [(200, {"status": 413}), (413, {"status": 413})]
    await served.post(token, [None, "9", "phoenix", "heartbeat", {}])
    assert [frame[1] for frame in await served.frames(token)] == ["9"]


async def test_a_chunked_body_is_read_only_up_to_the_bound(served: Served) -> None:
    token = await served.open()
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(
        b"POST /students/socket/longpoll HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
        b"X-Phoenix-Longpoll-Token: " + token.encode() + b"\r\nContent-Type: application/x-ndjson\r\n\r\n"
    )
    sent = 0
    try:
        while sent < 100 * MAX_POST_BYTES:
            writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
            await writer.drain()
            sent += 0x10000
        await asyncio.wait_for(reader.read(), 10)
    except OSError:
        pass
    assert sent < 100 * MAX_POST_BYTES
    writer.close()


async def test_an_unsupported_method_gets_an_empty_400(served: Served) -> None:
    response = await served.fetch("PUT", body="x")
    assert (response.code, response.body) == (400, b"")


@pytest.mark.parametrize(("origin", "allowed"), [(ORIGIN, ORIGIN), ("https://elsewhere.example", None)])
async def test_pages_of_the_configured_origins_may_read_the_answers(
    served: Served, origin: str, allowed: str | None
) -> None:
    response = await served.fetch(
        "OPTIONS", Origin=origin, Access_Control_Request_Headers="content-type, x-phoenix-longpoll-token"
    )
    assert response.code == 200
    assert response.headers.get("Access-Control-Allow-Origin") == allowed
    assert response.headers["Access-Control-Allow-Headers"] == "content-type, x-phoenix-longpoll-token"
    assert response.headers["Access-Control-Allow-Methods"] == "GET, POST, DELETE, OPTIONS"
    assert response.headers["Access-Control-Max-Age"] == "3600"
    opened = await served.fetch("GET", "access_token=ana", Origin=origin)
    assert opened.headers.get("Access-Control-Allow-Origin") == allowed
    assert opened.headers["Vary"] == "Origin"


async def test_a_held_poll_is_answered_in_time(served: Served) -> None:
    token = await served.open()
    assert await served.get("", X_Phoenix_Longpoll_Token=token) == {"status": 204, "token": token, "messages": []}


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_the_connection_closes_when_the_owner_is_unreachable(served: Served, method: str) -> None:
    token = await served.open()
    await served.post(token, JOIN)  # so that its own poll is answered at once
    another = TokenSigner(served.worker.engine.key).write(PollToken("another", "session", 0))
    assert not await closes_after(served, method, another)
    await served.worker.broker.close()
    assert not await closes_after(served, method, token)
    assert await closes_after(served, method, another)


async def closes_after(served: Served, method: str, token: str) -> bool:
    """Make a keep-alive request, and return whether the server keeps the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    head = f"{method} /students/socket/longpoll HTTP/1.1\r\nHost: x\r\nX-Phoenix-Longpoll-Token: {token}\r\n"
    writer.write(f"{head}Content-Length: 0\r\n\r\n".encode())
    answered = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    return b"\r\nConnection: close\r\n" in answered


async def test_no_message_is_lost_when_polls_hang_up(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    token = await served.open()
    await served.post(token, JOIN)
    token = (await served.get("", X_Phoenix_Longpoll_Token=token))["token"]
    room = served.worker.engine
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", served.port)) as line:
            line.sendall(
                b"GET /students/socket/longpoll HTTP/1.1\r\nHost: x\r\nX-Phoenix-Longpoll-Token: %b\r\n\r\n"
                % token.encode()
            )
            session = next(iter(room._registry))
            while session.blocked:
                await asyncio.sleep(0.005)
        while not session.blocked:
            await asyncio.sleep(0.005)
    await served.post(token, ["1", "2", "class:7", "message:send", {"text": "oi"}])
    events: list[str] = []
    while "message:sent" not in events:
        answer = await served.get("", X_Phoenix_Longpoll_Token=token)
        token = answer["token"]
        events += [json.loads(text)[3] for text in answer["messages"]]
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_a_post_that_a_stopping_worker_cancels_gets_500(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    token = await served.open()
    await served.post(token, JOIN, ["1", "2", "class:7", "message:send", {"text": "x" * 4_000}])
    reads = [["1", f"r{number}", "class:7", "history:read", {"after": 0}] for number in range(30)]
    posting = asyncio.create_task(served.post(token, *reads))  # 120 KB of replies, which wait for a poll
    async with asyncio.timeout(10):
        while not served.room._tasks:
            await asyncio.sleep(0.005)
    await served.room.close()
    assert (await posting)["status"] == 500
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def head(token: str, length: int | None = MAX_POST_BYTES, method: str = "POST") -> bytes:
    """Make a request's head; without a length its body comes in chunks."""
    body = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    credential = f"X-Phoenix-Longpoll-Token: {token}\r\n" if token else ""
    return f"{method} /students/socket/longpoll HTTP/1.1\r\nHost: x\r\n{credential}{body}\r\n\r\n".encode()


async def answer_of(served: Served, sent: bytes) -> bytes:
    """Send bytes on a new connection, and return all that comes until the server closes it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(sent)
    async with asyncio.timeout(10):
        answer = await reader.read()
    await hang_up(writer)
    return answer


async def hang_up(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(ConnectionError):  # the server has closed before
        await writer.wait_closed()


@pytest.mark.parametrize("length", [MAX_POST_BYTES, None])
@pytest.mark.parametrize("token", ["", "a.b.c.d", "of no session"])
async def test_a_strangers_body_is_refused_unread(served: Served, token: str, length: int | None) -> None:
    if token == "of no session":
        token = TokenSigner(served.worker.engine.key).write(PollToken(served.worker.engine.rpc.worker, "0" * 32, 0))
    answer = await answer_of(served, head(token, length))
    assert b"Connection: close\r\n" in answer
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["status"] == 410


async def test_a_session_has_few_bodies_on_their_way(served: Served) -> None:
    token = await served.open()
    writers = []
    for _ in range(MAX_PUSHES_WAITING):
        _, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(head(token) + b"x")
        writers.append(writer)
    async with asyncio.timeout(10):
        while sum(served.room._bodies.values()) < MAX_PUSHES_WAITING:
            await asyncio.sleep(0.01)
    answer = await answer_of(served, head(token))
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["status"] == 408
    for writer in writers:
        await hang_up(writer)
    async with asyncio.timeout(10):
        while served.room._bodies:
            await asyncio.sleep(0.01)
    assert await served.post(token, JOIN) == {"status": 200}


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
async def test_a_request_that_has_no_body_is_refused_with_one(served: Served, method: str) -> None:
    token = await served.open()
    assert (await answer_of(served, head(token, 1, method))).startswith(b"HTTP/1.1 400 ")


# What the server alone has; each has references to its connection and stream.
KEPT = (ChannelPoll, HTTPServerRequest)


@pytest.mark.parametrize("kind", ["cut body", "stranger's body", "whole request", "poll that hangs up"])
async def test_requests_leave_no_reference_cycles(served: Served, kind: str) -> None:
    token = await served.open()
    sent = {
        "cut body": head(token) + bytes(100_000),
        "stranger's body": head("") + bytes(1_000),
        "whole request": head(token, 2) + b"[]",
        "poll that hangs up": head(token, 0, "GET"),
    }[kind]
    for _ in range(3):
        await asyncio.sleep(0.05)
        gc.collect()
    gc.disable()
    try:
        for _ in range(20):
            _, writer = await asyncio.open_connection("127.0.0.1", served.port)
            writer.write(sent)
            await writer.drain()
            await asyncio.sleep(0.01)
            await hang_up(writer)
        async with asyncio.timeout(10):
            while any(isinstance(each, KEPT) for each in gc.get_objects()):
                await asyncio.sleep(0.1)
    finally:
        gc.enable()
