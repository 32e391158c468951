"""What a server does with a long-poll client that it does not hear: `slow` in conftest has begun it."""

import pytest

from tests.interop.conftest import Slow
from tests.lousa import Lousa

pytestmark = pytest.mark.interop


def test_a_poll_that_finds_nothing_is_answered_204_with_the_same_token(server: Lousa, slow: dict[str, Slow]) -> None:
    opened, silent = slow[server.url].silence.result()
    assert silent == {"status": 204, "token": opened["token"], "messages": []}


def test_who_stays_away_is_gone_for_the_others_and_is_told_so(server: Lousa, slow: dict[str, Slow]) -> None:
    late = slow[server.url].absence.result()
    assert (late["status"], late["token"], late["code"]) == (410, None, 4009)
