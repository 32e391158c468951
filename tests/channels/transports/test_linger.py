"""Connections that end while their clients still send."""

import asyncio
import os
import socket

import pytest

from channels.transports import linger as lingering
from channels.transports.linger import linger


def pair() -> tuple[socket.socket, socket.socket]:
    """Return both ends of a connection over TCP."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        theirs = socket.create_connection(listening.getsockname())
        ours, _ = listening.accept()
    for each in (ours, theirs):
        each.setblocking(False)
    return ours, theirs


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


async def end(ours: socket.socket, last: bytes) -> None:
    linger(ours)
    ours.send(last)
    ours.close()
    await asyncio.sleep(0)


async def test_last_bytes_arrive_although_the_client_still_sends() -> None:
    ours, theirs = pair()
    theirs.send(bytes(50_000))
    await end(ours, b"the reason")
    theirs.send(bytes(50_000))
    loop = asyncio.get_running_loop()
    assert await loop.sock_recv(theirs, 100) == b"the reason"
    assert await loop.sock_recv(theirs, 100) == b""
    theirs.close()


async def test_descriptor_is_closed_when_the_client_closes() -> None:
    before = open_files()
    ours, theirs = pair()
    await end(ours, b"x")
    theirs.close()
    async with asyncio.timeout(10):
        while open_files() > before:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("bound", ["LINGER_SECONDS", "LINGER_BYTES"])
async def test_descriptor_is_closed_at_a_bound(bound: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lingering, bound, 0.05)
    ours, theirs = pair()
    before = open_files()
    await end(ours, b"x")
    theirs.send(b"one byte more")
    async with asyncio.timeout(10):
        while open_files() >= before:
            await asyncio.sleep(0.01)
    theirs.close()


async def test_closed_connection_is_no_error() -> None:
    ours, theirs = pair()
    theirs.close()
    ours.close()
    linger(ours)
    linger(None)
