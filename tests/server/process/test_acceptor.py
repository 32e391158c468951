"""Connections are accepted, and file descriptors kept for all else."""

import asyncio
import os
import resource
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from server.process.acceptor import Acceptor


class Connections:
    """A listener that keeps what it takes."""

    def __init__(self) -> None:
        self.taken: list[tuple[socket.socket, bool]] = []

    def make_room(self) -> bool:
        return False

    def take(self, connection: socket.socket, address: Any, *, spare: bool) -> None:
        self.taken.append((connection, spare))

    async def until(self, count: int) -> None:
        async with asyncio.timeout(5):
            while len(self.taken) < count:
                await asyncio.sleep(0.01)


@pytest.fixture
async def connections() -> AsyncIterator[Connections]:
    connections = Connections()
    yield connections
    for connection, _ in connections.taken:
        connection.close()


@pytest.fixture
async def listening(connections: Connections) -> AsyncIterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        stop = Acceptor(connections).add(listening)
        yield listening
        stop()


def call(listening: socket.socket) -> socket.socket:
    return socket.create_connection(listening.getsockname())


@contextmanager
def limited(left: int, reserve: int) -> Iterator[None]:
    """Allow so many more files than are open, with a limit whose reserve is a quarter of it."""
    with ExitStack() as fillers:
        used = _fill_gaps(fillers)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + left, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _fill_gaps(fillers: ExitStack) -> int:
    """Use the free descriptors below the highest that is open, so that all new ones are above; return the next."""
    highest = max(map(int, os.listdir("/proc/self/fd")))
    while True:
        probe = socket.socket()
        if probe.fileno() > highest:
            probe.close()
            return highest + 1
        fillers.enter_context(probe)


async def test_connections_are_taken_until_told_to_stop(connections: Connections, listening: socket.socket) -> None:
    with call(listening):
        await connections.until(1)
    assert not connections.taken[0][0].getblocking()
    assert not connections.taken[0][1]


async def test_reserve_is_kept_and_said_once(
    connections: Connections,
    listening: socket.socket,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("server.process.acceptor.RESERVE", 8)
    callers = []
    with limited(24, 8):
        # Each connection has two descriptors here: the caller's, and the accepted one.
        for _ in range(11):
            callers.append(call(listening))
            await asyncio.sleep(0.01)
        await connections.until(10)
        with open("/dev/null"):
            pass  # there is a reserve
    spare = [spare for _, spare in connections.taken]
    assert spare == sorted(spare)
    assert (spare[0], spare[-1]) == (False, True)
    assert ["Clients hold all connections" in record.getMessage() for record in caplog.records] == [True]
    assert callers[-1].recv(1) == b""
    for each in callers:
        each.close()


async def test_failing_accept_waits_and_goes_on(
    connections: Connections,
    listening: socket.socket,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("server.process.acceptor.PAUSE_SECONDS", 0.05)
    callers = [call(listening) for _ in range(3)]
    with limited(0, 0):
        await asyncio.sleep(0.5)
        assert connections.taken == []
    await connections.until(3)
    assert len(caplog.records) == 1
    for each in callers:
        each.close()
