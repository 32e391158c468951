"""Connections of a worker that stands still are accepted for it, and handed to another."""

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from server.process.stand_in import TAKEN, Hand, StandIn, Taker
from tests.crew import until


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    """Listen, and accept nothing, as a worker that stands still."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


@pytest.fixture
def pipe() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Return the supervisor's end of a worker's pipe, and the worker's."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        for each in (ours, theirs):
            each.setblocking(False)
        yield ours, theirs


def clients(listening: socket.socket, count: int) -> list[socket.socket]:
    return [socket.create_connection(listening.getsockname()) for _ in range(count)]


async def test_what_waits_and_what_comes_is_served_by_another(
    listening: socket.socket, pipe: tuple[socket.socket, socket.socket]
) -> None:
    taken: list[tuple[Any, socket.socket]] = []
    taker = Taker(pipe[1].fileno(), lambda connection, address: taken.append((address, connection)))
    hand = Hand(pipe[0])
    stand_in = StandIn([listening], hand.give)
    before = clients(listening, 40)
    assert stand_in.switch(on=True)
    after = clients(listening, 1)
    await until(lambda: len(taken) == 41)
    assert {address for address, _ in taken} == {each.getsockname() for each in before + after}
    hand.taken(pipe[0].recv(4096).count(TAKEN))
    assert hand.untaken() == []
    for _, connection in taken:
        connection.send(b"hello")
        connection.close()
    assert {each.recv(16) + each.recv(16) for each in before + after} == {b"hello"}  # and it is closed
    stand_in.switch(on=False)
    taker.close()
    for each in before + after:
        each.close()


async def test_a_worker_that_runs_again_accepts_for_itself(listening: socket.socket) -> None:
    given: list[socket.socket] = []

    def give(connection: socket.socket) -> bool:
        given.append(connection)
        return True

    stand_in = StandIn([listening], give)
    assert [stand_in.switch(on=on) for on in (True, True, False, False)] == [True, False, True, False]
    (client,) = clients(listening, 1)
    await asyncio.sleep(0)
    accepted, _ = listening.accept()
    accepted.close()
    client.close()
    assert given == []


async def test_worker_that_stops_takes_what_was_handed_over(
    listening: socket.socket, pipe: tuple[socket.socket, socket.socket]
) -> None:
    taken: list[socket.socket] = []
    taker = Taker(pipe[1].fileno(), lambda connection, _address: taken.append(connection))
    (client,) = clients(listening, 1)
    accepted, _ = listening.accept()
    hand = Hand(pipe[0])
    assert hand.give(accepted)
    taker.close()
    assert len(taken) == 1
    for each in (accepted, client, *taken, *hand.untaken()):
        each.close()


def test_a_full_pipe_takes_no_connection(listening: socket.socket, pipe: tuple[socket.socket, socket.socket]) -> None:
    (client,) = clients(listening, 1)
    accepted, _ = listening.accept()
    hand = Hand(pipe[0])
    while hand.give(accepted):
        pass
    for each in (accepted, client, *hand.untaken()):
        each.close()


async def test_what_a_dead_worker_did_not_take_is_still_open(
    listening: socket.socket, pipe: tuple[socket.socket, socket.socket]
) -> None:
    (client,) = clients(listening, 1)
    accepted, _ = listening.accept()
    hand = Hand(pipe[0])
    assert hand.give(accepted)
    accepted.close()
    pipe[1].close()
    (left,) = hand.untaken()
    left.send(b"hello")
    assert client.recv(16) == b"hello"
    left.close()
    client.close()
