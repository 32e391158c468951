"""Received bytes are counted exactly; sockets in kept slots are left to the caller."""

import socket
from collections.abc import Iterator

import pytest

from bench.client import line_bytes
from bench.drain import Drain
from tests.bench.test_client import frame

COUNT = 3

Pairs = list[tuple[socket.socket, socket.socket]]


@pytest.fixture
def pairs() -> Iterator[Pairs]:
    """Yield pairs of connected TCP sockets, the server's end first."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        clients = [socket.create_connection(listener.getsockname()) for _ in range(COUNT)]
        found = [(listener.accept()[0], client) for client in clients]
    # In the order of the clients, not in the order of acceptance.
    by_name = {server.getpeername(): server for server, _ in found}
    yield [(by_name[client.getsockname()], client) for client in clients]
    for pair in found:
        for each in pair:
            each.close()


def drained(pairs: Pairs, keeps: list[int], waits: int = 1) -> Drain:
    drain = Drain([client for _, client in pairs], keeps)
    for _ in range(waits):
        assert drain.wait(10.0)
    return drain


def test_received_bytes_are_counted_by_slot(pairs: Pairs) -> None:
    pairs[0][0].sendall(b"abc")
    pairs[2][0].sendall(b"x" * 100_000)
    drain = drained(pairs, [])
    while drain.received[2] < 100_000 or drain.received[0] < 3:
        assert drain.wait(10.0)
    assert list(drain.received) == [3, 0, 100_000]


def test_kept_slot_is_left_to_the_caller(pairs: Pairs) -> None:
    pairs[1][0].sendall(b"abc")
    drain = drained(pairs, [1])
    assert (list(drain.kept), drain.received[1]) == ([1], 0)
    assert pairs[1][1].recv(100) == b"abc"


def test_wait_returns_zero_after_its_timeout(pairs: Pairs) -> None:
    drain = Drain([client for _, client in pairs], [1])
    assert drain.wait(0.01) == 0
    assert list(drain.kept) == []


def test_least_covers_only_the_given_slots(pairs: Pairs) -> None:
    drain = Drain([client for _, client in pairs], [])
    for slot, size in enumerate((5, 9, 7)):
        drain.received[slot] = size
    assert [drain.least(0, 3), drain.least(1, 2), drain.least(1, 1)] == [5, 7, 9]
    drain.reset()
    assert list(drain.received) == [0, 0, 0]


def test_connection_closed_by_the_server_is_an_error(pairs: Pairs) -> None:
    pairs[2][0].close()
    with pytest.raises(ConnectionError, match="closed connection 2"):
        drained(pairs, [])


def test_lines_count_the_same_in_one_frame_as_in_two(pairs: Pairs) -> None:
    first, second = b"x" * 200, b"y" * 70_000
    streams = [frame(first) + frame(second), frame(first + b"\n" + second), frame(b"") * 3]
    drain = Drain([client for _, client in pairs], [], lines=True)
    for (server, _), stream in zip(pairs, streams, strict=True):
        for at in range(0, len(stream), 999):
            server.sendall(stream[at : at + 999])
    expected = [line_bytes(first) + line_bytes(second)] * 2 + [3]
    while list(drain.received) != expected:
        assert drain.wait(10.0)
