"""Many who come at once: all are served, little by little."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from tornado.web import Application, RequestHandler

from server.process.listener import BEGUN_AT_ONCE, Server

CONNECTIONS = 5 * BEGUN_AT_ONCE


class Page(RequestHandler):
    def get(self) -> None:
        self.finish("here")


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server(Application([("/", Page)], log_function=lambda handler: None))
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


async def test_all_who_come_at_once_are_answered_and_few_are_begun_in_one_turn(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: list[int] = []
    begin = Server._begin

    def counted(self: Server) -> None:
        before = len(self._waiting)
        begin(self)
        turns.append(before - len(self._waiting))

    monkeypatch.setattr(Server, "_begin", counted)
    answers = await asyncio.gather(*(ask(server) for _ in range(CONNECTIONS)))
    assert all(answer.endswith(b"here") for answer in answers)
    assert sum(turns) == CONNECTIONS
    assert max(turns) <= BEGUN_AT_ONCE


async def test_a_server_that_drains_answers_those_whose_requests_are_not_begun_yet(server: Server) -> None:
    asking = [asyncio.create_task(ask(server)) for _ in range(CONNECTIONS)]
    while not server._waiting:
        await asyncio.sleep(0)
    # Those whom the kernel has not handed over yet are lost with its queue.
    accepted = len(server._waiting)
    await server.drain()
    answers = await asyncio.gather(*asking, return_exceptions=True)
    assert sum(isinstance(answer, bytes) and answer.endswith(b"here") for answer in answers) >= accepted
