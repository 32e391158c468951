"""New connections wait for their first bytes for a limited time, and Tornado makes no object for them until then."""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from server.process.first_bytes import FirstBytes

Taken = list[tuple[socket.socket, bytes]]


@pytest.fixture
async def taken() -> AsyncIterator[Taken]:
    taken: Taken = []
    yield taken
    for connection, _ in taken:
        connection.close()


def waiting(taken: Taken, idle_seconds: float = 60.0) -> FirstBytes:
    def take(connection: socket.socket, address: Any, data: bytes) -> None:
        taken.append((connection, data))

    return FirstBytes(take, idle_seconds)


def new_connection() -> tuple[socket.socket, socket.socket]:
    client, connection = socket.socketpair()
    client.setblocking(False)
    connection.setblocking(False)
    return client, connection


async def test_bytes_that_have_come_already_are_taken_at_once(taken: Taken) -> None:
    client, connection = new_connection()
    client.send(b"GET")
    waiting(taken).wait(connection, ())
    assert taken == [(connection, b"GET")]
    client.close()


async def test_connection_waits_until_bytes_come(taken: Taken) -> None:
    first_bytes = waiting(taken)
    client, connection = new_connection()
    first_bytes.wait(connection, ())
    assert (len(first_bytes), taken) == (1, [])
    client.send(b"GET")
    async with asyncio.timeout(10):
        while not taken:
            await asyncio.sleep(0)
    assert taken == [(connection, b"GET")]
    assert len(first_bytes) == 0
    assert not asyncio.get_running_loop().remove_reader(connection), "nobody else listens"
    client.close()
    first_bytes.close()


async def test_connection_that_ends_without_a_byte_is_closed(taken: Taken) -> None:
    first_bytes = waiting(taken)
    client, connection = new_connection()
    first_bytes.wait(connection, ())
    client.close()
    async with asyncio.timeout(10):
        while first_bytes:
            await asyncio.sleep(0)
    assert (connection.fileno(), taken) == (-1, [])
    first_bytes.close()


async def test_silent_connections_are_closed_after_their_time(taken: Taken) -> None:
    first_bytes = waiting(taken, idle_seconds=0.05)
    pairs = [new_connection() for _ in range(3)]
    for _, connection in pairs:
        first_bytes.wait(connection, ())
    for client, _ in pairs:
        assert await asyncio.wait_for(asyncio.get_running_loop().sock_recv(client, 1), 10) == b""
        client.close()
    assert (len(first_bytes), taken) == (0, [])


async def test_oldest_connection_is_closed_first(taken: Taken) -> None:
    first_bytes = waiting(taken)
    assert first_bytes.oldest_since is None
    pairs = [new_connection() for _ in range(2)]
    for _, connection in pairs:
        first_bytes.wait(connection, ())
    first_bytes.close_oldest()
    assert [connection.fileno() == -1 for _, connection in pairs] == [True, False]
    first_bytes.close()
    assert [connection.fileno() == -1 for _, connection in pairs] == [True, True]
    assert not first_bytes
    for client, _ in pairs:
        client.close()
