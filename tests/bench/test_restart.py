"""A server that is killed and started again gives all clients what they missed."""

from bench.restart import connected, report
from bench.served import SQLITE
from bench.storm import MISSED

CLIENTS = 3


def test_all_clients_and_their_teacher_come_back() -> None:
    with connected(CLIENTS, 1, SQLITE) as school:
        before = school.server.pid
        figure = school.restart()
        assert school.server.pid != before
    (position,) = set(school.positions.values())
    assert position.seq - position.since == MISSED
    assert (figure.clients, figure.short) == (CLIENTS + 1, 0)
    assert 0 < figure.half <= figure.seconds
    assert 0 < figure.teacher <= figure.seconds
    assert figure.cpu > 0 < figure.start_cpu
    assert report([figure]).splitlines()[2].startswith(f"| sqlite | 1 | {CLIENTS + 1} |")
