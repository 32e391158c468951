"""The table of backups."""

from bench.backup import Figure, report
from bench.served import POSTGRESQL, SQLITE


def test_files_are_shown_where_there_are_any() -> None:
    calm, busy = (0.005, 0.02, 0.1), (0.008, 0.05, 0.2)
    figures = [
        Figure(SQLITE, 2_040_000_000, 31.25, 250_000_000, calm, busy, calm, 0, 12.0),
        Figure(POSTGRESQL, 2_010_000_000, 40.0, 0, calm, busy, calm, 3, 50.0),
    ]
    lines = report(figures).splitlines()
    calm_cell, busy_cell = "5.0, 20.0, 100.0 ms", "8.0, 50.0, 200.0 ms"
    assert lines[2:4] == [
        f"| sqlite | 2.04 GB | 31.2 s | 12.0 s | 0.25 GB | {calm_cell} | {busy_cell} | {calm_cell} | 0 |",
        f"| postgresql | 2.01 GB | 40.0 s | 50.0 s |  | {calm_cell} | {busy_cell} | {calm_cell} | 3 |",
    ]
