"""Admission on any transport: credential, role, origin, version, connections, rate and queue."""

import asyncio
from collections.abc import Awaitable
from http import HTTPStatus
from typing import Any

import pytest

from channels import roles
from channels.errors import Unavailable
from channels.lesson.rules import Role
from channels.limit import HANDSHAKE_BURST, HANDSHAKE_RATE, MAX_CONNECTIONS, MAX_LINE_SECONDS
from channels.member import Member
from channels.transports.admission import Admission
from channels.transports.gate import Admitted, Gate, TurnedAway
from channels.transports.handshake_rates import HandshakeRates
from channels.transports.poll_sessions import PollSessions
from channels.wire.codec import JSON
from tests.channels.support import ANA, CLASS, TurnedClock, Worker, member

# One kind of database is enough here.
pytestmark = pytest.mark.parametrize("made_urls", ["sqlite"], indirect=True)

ORIGIN = "https://portal.example"
ROLES = {role.name: role for role in roles.ROLES}


class Door:
    """A gate on a stopped clock; waits for a slot are recorded, and end at once unless `holds`."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.clock = TurnedClock()
        self.waited: list[float] = []
        self.may_go = asyncio.Event()
        self.may_go.set()
        self.gate = Gate(
            worker.engine,
            PollSessions(worker.engine),
            (ORIGIN,),
            admission=Admission(self.clock),
            handshakes=HandshakeRates(self.clock),
            sleep=self._sleep,
        )

    def _sleep(self, seconds: float) -> Awaitable[None]:
        self.waited.append(seconds)
        return self._until_may_go()

    async def _until_may_go(self) -> None:
        await self.may_go.wait()

    async def admit(
        self,
        login: str | None = None,
        *,
        role: Role = ROLES["student"],
        cookie: str | None = None,
        vsn: str | None = None,
        **headers: str,
    ) -> Admitted:
        arguments = {"access_token": login, "vsn": vsn}
        return await self.gate.admit(role, headers, arguments.get, cookie)

    async def refused(self, *args: Any, **options: Any) -> TurnedAway:
        with pytest.raises(TurnedAway) as raised:
            await self.admit(*args, **options)
        return raised.value

    def enrol(self, count: int) -> list[str]:
        """Add students; return their logins."""
        logins = [f"s{number}" for number in range(count)]
        for number, login in enumerate(logins):
            self.worker.authority.members[login] = member(1_000 + number, login, "student", CLASS)
        return logins


@pytest.fixture
def door(worker: Worker) -> Door:
    return Door(worker)


async def test_a_credential_of_the_role_is_admitted(door: Door) -> None:
    assert await door.admit("ana") == Admitted(ANA, door.worker.engine.revision, in_objects=False)


@pytest.mark.parametrize("login", [None, "nobody", "paula"])
async def test_missing_credential_for_the_role_is_forbidden(door: Door, login: str | None) -> None:
    assert (await door.refused(login)).status == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize(("vsn", "in_objects"), [(None, False), ("2.0.0", False), ("1.0.0", True)])
async def test_protocol_version_selects_the_frame_format(door: Door, vsn: str | None, in_objects: bool) -> None:
    assert (await door.admit("ana", vsn=vsn)).in_objects is in_objects


@pytest.mark.parametrize("vsn", ["3.0.0", "", "x"])
async def test_an_unknown_version_is_forbidden(door: Door, vsn: str) -> None:
    assert (await door.refused("ana", vsn=vsn)).status == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize("origin", [ORIGIN, "https://lousa.example", "https://LOUSA.example"])
async def test_cookie_is_accepted_from_our_own_pages(door: Door, origin: str) -> None:
    assert (await door.admit(cookie="ana", Origin=origin, Host="lousa.example")).member is ANA


@pytest.mark.parametrize(
    "origin", ["https://elsewhere.example", "null", "", "http://[", "http://[::1", "http://\udcff"]
)
@pytest.mark.parametrize("host", ["lousa.example", ""])
async def test_cookie_from_a_foreign_origin_is_forbidden(door: Door, origin: str, host: str) -> None:
    assert (await door.refused(cookie="ana", Origin=origin, Host=host)).status == HTTPStatus.FORBIDDEN


async def test_token_is_accepted_from_any_origin(door: Door) -> None:
    assert (await door.admit("ana", Origin="http://[", Host="x")).member is ANA


async def test_unreachable_database_gives_service_unavailable(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(secret: str) -> Member | None:
        raise Unavailable("away")

    monkeypatch.setattr(door.worker.authority, "authenticate", away)
    refused = await door.refused("ana")
    assert (refused.status, refused.retry_after) == (HTTPStatus.SERVICE_UNAVAILABLE, 2_000)


async def test_connections_of_one_user_are_limited(door: Door) -> None:
    engine = door.worker.engine
    sessions = [engine.connect(ANA, JSON, engine.revision) for _ in range(MAX_CONNECTIONS)]
    assert (await door.refused("ana")).status == HTTPStatus.TOO_MANY_REQUESTS
    await door.admit("bruno")
    engine.disconnect(sessions[0])
    await door.admit("ana")


async def test_connections_in_the_queue_count_for_their_user(door: Door) -> None:
    for login in door.enrol(251):
        await door.admit(login)
    door.may_go.clear()
    engine = door.worker.engine
    sessions = [engine.connect(ANA, JSON, engine.revision) for _ in range(MAX_CONNECTIONS - 2)]
    waiting = [asyncio.create_task(door.admit("ana")) for _ in range(2)]
    while len(door.waited) < 2:
        await asyncio.sleep(0)
    assert (await door.refused("ana")).message == "too many connections of one user"
    door.may_go.set()
    await asyncio.gather(*waiting)
    engine.disconnect(sessions[0])
    await door.admit("ana")


async def test_client_that_leaves_the_queue_is_no_longer_counted(door: Door) -> None:
    for login in door.enrol(251):
        await door.admit(login)
    door.may_go.clear()
    waiting = [asyncio.create_task(door.admit("ana")) for _ in range(int(HANDSHAKE_BURST))]
    while len(door.waited) < len(waiting):
        await asyncio.sleep(0)
    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    door.may_go.set()
    door.clock.now += 1
    await door.admit("ana")


async def test_handshakes_of_one_user_are_rate_limited(door: Door) -> None:
    for _ in range(int(HANDSHAKE_BURST)):
        await door.admit("ana")
    refused = await door.refused("ana")
    assert refused.status == HTTPStatus.TOO_MANY_REQUESTS
    assert refused.retry_after == 1_000 / HANDSHAKE_RATE + 1
    await door.admit("bruno")
    door.clock.now += 1 / HANDSHAKE_RATE
    await door.admit("ana")


async def test_handshakes_of_one_user_do_not_block_others(door: Door) -> None:
    logins = door.enrol(4_500)
    admitted, turned_away = 0, 0
    for millisecond in range(5_000):
        door.clock.now += 0.001
        for _ in range(1 + millisecond % 2):  # 1,500 a second
            try:
                await door.admit("ana")
                admitted += 1
            except TurnedAway:
                turned_away += 1
        if millisecond % 10:  # 900 a second
            await door.admit(logins.pop())
    assert logins == []
    assert admitted <= HANDSHAKE_BURST + 5 * HANDSHAKE_RATE + 1
    assert turned_away > 7_000
    assert max(door.waited, default=0) < MAX_LINE_SECONDS / 10


async def test_clients_without_a_credential_take_no_slots(door: Door) -> None:
    for _ in range(5_000):
        await door.refused("nobody")
        await door.refused(None)
    await door.admit("ana")
    assert door.waited == []


async def test_in_a_crowd_students_wait_and_staff_do_not(door: Door) -> None:
    for login in door.enrol(300):
        await door.admit(login)
    assert len(door.waited) == 49
    await door.admit("paula", role=ROLES["teacher"])
    await door.admit("diretora", role=ROLES["principal"])
    assert len(door.waited) == 49


async def test_students_past_the_longest_wait_are_told_to_retry(door: Door) -> None:
    for login in door.enrol(2_251):
        await door.admit(login)
    refused = await door.refused("ana")
    assert refused.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert refused.retry_after is not None
    assert refused.retry_after >= 1_000 * MAX_LINE_SECONDS
