"""The short way of handshakes knows whose handshake it is before the credential is read."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from channels.roles import ROLES
from channels.transports.gate import Gate
from channels.transports.poll_sessions import PollSessions
from channels.transports.upgrades import Upgrades
from server.process.tornado_http_server import Server
from tests.channels.support import Worker
from tests.channels.transports.sockets import LIMITS, RawClient, Served, serving, upgrade

# More than start in one turn of the event loop, and fewer than one user may open.
CLIENTS = 40

pytestmark = pytest.mark.parametrize("made_urls", ["sqlite"], indirect=True)


async def _crowd(served: Served) -> tuple[Server, list[RawClient]]:
    """Connect so many clients that some stand in line; return them with the server, in the moment when they do."""
    server = served._server
    assert isinstance(server, Server)
    clients = [RawClient(served.port, "ana") for _ in range(CLIENTS)]
    async with asyncio.timeout(10):
        while not server._in_line:
            await asyncio.sleep(0)
    return server, clients


async def test_handshakes_wait_as_their_role_does(make_worker: Callable[..., Awaitable[Worker]]) -> None:
    worker = await make_worker()
    upgrades = Upgrades(Gate(worker.engine, PollSessions(worker.engine)), ROLES)
    for role in ROLES:
        handshake = upgrades.read(upgrade("ana").replace(b"/students/", f"/{role.path}/".encode()))
        assert handshake is not None
        assert upgrades.waits_in_line(handshake) is role.waits_in_line


async def test_drain_opens_handshakes_that_wait_for_their_turn(make_worker: Callable[..., Awaitable[Worker]]) -> None:
    async with serving(await make_worker(limits=LIMITS)) as served:
        server, clients = await _crowd(served)
        await server.drain()
        for each in clients:
            await each.read_until(b"HTTP/1.1 101")
            each.socket.close()


async def test_client_that_left_in_the_line_gets_no_session(make_worker: Callable[..., Awaitable[Worker]]) -> None:
    worker = await make_worker(limits=LIMITS)
    async with serving(worker) as served:
        server, clients = await _crowd(served)
        left = len(server._in_line)
        for each in clients:
            each.socket.close()
        async with asyncio.timeout(10):
            while server._in_line or len(worker.engine.credential_ids()):
                await asyncio.sleep(0.01)
        assert worker.engine._registry.opened.total() <= CLIENTS - left
