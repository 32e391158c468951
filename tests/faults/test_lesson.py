"""A lesson of all durable events is the same for everybody after kills. By hand: python -m tests.faults.lesson."""

import asyncio
from pathlib import Path

import pytest

from server.asyncapi import TABLES
from tests.faults.cluster.site import open_site
from tests.faults.lesson.__main__ import CLASSES, PUPILS, WORKERS
from tests.faults.lesson.actor import durable_events
from tests.faults.lesson.deed import deeds
from tests.faults.lesson.drill import Drill
from tests.roster import PRINCIPAL, TEACHER

pytestmark = [pytest.mark.faults, pytest.mark.timeout(400)]


@pytest.mark.parametrize(
    ("database", "seconds"),
    [
        ("sqlite", 6),
        pytest.param("sqlite", 20, marks=pytest.mark.long),
        pytest.param("postgresql", 20, marks=pytest.mark.long),
    ],
)
async def test_states_equal_the_journals_fold_after_kills(database: str, seconds: float, tmp_path: Path) -> None:
    with open_site(tmp_path, database, PUPILS, WORKERS, CLASSES) as site:
        tokens = site.tokens | await asyncio.to_thread(site.lousa.tokens, TEACHER, PRINCIPAL)
        outcome = await Drill(site, tokens, 1, seconds, kill_server=True).play()
    assert outcome.faults == [], str(outcome)
    assert len(outcome.stored) > 10, str(outcome)


def test_every_durable_kind_comes_of_a_push_that_is_played() -> None:
    played = {event.name for role in TABLES.roles for deed in deeds(role) for event in deed.action.emits}
    assert set(durable_events()) <= played
