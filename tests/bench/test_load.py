"""The load generator: every client receives every message, and a missing delivery is detected."""

from collections.abc import Iterator
from typing import cast

import pytest

from bench.client import Address, Client
from bench.dialect import Phoenix
from bench.load import Group, Load
from bench.peer import BARE_SOCKETS, PLAIN_TORNADO
from bench.served import CORES, Server, lousa, peer_server

CLASSES, CLIENTS, SENDERS = 2, 5, 2

SERVERS = {
    "Lousa": lambda: lousa(CLASSES, CLIENTS, cores=CORES),
    "plain Tornado": lambda: peer_server(PLAIN_TORNADO, CLASSES, CLIENTS, cores=CORES),
    "bare sockets": lambda: peer_server(BARE_SOCKETS, CLASSES, CLIENTS, cores=CORES),
}


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Run each server that needs no installation."""
    with SERVERS[request.param]() as running:
        yield running


def test_every_client_of_every_class_receives_every_message(server: Server) -> None:
    load = Load.join(server.port, server.dialect, server.classes, SENDERS)
    load.settle()
    run = load.run_at(1.0, 50.0)
    assert run.messages > 0
    assert run.missing == 0
    assert len(run.latencies) == run.messages
    assert run.latencies == sorted(run.latencies)
    load.close()


def test_given_number_of_messages_is_in_flight(server: Server) -> None:
    load = Load.join(server.port, server.dialect, server.classes[:1], SENDERS)
    load.settle()
    for in_flight in (1, 4):
        run = load.run(0.5, in_flight)
        assert run.messages >= in_flight
        assert run.missing == 0
    load.close()


def group_of(clients: int, ends: list[int], sent: int) -> Group:
    """Make a group that has sent `sent` messages; its first sender has read up to the byte offsets `ends`."""
    group = Group([cast(Client, None)] * clients, 0, "class:1", Phoenix(), 1)
    group.sent_at = [0.0] * sent
    group.ends = ends
    group.read_to = ends[-1]
    return group


def test_message_is_delivered_when_the_last_client_has_it() -> None:
    group = group_of(3, [100, 250], 2)
    group.settle(99)
    assert group.in_flight == 2
    group.settle(249)
    assert group.in_flight == 1
    group.settle(250)
    assert group.in_flight == 0


def test_missing_deliveries_are_counted() -> None:
    assert group_of(3, [100, 200], 2).missing([200, 200, 200]) == 0
    assert group_of(3, [100, 200], 2).missing([200, 100, 200]) == 1
    assert group_of(3, [100, 200], 3).missing([200, 100, 200]) == 4


def test_unexpected_bytes_are_an_error() -> None:
    with pytest.raises(RuntimeError, match="201 bytes, of 200"):
        group_of(2, [100, 200], 2).missing([200, 201])


def test_load_can_measure_messages_of_another_sender() -> None:
    with peer_server(BARE_SOCKETS, 1, CLIENTS, cores=CORES) as server:
        listening = Load.join(server.port, server.dialect, server.classes, 1)
        speaking = Client(Address(server.port, server.classes[0].seats[0].path))
        Phoenix().write(speaking, server.classes[0].topic, 1)
        _, missing = listening.listen(1)
        assert missing == 0
        listening.close()
        speaking.socket.close()
