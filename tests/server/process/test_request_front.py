"""Requests before the application sees them: heads, budgets, callers and turns, over real connections."""

import asyncio
import gc
import socket
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from tornado.web import Application, RequestHandler

from channels.limit import FRAME_BURST
from server.process.proxies import Proxies, read_networks
from server.process.request_front import MAX_HEADER_BYTES, PAGE_COST
from server.process.tornado_http_server import Server, _Stream


class Page(RequestHandler):
    def get(self) -> None:
        self.finish(f"{self.request.host} {self.request.uri} {self.request.remote_ip} {self.request.protocol}")


class Front:
    """A server, and raw requests to it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.port: int = next(iter(server._sockets.values())).getsockname()[1]

    async def answers(self, *sent: bytes) -> bytes:
        """Send bytes on a new connection, in so many parts, and return all that comes until the server closes it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for part in sent:
            writer.write(part)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        async with asyncio.timeout(20):
            answer = await reader.read()
        await hang_up(writer)
        return answer


async def hang_up(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(ConnectionError):  # the server has closed before
        await writer.wait_closed()


def serve(networks: list[str]) -> Front:
    server = Server(
        Application([("/.*", Page)], log_function=lambda handler: None), proxies=Proxies(read_networks(networks))
    )
    server.listen(0, "127.0.0.1")
    return Front(server)


@pytest.fixture
async def front() -> AsyncIterator[Front]:
    front = serve([])
    yield front
    await front.server.drain()


@pytest.fixture
async def behind_proxy() -> AsyncIterator[Front]:
    front = serve(["127.0.0.1"])
    yield front
    await front.server.drain()


def get(path: str = "/", headers: bytes = b"Connection: close\r\n") -> bytes:
    return b"GET %b HTTP/1.1\r\nHost: x\r\n%b\r\n" % (path.encode(), headers)


@pytest.mark.parametrize(
    ("target", "seen"),
    [
        ("http://school.example/a?b=c", b"school.example /a?b=c"),
        ("HTTPS://school.example:8443/", b"school.example:8443 /"),
        ("http://school.example", b"school.example /"),
        ("http://school.example?b", b"school.example /?b"),
        ("//school.example/a", b"x //school.example/a"),
    ],
)
async def test_absolute_form_replaces_the_host(front: Front, target: str, seen: bytes) -> None:
    assert (await front.answers(get(target))).endswith(seen + b" 127.0.0.1 http")


@pytest.mark.parametrize("target", ["http://", "http:///a", "http://a b/", "http://user@x/"])
async def test_absolute_form_of_no_host_gets_400(front: Front, target: str) -> None:
    assert (await front.answers(get(target))).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("size", [MAX_HEADER_BYTES, MAX_HEADER_BYTES + 1, 1_000_000])
async def test_a_head_that_is_too_long_gets_431(front: Front, size: int) -> None:
    assert (await front.answers(get(headers=b"X: %b\r\n" % (b"x" * size)))).startswith(b"HTTP/1.1 431 ")


async def test_a_head_of_the_longest_size_is_read(front: Front) -> None:
    line = b"X: %b\r\nConnection: close\r\n" % (b"x" * (MAX_HEADER_BYTES - 100))
    assert (await front.answers(get(headers=line))).startswith(b"HTTP/1.1 200 ")


async def test_a_head_may_come_in_any_parts(front: Front) -> None:
    head = get()
    for cut in range(1, 6):
        assert (await front.answers(head[:-cut], head[-cut:])).startswith(b"HTTP/1.1 200 ")
    assert (await front.answers(*(head[at : at + 1] for at in range(len(head))))).startswith(b"HTTP/1.1 200 ")


async def test_heads_that_are_too_long_leave_no_reference_cycles(front: Front) -> None:
    gc.collect()
    gc.disable()
    try:
        for _ in range(5):
            await front.answers(get(headers=b"X: %b\r\n" % (b"x" * 100_000)))
        async with asyncio.timeout(10):
            while any(isinstance(each, _Stream) for each in gc.get_objects()):
                await asyncio.sleep(0.1)
    finally:
        gc.enable()


@pytest.mark.parametrize(("path", "cost"), [("/", PAGE_COST), ("/students/socket/longpoll", 1)])
async def test_pipelined_requests_are_answered_up_to_the_budget(front: Front, path: str, cost: float) -> None:
    answers = await front.answers(get(path, b"") * 2 * int(FRAME_BURST))
    assert answers.count(b"HTTP/1.1 200 ") >= FRAME_BURST / cost
    assert answers.count(b"HTTP/1.1 429 ") == 1
    refusal = answers[answers.index(b"HTTP/1.1 429 ") :]
    assert b"Connection: close\r\n" in refusal
    assert b"Retry-After: 1\r\n" in refusal
    assert b"X-Content-Type-Options: nosniff\r\n" in refusal


async def test_requests_of_a_trusted_proxy_have_no_budget(behind_proxy: Front) -> None:
    many = get(headers=b"") * int(FRAME_BURST) + get()
    assert (await behind_proxy.answers(many)).count(b"HTTP/1.1 200 ") == FRAME_BURST + 1


async def test_each_request_has_its_own_caller(behind_proxy: Front) -> None:
    first = get(headers=b"X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n")
    answers = await behind_proxy.answers(first + get(headers=b"X-Real-Ip: 6.6.6.6\r\nX-Scheme: https\r\n") + get())
    assert [answers.count(b" 192.0.2.7 https"), answers.count(b" 127.0.0.1 http")] == [1, 2]


async def test_without_a_named_proxy_nobody_says_who_calls(front: Front) -> None:
    forged = b"X-Forwarded-For: 6.6.6.6\r\nX-Real-Ip: 6.6.6.6\r\nX-Scheme: https\r\nX-Forwarded-Proto: https\r\n"
    assert (await front.answers(get(headers=forged + b"Connection: close\r\n"))).endswith(b" 127.0.0.1 http")


async def test_closed_connections_are_forgotten(front: Front) -> None:
    await front.answers(get())
    _, writer = await asyncio.open_connection("127.0.0.1", front.port)
    async with asyncio.timeout(10):
        while not front.server._silent:
            await asyncio.sleep(0.01)
        await hang_up(writer)
        while front.server._silent or front.server._sources:
            await asyncio.sleep(0.01)


async def test_requests_that_wait_at_a_stop_are_no_errors(front: Front, caplog: pytest.LogCaptureFixture) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", front.port)
    async with asyncio.timeout(10):
        while not front.server._connections:
            await asyncio.sleep(0.01)
        front.server._turns.take = asyncio.get_running_loop().create_future  # type: ignore[method-assign]
        writer.write(get())
        while front.server._silent:
            await asyncio.sleep(0.01)
        for connection in front.server._connections:
            assert isinstance(connection._serving_future, asyncio.Task)
            connection._serving_future.cancel()
        while front.server._connections:
            await asyncio.sleep(0.01)
    await hang_up(writer)
    assert caplog.records == []
