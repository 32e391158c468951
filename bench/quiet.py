"""What a worker asks its databases while nothing happens: statements a second, from PostgreSQL's log.

Round trips that begin and end transactions count, too.
"""

import re
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from bench.result import keep, say, table
from tests.faults.cluster.site import open_site
from tests.postgresql import PostgreSQL

# Until the start is over: all is read, and what waits is indexed.
SETTLE_SECONDS = 10.0
STUDENTS, CLASSES = 10, 2
_STATEMENT = re.compile(r"LOG:  (?:execute \S+|statement): (.*(?:\n\t.*)*)")
SHOWN_CHARACTERS = 100


@dataclass(frozen=True, slots=True)
class Figure:
    """How often each worker sends a statement, in a second."""

    statement: str
    each: float


def measure(workers: int, seconds: float) -> None:
    """Measure, and save the figures."""
    with (
        tempfile.TemporaryDirectory(prefix="lousa-quiet-") as folder,
        open_site(Path(folder), "postgresql", STUDENTS, workers, CLASSES) as site,
    ):
        assert site.postgresql is not None
        time.sleep(SETTLE_SECONDS)
        found = Counter(_statements(site.postgresql, seconds))
    figures = [Figure(statement, count / seconds / workers) for statement, count in found.most_common()]
    total = sum(figure.each for figure in figures)
    say(f"{total:.1f} statements a second and worker")
    rows = [(figure.statement[:SHOWN_CHARACTERS], f"{figure.each:.2f}") for figure in figures]
    keep("quiet", figures, table(("statement", "a second"), [*rows, ("all", f"{total:.1f}")]))


def _statements(postgresql: PostgreSQL, seconds: float) -> list[str]:
    postgresql.log_statements()
    time.sleep(1)  # each connection takes over the setting with its next statement
    before = len(postgresql.log)
    time.sleep(seconds)
    return [" ".join(statement.split()) for statement in _STATEMENT.findall(postgresql.log[before:])]
