import asyncio

import pytest

from server.accounts.refusals import SignInRefused
from server.accounts.throttle import (
    ACCOUNT_FAILURES,
    ADDRESS_FAILURES,
    MAX_PATIENCE_MS,
    TICKET_MS,
    WINDOW_MS,
    Admission,
    Throttle,
    forgive,
)
from server.databases import DbSessions, writing
from tests.server.conftest import TurnedClock


@pytest.fixture
def throttle(sessions: DbSessions, clock: TurnedClock) -> Throttle:
    return Throttle(sessions, clock)


async def _guess(throttle: Throttle, login: str, address: str, times: int = 1) -> None:
    for _ in range(times):
        await throttle.check(login, address)
        await throttle.count(login, address)


async def test_account_is_throttled_after_failures_from_any_address(throttle: Throttle, clock: TurnedClock) -> None:
    for number in range(ACCOUNT_FAILURES):
        await _guess(throttle, "ana", f"10.0.0.{number}")
    clock.turn(60_000)
    with pytest.raises(SignInRefused) as refusal:
        await throttle.check("ana", "10.0.1.1")
    assert (refusal.value.reason, refusal.value.retry_after) == ("throttled", 15)
    await _guess(throttle, "bruno", "10.0.0.1")


async def test_throttling_ends_despite_attempts_meanwhile(throttle: Throttle, clock: TurnedClock) -> None:
    await _guess(throttle, "ana", "10.0.0.1", ACCOUNT_FAILURES)
    for _ in range(3):
        with pytest.raises(SignInRefused):
            await throttle.count("ana", "10.0.0.1")
    clock.turn(WINDOW_MS)
    await _guess(throttle, "ana", "10.0.0.1", ACCOUNT_FAILURES)
    with pytest.raises(SignInRefused):
        await throttle.check("ana", "10.0.0.1")


async def _refused(throttle: Throttle, login: str, address: str, ticket: str = "") -> SignInRefused:
    with pytest.raises(SignInRefused) as refusal:
        await throttle.check(login, address, ticket=ticket)
    return refusal.value


async def test_ticket_admits_one_guess_after_its_time(throttle: Throttle, clock: TurnedClock) -> None:
    await _guess(throttle, "ana", "10.0.0.1", ACCOUNT_FAILURES)
    refusal = await _refused(throttle, "ana", "10.0.0.2")
    clock.turn(14_000)
    early = await _refused(throttle, "ana", "10.0.0.2", refusal.ticket)
    assert (early.ticket, early.retry_after) == (refusal.ticket, 1)
    clock.turn(1_000)
    for keep in (True, False):  # the question, and the guess
        admitted = await throttle.check("ana", "10.0.0.2", ticket=refusal.ticket, keep=keep)
        assert admitted is Admission.PATIENT
    await throttle.count("ana", "10.0.0.2", Admission.PATIENT)
    assert (await _refused(throttle, "ana", "10.0.0.2", refusal.ticket)).ticket != refusal.ticket


async def test_ticket_is_good_for_its_account_and_address_only(throttle: Throttle, clock: TurnedClock) -> None:
    for login in ("ana", "bruno"):
        await _guess(throttle, login, "10.0.0.1", ACCOUNT_FAILURES)
    ticket = (await _refused(throttle, "ana", "10.0.0.2")).ticket
    clock.turn(15_000)
    for login, address in (("bruno", "10.0.0.2"), ("ana", "10.0.0.3")):
        assert (await _refused(throttle, login, address, ticket)).ticket != ticket
    assert await throttle.check("ana", "10.0.0.2", ticket=ticket) is Admission.PATIENT


async def test_tickets_end(throttle: Throttle, clock: TurnedClock) -> None:
    await _guess(throttle, "ana", "10.0.0.1", ACCOUNT_FAILURES)
    ticket = (await _refused(throttle, "ana", "10.0.0.1")).ticket
    clock.turn(15_000 + TICKET_MS)
    await _guess(throttle, "ana", "10.0.0.1", ACCOUNT_FAILURES)
    assert (await _refused(throttle, "ana", "10.0.0.1", ticket)).ticket != ticket


