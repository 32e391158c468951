"""The tables of many classes: each server beside Lousa, and at the end the time of one commit."""

from bench.classes import Commit, Figure, report
from bench.served import LOUSA, NAMES, POSTGRESQL


def figure(server: str, cpu: float) -> Figure:
    return Figure(server, 200.0, 20, 1_000, 5.0, 0, cpu, 0.1, 0.0011, 0.0025)


def test_commits_stand_below_the_servers() -> None:
    commits = [Commit("one commit to this disk", p50, 0.002) for p50 in (0.0007, 0.0005, 0.0006)]
    lines = report([figure(LOUSA, 0.5), figure("plain Tornado", 1.0)], commits).splitlines()
    assert lines[-1] == "| one commit to this disk |  |  |  | 0.60 ms | 2.00 ms | 2.00 ms |  |"
    assert lines[-3].startswith("| Lousa | 500 | 500 to 500 | 10% | 1.10 ms | 2.50 ms | 2.50 ms | × 1.00 |")


def test_first_database_of_lousa_is_what_others_are_compared_with() -> None:
    text = report([figure(NAMES[POSTGRESQL], 0.5), figure("plain Tornado", 1.0)], [])
    assert "× 0.50" in text
