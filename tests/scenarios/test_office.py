"""What the office ends in the browser ends on open connections within a second, on every worker and transport."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest

from channels.transports.credential import SIGN_IN_COOKIE
from tests.crew import Crew
from tests.scenarios.participant import Participant, Way
from tests.server.views.visitor import Visitor

pytestmark = pytest.mark.long

OFFICE, PASSWORD = "secretaria", "quatro palavras bem verdes"
WORKERS = 2
# So many that each worker has some, of each transport.
CONNECTIONS = 6
# What each step does: the end of the address of a person's page, and the fields of its form.
STEPS = {"reset": {}, "sign-ins/end": {"sign_in": "all"}, "enabled": {}}


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Crew]:
    """Run two workers, with the office and a pupil for each step."""
    with Crew(tmp_path / "data", WORKERS) as crew:
        for login in (OFFICE, *map(_pupil, STEPS)):
            role = "administrator" if login == OFFICE else "student"
            made = ("--role", role, "--name", login.title(), "--password-stdin")
            crew.run("user", "create", login, *made, stdin=f"{PASSWORD}\n")
        yield crew


def _pupil(step: str) -> str:
    return f"pupil-{step.partition('/')[0]}"


async def _signed_in(crew: Crew, login: str) -> Visitor:
    visitor = Visitor(crew.url)
    await visitor.sign_in(login, PASSWORD)
    return visitor


async def _seconds_until_ended(crew: Crew, office: Visitor, step: str) -> float:
    pupil = _pupil(step)
    secret = (await _signed_in(crew, pupil)).cookies[SIGN_IN_COOKIE]
    ways = [way for way in Way for _ in range(CONNECTIONS)]
    here = await asyncio.gather(*(Participant.come(crew, "students", secret, way) for way in ways))
    found = re.search(r"/administrators/people/(\d+)", (await office.get(f"/administrators/?text={pupil}")).text)
    assert found is not None
    begun = monotonic()
    await office.post(f"/administrators/people/{found[1]}/{step}", **STEPS[step])
    assert {await each.is_ended() for each in here} == {4001}
    return monotonic() - begun


async def test_reset_disabling_and_ended_sign_ins_end_open_connections(crew: Crew) -> None:
    office = await _signed_in(crew, OFFICE)
    seconds = {step: await _seconds_until_ended(crew, office, step) for step in STEPS}
    print("Open connections ended after " + ", ".join(f"{each:.2f} s ({step})" for step, each in seconds.items()))
    # The quickest: a busy machine may make any of them late, and a slow way makes all of them late.
    assert min(seconds.values()) < 1.0
