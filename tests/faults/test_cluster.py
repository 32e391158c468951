"""Faults in a cluster under load lose and duplicate no message. By hand: python -m tests.faults.cluster."""

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
    plan = make_plan(SEED, SECONDS, SCHEDULES[database])
    assert {step.name for step in plan} == {*SCHEDULES[database]}
    with open_site(tmp_path, database, PUPILS, WORKERS) as site:
        outcome = await Drill(site, SEED, SECONDS, plan).play()
    assert outcome.verdict.sound, describe(outcome)
    assert outcome.verdict.acknowledged == outcome.verdict.sent > PUPILS