async def test_tickets_asked_for_at_once_follow_each_other(throttle: Throttle) -> None:
    await _guess(throttle, "ana", "10.0.0.1", ACCOUNT_FAILURES)
    refusals = await asyncio.gather(*(_refused(throttle, "ana", "10.0.0.1") for _ in range(30)))
    waits = sorted(refusal.retry_after for refusal in refusals if refusal.ticket)
    assert waits == list(range(15, MAX_PATIENCE_MS // 1000 + 1, 15)), "and no more of them in the time of a window"
    assert (await _refused(throttle, "ana", "10.0.0.2")).retry_after == 15, "another address has turns of its own"


async def test_program_that_waits_gets_few_guesses(throttle: Throttle, clock: TurnedClock) -> None:
    guesses, end = 0, clock() + WINDOW_MS
    ticket = ""
    while clock() < end:
        try:
            await throttle.count("ana", "10.0.0.1", await throttle.check("ana", "10.0.0.1", ticket=ticket))
            guesses += 1
        except SignInRefused as refusal:
            ticket = refusal.ticket
            clock.turn(refusal.retry_after * 1000)
    assert ACCOUNT_FAILURES < guesses < 25


async def test_known_browser_is_not_concerned_by_guesses_elsewhere(throttle: Throttle, sessions: DbSessions) -> None:
    await _guess(throttle, "ana", "10.0.0.1", ACCOUNT_FAILURES)
    for _ in range(ACCOUNT_FAILURES):
        assert await throttle.check("ana", "10.0.0.1", "browser") is Admission.KNOWN
        await throttle.count("ana", "10.0.0.1", Admission.KNOWN, "browser")
    with pytest.raises(SignInRefused):
        await throttle.check("ana", "10.0.0.1", "browser")
    with pytest.raises(SignInRefused):
        await throttle.count("ana", "10.0.0.1", Admission.KNOWN, "browser")
    assert await throttle.check("ana", "10.0.0.1", "another") is Admission.KNOWN
    async with writing(sessions) as session:
        await forgive(session, "ana", "10.0.0.1", "browser")
    assert await throttle.check("ana", "10.0.0.1", "browser") is Admission.KNOWN
    assert (await _refused(throttle, "ana", "10.0.0.1")).ticket, "strangers still wait"


async def test_patience_grows_with_guesses_from_many_addresses(throttle: Throttle, clock: TurnedClock) -> None:
    await _guess(throttle, "ana", "10.0.0.1", ACCOUNT_FAILURES)
    for number in range(ACCOUNT_FAILURES):
        await throttle.count("ana", f"10.0.1.{number}", Admission.PATIENT)
    assert (await _refused(throttle, "ana", "10.0.0.2")).retry_after == 30


async def test_address_is_throttled_after_failures_at_any_account(throttle: Throttle) -> None:
    await asyncio.gather(*(throttle.count(f"user{number}", "10.0.0.1") for number in range(ADDRESS_FAILURES)))
    for question in (throttle.check, throttle.count):
        with pytest.raises(SignInRefused):
            await question("ana", "10.0.0.1")
    await _guess(throttle, "ana", "10.0.0.2")


async def test_guesses_at_the_same_time_are_all_counted(throttle: Throttle) -> None:
    guesses = (throttle.count("ana", f"10.0.0.{number}") for number in range(3 * ACCOUNT_FAILURES))
    results = await asyncio.gather(*guesses, return_exceptions=True)
    assert sum(result is None for result in results) == ACCOUNT_FAILURES


async def test_right_password_resets_account_and_costs_address_nothing(
    throttle: Throttle, sessions: DbSessions
) -> None:
    for _ in range(ADDRESS_FAILURES // ACCOUNT_FAILURES + 1):
        await _guess(throttle, "ana", "10.0.0.1", ACCOUNT_FAILURES)
        for _ in range(ACCOUNT_FAILURES):
            async with writing(sessions) as session:
                await forgive(session, "ana", "10.0.0.1")
    await throttle.check("ana", "10.0.0.1")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("@unix", "@unix", True),
    ],
)
async def test_ipv6_addresses_are_counted_by_network(throttle: Throttle, one: str, other: str, same: bool) -> None:
    await asyncio.gather(*(throttle.count(f"user{number}", one) for number in range(ADDRESS_FAILURES)))
    if same:
        with pytest.raises(SignInRefused):
            await throttle.check("ana", other)
    else:
        await throttle.check("ana", other)
