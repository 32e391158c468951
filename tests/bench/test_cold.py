"""Clients that come one after another are measured, and Lousa's figure stands beside its peers' connect."""

from dataclasses import replace

from bench.cold import Figure, measured, report
from bench.peer import PLAIN_TORNADO
from bench.served import CORES, LOUSA, peer_server

CLIENTS = 4


def test_peer_is_measured_with_each_half_of_the_clients() -> None:
    with peer_server(PLAIN_TORNADO, 2, CLIENTS, cores=CORES) as server:
        figure = measured(server)
    assert (figure.server, figure.clients, figure.start) == (PLAIN_TORNADO.name, CLIENTS, 0.0)
    assert min(figure.connect, figure.join, figure.again) > 0
    assert 0 < figure.p50 <= figure.p99


def test_lousa_comes_first_beside_the_connect_of_each() -> None:
    peer = Figure("plain Tornado", CLIENTS, 0.0, 0.0005, 0.0007, 0.0007, 0.001, 0.002)
    ours = replace(peer, server=LOUSA, join=0.0010, start=2.0)
    first, second = report([peer, ours]).splitlines()[2:4]
    assert first.startswith("| Lousa | 500 | 1,000 |")
    assert second.endswith("| × 2.00 |")
