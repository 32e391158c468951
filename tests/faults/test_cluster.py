"""Faults in a cluster under load lose and duplicate no message. By hand: python -m tests.faults.cluster."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.faults.cluster.drill import Drill
from tests.faults.cluster.plan import make_plan
from tests.faults.cluster.report import describe
from tests.faults.cluster.site import open_site

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

PUPILS = 50
WORKERS = 4
SECONDS = 12.0
SEED = 9

# A short selection for `make test`; `make test-long` plays every fault, for longer.
SCHEDULES = {"sqlite": ("kill-worker", "kill-redis"), "postgresql": ("freeze-worker", "restart-postgresql")}


@pytest.mark.parametrize("database", SCHEDULES)
async def test_cluster_under_faults_loses_no_acknowledged_message(database: str, tmp_path: Path) -> None:
    await play(tmp_path, database, SCHEDULES[database], SECONDS)


@pytest.mark.long
async def test_cluster_behind_pgbouncer_loses_no_acknowledged_message(tmp_path: Path) -> None:
    faults = ("restart-pgbouncer", "freeze-pgbouncer", "end-backends", "restart-postgresql", "kill-worker")
    await play(tmp_path, "pgbouncer", faults, 40.0)


async def play(folder: Path, database: str, faults: Sequence[str], seconds: float) -> None:
    """Play a schedule that has each of these faults, and check what clients saw."""
    plan = make_plan(SEED, seconds, faults)
    assert {step.name for step in plan} == {*faults}
    with open_site(folder, database, PUPILS, WORKERS) as site:
        outcome = await Drill(site, SEED, seconds, plan).play()
    print(describe(outcome))
    assert outcome.verdict.sound, describe(outcome)
    assert outcome.verdict.acknowledged == outcome.verdict.sent > PUPILS
