"""Long-poll clients that receive nothing or stop polling; the `slow` fixture in conftest starts them early."""

import pytest

from tests.interop.conftest import Slow
from tests.lousa import Lousa

pytestmark = pytest.mark.interop


def test_empty_poll_returns_204_with_the_same_token(server: Lousa, slow: dict[str, Slow]) -> None:
    opened, silent = slow[server.url].silence.result()
    assert silent == {"status": 204, "token": opened["token"], "messages": []}


def test_absent_client_leaves_presence_and_later_gets_410(server: Lousa, slow: dict[str, Slow]) -> None:
    late = slow[server.url].absence.result()
    assert (late["status"], late["token"], late["code"]) == (410, None, 4009)
