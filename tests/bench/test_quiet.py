"""The tables of an idle school: each kind of workers, and the statements of one of them."""

from bench.crowd import CLIENTS_OF_A_CLASS
from bench.quiet import Figure, most_clients, report
from bench.served import POSTGRESQL, SQLITE
from server.process.acceptor import RESERVE

STATEMENTS = {"SELECT 1": 2.5, "BEGIN": 0.5}


def test_statements_are_those_of_the_last_school_with_redis() -> None:
    figures = [
        Figure(SQLITE, True, 1, 30_000, 0.0812, {}),
        Figure(POSTGRESQL, True, 4, 2_000, 0.005, STATEMENTS),
        Figure(POSTGRESQL, False, 4, 2_000, 0.01, {"SELECT 2": 9.0}),
    ]
    lines = report(figures).splitlines()
    assert lines[2:5] == [
        "| sqlite | there | 1 | 30,000 | 8.12% |  |",
        "| postgresql | there | 4 | 2,000 | 0.50% | 3.0 |",
        "| postgresql | away | 4 | 2,000 | 1.00% | 9.0 |",
    ]
    assert lines[-2:] == ["| SELECT 1 | 2.50 |", "| BEGIN | 0.50 |"]


def test_school_is_no_larger_than_open_files_allow() -> None:
    most = most_clients(20_000)
    assert 18_000 < most < 20_000 - RESERVE
    assert most % CLIENTS_OF_A_CLASS == 0
    assert most_clients(64) == CLIENTS_OF_A_CLASS
    assert most_clients(1_000_000) > 900_000
