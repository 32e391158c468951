"""After SIGKILL under load every acknowledged message is stored once, in order. By hand: python -m tests.faults."""

import random
from pathlib import Path

import pytest

from tests.faults.__main__ import STUDENTS, describe, play, prepare

pytestmark = pytest.mark.faults

# One round each for `make test`; `make test-long` plays more.
ROUNDS = {"sqlite": 1, "postgresql": 1}


@pytest.mark.parametrize("kind", ROUNDS)
async def test_killed_server_loses_no_acknowledged_message(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    journal = request.getfixturevalue("postgresql_url") if kind == "postgresql" else None
    lousa, tokens = prepare(tmp_path, STUDENTS, journal)
    first = random.randrange(1_000_000)
    with lousa:
        outcomes = await play(lousa, tokens, range(first, first + ROUNDS[kind]), messages_each=10)
    assert not outcomes[-1].breaches, describe(outcomes[-1])
