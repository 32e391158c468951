"""The short way of handshakes knows whose handshake it is before the credential is read."""

from collections.abc import Awaitable, Callable

import pytest

from channels.roles import ROLES
from channels.transports.gate import Gate
from channels.transports.poll_sessions import PollSessions
from channels.transports.upgrades import Upgrades
from tests.channels.support import Worker
from tests.channels.transports.sockets import upgrade

pytestmark = pytest.mark.parametrize("made_urls", ["sqlite"], indirect=True)


async def test_handshakes_wait_as_their_role_does(make_worker: Callable[..., Awaitable[Worker]]) -> None:
    worker = await make_worker()
    upgrades = Upgrades(Gate(worker.engine, PollSessions(worker.engine)), ROLES)
    for role in ROLES:
        handshake = upgrades.read(upgrade("ana").replace(b"/students/", f"/{role.path}/".encode()))
        assert handshake is not None
        assert upgrades.waits_in_line(handshake) is role.waits_in_line
