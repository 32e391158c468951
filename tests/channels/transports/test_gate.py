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
from channels.transports.gate import Admitted, Gate, Place, Request, TurnedAway
from channels.transports.handshake_rates import HandshakeRates
from channels.transports.poll_sessions import PollSessions
from channels.wire.codec import JSON
from tests.channels.support import ANA, CLASS, TurnedClock, Worker, member

# One kind of database is enough here.
pytestmark = pytest.mark.parametrize("made_urls", ["sqlite"], indirect=True)

ORIGIN = "https://portal.example"
PLACE = Place("https", "lousa.example")
ROLES = {role.name: role for role in roles.ROLES}
ADMITTED_A_SECOND = 1_000.0
ADMITTED_AT_ONCE = 250.0


class Door:
    """A gate on a stopped clock; waits for a slot are recorded, and end at once unless `holds`.

    With `at_once` the gate is first asked to admit without awaiting anything.
    """

    def __init__(self, worker: Worker, *, at_once: bool) -> None:
        self.worker = worker
        self.at_once = at_once
        self.clock = TurnedClock()
        self.waited: list[float] = []
        self.may_go = asyncio.Event()
        self.may_go.set()
        self.gate = Gate(
            worker.engine,
            PollSessions(worker.engine),
            (ORIGIN,),
            admission=Admission(self.clock, rate=ADMITTED_A_SECOND, burst=ADMITTED_AT_ONCE),
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
        place: Place = PLACE,
        **headers: str,
    ) -> Admitted:
        arguments = {"access_token": login, "vsn": vsn}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        asked = Request(role, place, named, arguments.get, cookie)
        admitted = self.gate.admit_at_once(asked) if self.at_once else None
        return admitted or await self.gate.admit(asked)

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


@pytest.fixture(params=[False, True], ids=["awaited", "at once"])
def door(worker: Worker, request: pytest.FixtureRequest) -> Door:
    return Door(worker, at_once=request.param)


async def test_a_credential_of_the_role_is_admitted(door: Door) -> None:
    assert await door.admit("ana") == Admitted(ANA, door.worker.engine.revision, in_objects=False)


@pytest.mark.parametrize("login", [None, "nobody", "paula"])
async def test_missing_credential_for_the_role_is_forbidden(door: Door, login: str | None) -> None:
    assert (await door.refused(login)).status == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize(("vsn", "in_objects"), [(None, False), ("2.0.0", False), ("1.0.0", True)])
async def test_protocol_version_selects_the_frame_format(door: Door, vsn: str | None, in_objects: bool) -> None:
    assert (await door.admit("ana", vsn=vsn)).in_objects is in_objects


@pytest.mark.parametrize("vsn", ["3.0.0", "", "x", "1.0.0'", "1.0", "2.0.0\n", "1.", "2.0.0.0", "٢.0.0", "2." * 2_000])
async def test_an_unknown_version_is_forbidden(door: Door, vsn: str) -> None:
    assert (await door.refused("ana", vsn=vsn)).status == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize("origin", [ORIGIN, "https://lousa.example", "https://LOUSA.example"])
async def test_cookie_is_accepted_from_our_own_pages(door: Door, origin: str) -> None:
    assert (await door.admit(cookie="ana", Origin=origin)).member is ANA


@pytest.mark.parametrize(
    ("scheme", "host", "origin", "may"),
    [
        ("https", "lousa.example:443", "https://lousa.example", True),
        ("http", "lousa.example:80", "http://lousa.example", True),
        ("http", "lousa.example:8888", "http://lousa.example:8888", True),
        ("https", "[2001:db8::1]", "https://[2001:db8::1]", True),
        ("http", "lousa.example", "https://lousa.example", False),
        ("https", "lousa.example", "http://lousa.example", False),
        ("http", "lousa.example:443", "https://lousa.example", False),
        ("http", "lousa.example:80", "http://lousa.example:8080", False),
        ("http", "lousa.example", "chrome-extension://lousa.example", False),
        ("http", "lousa.example", "http://lousa.example.evil.example", False),
    ],
)
async def test_origins_are_compared_as_browsers_do(door: Door, scheme: str, host: str, origin: str, may: bool) -> None:
    assert door.gate.allows(origin, Place(scheme, host)) is may


async def test_page_behind_an_unnamed_proxy_is_explained_once(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        await door.refused(cookie="ana", place=Place("http", "lousa.example"), Origin="https://lousa.example")
    assert [record.getMessage().count("--behind-proxy") for record in caplog.records] == [1]


@pytest.mark.parametrize(
    "origin", ["https://elsewhere.example", "null", "", "http://[", "http://[::1", "http://\udcff"]
)
@pytest.mark.parametrize("host", ["lousa.example", ""])
async def test_cookie_from_a_foreign_origin_is_forbidden(door: Door, origin: str, host: str) -> None:
    refused = await door.refused(cookie="ana", place=Place("https", host), Origin=origin)
    assert refused.status == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Fetch_Site": "same-origin"},
        {"Sec_Fetch_Site": "none"},
        {"Referer": "https://lousa.example/students/classes/7"},
        {"Referer": f"{ORIGIN}/page"},
        {"Origin": ORIGIN, "Sec_Fetch_Site": "cross-site"},
    ],
)
async def test_cookie_is_accepted_with_a_sign_of_our_pages(door: Door, headers: dict[str, Any]) -> None:
    assert (await door.admit(cookie="ana", **headers)).member is ANA


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "cross-site", "Referer": "https://lousa.example/"},
        {"Referer": "https://elsewhere.example/"},
        {"Referer": "https://lousa.example@elsewhere.example/"},
        {"Referer": "http://["},
        {"Referer": ""},
    ],
)
async def test_cookie_of_a_cross_site_request_is_forbidden(door: Door, headers: dict[str, str]) -> None:
    assert (await door.refused(cookie="ana", **headers)).status == HTTPStatus.FORBIDDEN
    assert door.worker.engine.connections_of(ANA) == 0


async def test_token_is_accepted_from_any_origin(door: Door) -> None:
    assert (await door.admit("ana", Origin="http://[", Sec_Fetch_Site="cross-site")).member is ANA


async def test_unreachable_database_gives_service_unavailable(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(secret: str) -> Member | None:
        raise Unavailable("away")

    monkeypatch.setattr(door.worker.authority, "authenticate", away)
    monkeypatch.setattr(door.worker.authority, "recall", lambda secret: None)
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


async def test_students_past_the_longest_wait_get_retry_after(door: Door) -> None:
    for login in door.enrol(2_251):
        await door.admit(login)
    refused = await door.refused("ana")
    assert refused.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert refused.retry_after is not None
    assert refused.retry_after >= 1_000 * MAX_LINE_SECONDS


async def test_only_clients_that_need_not_wait_are_admitted_at_once(door: Door) -> None:
    def asked(login: str, role: str) -> Admitted | None:
        arguments = {"access_token": login}
        return door.gate.admit_at_once(Request(ROLES[role], PLACE, {}, arguments.get, None))

    assert asked("nobody", "student") is None
    for login in door.enrol(251):
        assert asked(login, "student")
    assert asked("ana", "student") is None
    assert asked("paula", "teacher")
