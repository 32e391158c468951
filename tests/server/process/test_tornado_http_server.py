"""Connections start in small batches, a stop answers accepted requests, and Tornado still has what we override."""

import asyncio
import inspect
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tornado.httpserver import _HTTPRequestContext
from tornado.iostream import BaseIOStream, IOStream
from tornado.tcpserver import TCPServer
from tornado.web import Application, RequestHandler

from server.process.tornado_http_server import CLOSE_SECONDS, LAST_REQUESTS_SECONDS, STARTED_AT_ONCE, Server

CONNECTIONS = 5 * STARTED_AT_ONCE


class Page(RequestHandler):
    def get(self) -> None:
        self.finish("here")


class Stuck(RequestHandler):
    entered = asyncio.Event()
    release = asyncio.Event()

    async def get(self) -> None:
        self.entered.set()
        await self.release.wait()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server(Application([("/", Page), ("/stuck", Stuck)], log_function=lambda handler: None))
    server.listen(0, "127.0.0.1", backlog=CONNECTIONS)
    yield server
    await server.drain()


async def ask(server: Server) -> bytes:
    port = next(iter(server._sockets.values())).getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    answer = await reader.read()
    writer.close()
    return answer


async def test_connections_start_in_small_batches_and_all_are_answered(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: list[int] = []
    begun: list[socket.socket] = []
    start, begin = Server._start_some, Server._begin

    def count_turn(self: Server) -> None:
        before = len(begun)
        start(self)
        turns.append(len(begun) - before)

    def count_begun(self: Server, connection: socket.socket, address: Any, *, spare: bool) -> None:
        begun.append(connection)
        begin(self, connection, address, spare=spare)

    monkeypatch.setattr(Server, "_start_some", count_turn)
    monkeypatch.setattr(Server, "_begin", count_begun)
    answers = await asyncio.gather(*(ask(server) for _ in range(CONNECTIONS)))
    assert all(answer.endswith(b"here") for answer in answers)
    assert len(begun) == CONNECTIONS
    assert sum(turns) > STARTED_AT_ONCE
    assert max(turns) <= STARTED_AT_ONCE


async def test_drain_answers_connections_that_have_not_started_yet(server: Server) -> None:
    asking = [asyncio.create_task(ask(server)) for _ in range(CONNECTIONS)]
    while not server._waiting:
        await asyncio.sleep(0)
    # Connections that the kernel has not handed over yet are lost with its backlog.
    accepted = len(server._waiting)
    await server.drain()
    answers = await asyncio.gather(*asking, return_exceptions=True)
    assert sum(isinstance(answer, bytes) and answer.endswith(b"here") for answer in answers) >= accepted


async def test_tornado_still_has_the_private_api_that_we_use(server: Server) -> None:
    # When a new Tornado changes one of these, compare Server with it before changing this test.
    assert {"_sockets", "_handlers", "add_accept_handler"} <= set(TCPServer.add_sockets.__code__.co_names)
    assert "_handlers" in TCPServer.stop.__code__.co_names
    assert set(inspect.signature(BaseIOStream._check_max_bytes).parameters) == {"self", "delimiter", "size"}
    assert "_check_max_bytes" in BaseIOStream._find_read_pos.__code__.co_names
    assert "_read_max_bytes" in BaseIOStream._check_max_bytes.__code__.co_names
    with socket.socket() as connection:
        context = _HTTPRequestContext(IOStream(connection), ("192.0.2.7", 1), None)
    assert (context.remote_ip, context.protocol) == ("192.0.2.7", "http")
    assert server._connections == set()
    port = next(iter(server._sockets.values())).getsockname()[1]
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    while not server._connections:
        await asyncio.sleep(0)
    writer.close()


async def test_drain_ends_even_if_a_handler_never_answers(server: Server) -> None:
    port = next(iter(server._sockets.values())).getsockname()[1]
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /stuck HTTP/1.1\r\nHost: x\r\n\r\n")
    await Stuck.entered.wait()
    async with asyncio.timeout(LAST_REQUESTS_SECONDS + CLOSE_SECONDS + 10):
        await server.drain()
    Stuck.release.set()
    writer.close()
