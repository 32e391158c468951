"""Cut lines of one of two machines lose and double nothing. By hand: python -m tests.faults.machines."""

from collections.abc import Iterator

import pytest

from tests.faults.cluster.report import describe
from tests.faults.machines.__main__ import PUPILS
from tests.faults.machines.drill import MachinesDrill
from tests.faults.machines.plan import KINDS, LOSS, make_plan
from tests.faults.machines.site import Machines, open_machines

pytestmark = [pytest.mark.faults, pytest.mark.postgresql, pytest.mark.long, pytest.mark.timeout(400)]

# A schedule for each place; the same seed twice would send the same messages.
SEEDS = {place: 15 + number for number, place in enumerate([*KINDS, LOSS])}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    """Serve one school on two machines."""
    with open_machines(tmp_path_factory.mktemp("machines"), PUPILS) as site:
        yield site


@pytest.mark.parametrize("place", SEEDS)
async def test_cut_lines_of_one_machine_lose_and_double_nothing(site: Machines, place: str) -> None:
    seed = SEEDS[place]
    drill = MachinesDrill(site, seed, make_plan(seed, KINDS.get(place, [LOSS])))
    outcome = await drill.play()
    print(describe(outcome), drill.refused)
    assert outcome.verdict.sound, describe(outcome)
    assert outcome.verdict.acknowledged == outcome.verdict.sent > PUPILS
