"""Votes and acknowledgements count once each, across a kill of a worker. By hand: python -m tests.faults.votes."""

from pathlib import Path

import pytest

from tests.faults.cluster.site import open_site
from tests.faults.votes import play

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]


@pytest.mark.parametrize(
    ("database", "pupils"),
    [
        ("sqlite", 150),
        pytest.param("sqlite", 1_000, marks=pytest.mark.long),
        pytest.param("postgresql", 1_000, marks=pytest.mark.long),
    ],
)
async def test_answered_votes_and_acknowledgements_count_once(database: str, pupils: int, tmp_path: Path) -> None:
    with open_site(tmp_path, database, pupils, 4, classes=1) as site:
        outcome = await play(site, kills=1)
    assert outcome.is_exact, str(outcome)
    assert sum(outcome.tally) == pupils
