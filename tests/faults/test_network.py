"""A bad network before the server loses and duplicates no message. By hand: python -m tests.faults.network."""

from collections.abc import Iterator

import pytest

from tests.faults.cluster.site import Site, open_site
from tests.faults.network.drill import Crowd, Drill
from tests.faults.network.fault import FAULTS
from tests.faults.network.report import describe

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

SECONDS = 6.0
CROWD = Crowd(pages=3, polls=3, websockets=3, stock=1)

# A short selection for `make test`; `make test-long` plays every fault, for longer.
SCHEDULES = [
    (4, "all-of-these"),
    (4, "killed-workers"),
    pytest.param(1, "all-of-these", marks=pytest.mark.long),  # the same faults, and no kill of a worker
]


@pytest.fixture(scope="module")
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Serve a school with the parameter's number of workers."""
    with open_site(tmp_path_factory.mktemp("network"), "sqlite", CROWD.logins, request.param, classes=2) as site:
        yield site


@pytest.mark.parametrize(("site", "fault"), SCHEDULES, indirect=["site"], scope="module")
async def test_bad_network_loses_and_duplicates_no_message(site: Site, fault: str) -> None:
    outcome = await Drill(site, list(FAULTS).index(fault), SECONDS, fault, CROWD).play()
    assert outcome.verdict.sound, describe(outcome)
    assert outcome.verdict.acknowledged == outcome.verdict.sent > CROWD.logins
