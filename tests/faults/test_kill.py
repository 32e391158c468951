"""SIGKILL in the middle of traffic: what was acknowledged is there, once, in order. By hand: python -m tests.faults."""

import random
from pathlib import Path

import pytest

from tests.faults.__main__ import STUDENTS, describe, play, prepare

pytestmark = pytest.mark.faults

ROUNDS = 5


async def test_a_server_that_is_killed_loses_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    lousa, tokens = prepare(tmp_path, STUDENTS)
    first = random.randrange(1_000_000)
    with lousa:
        outcomes = await play(lousa, tokens, range(first, first + ROUNDS), messages_each=10)
    assert not outcomes[-1].breaches, describe(outcomes[-1])
