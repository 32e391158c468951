import asyncio

import pytest

from server.accounts.refusals import SignInRefused
from server.accounts.throttle import ACCOUNT_FAILURES, ADDRESS_FAILURES, WINDOW_MS, Throttle, forgive
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
    assert (refusal.value.reason, refusal.value.retry_after) == ("throttled", 240)
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
