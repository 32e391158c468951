import asyncio

import pytest
from sqlalchemy import select, update

from channels.member import User
from server.accounts.accounts import Accounts
from server.accounts.browser_sign_in import MAX_SIGN_INS
from server.accounts.identifiers import CODE_DAYS
from server.accounts.refusals import PasswordRefused, SignInRefused
from server.accounts.throttle import ACCOUNT_FAILURES, ADDRESS_FAILURES
from server.accounts.users import Users
from server.clock import DAY
from server.databases import DbSessions, reading, writing
from server.databases.accounts import Account, Credential
from server.databases.credentials import hash_secret
from tests.server.accounts.conftest import HERE, PASSWORD
from tests.server.conftest import TurnedClock, quick_passwords
from tests.server.people import People


async def _refusal(accounts: Accounts, login: str, password: str) -> SignInRefused:
    with pytest.raises(SignInRefused) as refusal:
        await accounts.local.sign_in(login, password, HERE)
    return refusal.value


async def test_sign_in_returns_a_secret_that_identifies_the_user(accounts: Accounts, ana: int) -> None:
    secret = await accounts.local.sign_in("ana", PASSWORD, HERE)
    member = await accounts.authenticate(secret)
    assert member is not None
    assert member.user == User(ana, "Ana", "student")
    assert await accounts.renew(member) == member


@pytest.mark.parametrize("typed", ["ANA", "  Ana ", "ana\n"])
async def test_login_ignores_case_and_surrounding_blanks(accounts: Accounts, ana: int, typed: str) -> None:
    assert await accounts.authenticate(await accounts.local.sign_in(typed, PASSWORD, HERE))


async def test_the_database_stores_no_usable_secret(accounts: Accounts, ana: int, sessions: DbSessions) -> None:
    secret = await accounts.local.sign_in("ana", PASSWORD, HERE)
    async with reading(sessions) as session:
        (credential,) = await session.scalars(select(Credential))
        (account,) = await session.scalars(select(Account))
    assert credential.secret_hash == hash_secret(secret)
    assert PASSWORD not in (account.password_hash or "")


async def test_unknown_login_is_answered_like_a_wrong_password(accounts: Accounts, ana: int) -> None:
    refusals = [await _refusal(accounts, login, "wrong-one") for login in ("ana", "nobody", "", "a\0", "\ud800")]
    assert {refusal.reason for refusal in refusals} == {"wrong"}


async def test_empty_password_fails_for_user_without_password(accounts: Accounts, people: People) -> None:
    await people.user("bruno")
    assert (await _refusal(accounts, "bruno", "")).reason == "wrong"


async def test_disabled_or_ended_user_cannot_sign_in(
    accounts: Accounts, ana: int, users: Users, sessions: DbSessions
) -> None:
    await users.disable("ana")
    assert (await _refusal(accounts, "ana", PASSWORD)).reason == "wrong"
    await users.enable("ana")
    assert await accounts.local.sign_in("ana", PASSWORD, HERE)
    async with writing(sessions) as session:
        await session.execute(update(Account).values(active=False))
    assert (await _refusal(accounts, "ana", PASSWORD)).reason == "wrong"


async def test_role_of_the_schools_provider_cannot_use_a_password(
    sessions: DbSessions, ana: int, users: Users, clock: TurnedClock
) -> None:
    await users.create("paula", "Paula", "teacher", PASSWORD)
    accounts = Accounts(sessions, clock, passwords=quick_passwords(), local_roles={"teacher"})
    assert (await _refusal(accounts, "ana", PASSWORD)).reason == "elsewhere"
    assert (await _refusal(accounts, "ana", "wrong-one")).reason == "wrong"
    assert await accounts.local.sign_in("paula", PASSWORD, HERE)
    accounts.close()


async def test_throttled_account_admits_strangers_after_patience(
    accounts: Accounts, ana: int, clock: TurnedClock
) -> None:
    for _ in range(ACCOUNT_FAILURES):
        assert (await _refusal(accounts, "ana", "wrong-one")).reason == "wrong"
    refusal = await _refusal(accounts, "ana", PASSWORD)
    assert (refusal.reason, refusal.retry_after) == ("throttled", 15)
    assert await accounts.local.patience("ana", HERE, ticket=refusal.ticket) == (15, refusal.ticket)
    clock.turn(15_000)
    assert await accounts.local.patience("ana", HERE, ticket=refusal.ticket) == (0, refusal.ticket)
    assert await accounts.local.sign_in("ana", PASSWORD, HERE, ticket=refusal.ticket)
    assert await accounts.local.patience("ana", HERE) == (0, "")


async def test_made_up_names_do_not_keep_a_school_out(accounts: Accounts, ana: int, clock: TurnedClock) -> None:
    known = await accounts.local.remember_browser("", "ana")
    for number in range(ADDRESS_FAILURES):
        await accounts.local._throttle.count(f"nobody{number}", HERE)
    assert await accounts.local.sign_in("ana", PASSWORD, HERE, known=known)
    seconds, ticket = await accounts.local.patience("ana", HERE)
    assert seconds == 5
    clock.turn(5_000)
    assert await accounts.local.sign_in("ana", PASSWORD, HERE, ticket=ticket)


async def test_known_browser_gets_in_while_others_guess(
    accounts: Accounts, ana: int, users: Users, clock: TurnedClock
) -> None:
    known = await accounts.local.remember_browser("", "ana")
    for _ in range(ACCOUNT_FAILURES):
        await _refusal(accounts, "ana", "wrong-one")
    assert await accounts.local.patience("ana", HERE, known=known) == (0, "")
    assert await accounts.local.sign_in("ana", PASSWORD, HERE, known=known)
    assert (await _refusal(accounts, "ana", PASSWORD)).reason == "throttled", "a stranger still waits"
    with pytest.raises(SignInRefused, match="wrong"):
        await accounts.local.sign_in("ana", "wrong-one", HERE, known=known)
    await users.set_password("ana", "another-one")
    assert (await accounts.local.patience("ana", HERE, known=known))[0] > 0


async def test_right_password_waits_for_few_of_many_guesses(accounts: Accounts, ana: int) -> None:
    known = await accounts.local.remember_browser("", "ana")
    done: list[str] = []

    async def sign_in(name: str, password: str, address: str, known: str = "") -> None:
        try:
            await accounts.local.sign_in(name, password, address, known=known)
        except SignInRefused:
            pass
        done.append(name)

    guesses = [sign_in(f"nobody{number}", "wrong-one", HERE) for number in range(60)]
    await asyncio.gather(*guesses, sign_in("ana", PASSWORD, HERE, known))
    assert done.index("ana") < 30


async def test_an_unknown_login_is_throttled_like_a_known_one(accounts: Accounts) -> None:
    reasons = [(await _refusal(accounts, "nobody", "wrong-one")).reason for _ in range(ACCOUNT_FAILURES + 1)]
    assert reasons == ["wrong"] * ACCOUNT_FAILURES + ["throttled"]


async def test_successful_sign_ins_are_not_throttled(accounts: Accounts, ana: int) -> None:
    for _ in range(ACCOUNT_FAILURES + 1):
        await accounts.local.sign_in("ana", PASSWORD, HERE)


async def test_a_sign_in_whose_password_changed_meanwhile_is_refused(
    accounts: Accounts, ana: int, users: Users
) -> None:
    verify = accounts._passwords.verify

    async def verify_slowly(stored: str | None, given: str) -> bool:
        right = await verify(stored, given)
        await users.set_password("ana", "another-one")
        return right

    accounts._passwords.verify = verify_slowly  # type: ignore[method-assign]
    assert (await _refusal(accounts, "ana", PASSWORD)).reason == "wrong"


async def test_ids_of_ended_sign_ins_are_never_reused(accounts: Accounts, ana: int) -> None:
    secret = await accounts.local.sign_in("ana", PASSWORD, HERE)
    old = await accounts.authenticate(secret)
    assert old is not None
    await accounts.sign_out(secret)
    await accounts.local.sign_in("ana", PASSWORD, HERE)
    assert await accounts.renew(old) is None


async def test_only_the_newest_sign_ins_of_a_user_are_kept(accounts: Accounts, ana: int) -> None:
    secrets = [await accounts.local.sign_in("ana", PASSWORD, HERE) for _ in range(MAX_SIGN_INS + 2)]
    found = [await accounts.authenticate(secret) for secret in secrets]
    assert [member is None for member in found] == [True, True] + [False] * MAX_SIGN_INS


async def test_most_recently_used_sign_ins_are_kept(accounts: Accounts, ana: int, clock: TurnedClock) -> None:
    used = await accounts.local.sign_in("ana", PASSWORD, HERE)
    unused = await accounts.local.sign_in("ana", PASSWORD, HERE)
    clock.turn(2 * DAY)
    assert await accounts.authenticate(used)
    assert accounts.extend(used)
    await accounts.store_extensions()
    for _ in range(MAX_SIGN_INS - 1):
        await accounts.local.sign_in("ana", PASSWORD, HERE)
    assert await accounts.authenticate(used)
    assert await accounts.authenticate(unused) is None


@pytest.fixture
async def code(people: People, users: Users) -> str:
    bruno = await people.user("bruno")
    await people.classroom("6º A", bruno)
    return (await users.make_codes("6º A"))[0].code


async def test_one_time_code_signs_in_once_and_sets_the_password(accounts: Accounts, code: str) -> None:
    secret = await accounts.local.redeem_code("bruno", code, "escolhida", HERE)
    assert await accounts.authenticate(secret)
    assert await accounts.local.sign_in("bruno", "escolhida", HERE)
    with pytest.raises(SignInRefused, match="code"):
        await accounts.local.redeem_code("bruno", code, "escolhida-2", HERE)


async def test_one_time_code_ignores_case_blanks_and_hyphens(accounts: Accounts, code: str) -> None:
    assert await accounts.local.redeem_code("Bruno", f" {code[:5].lower()}-{code[5:]} ", "escolhida", HERE)


async def test_code_redeemed_twice_concurrently_works_once(accounts: Accounts, code: str) -> None:
    tries = (accounts.local.redeem_code("bruno", code, f"escolhida-{number}", HERE) for number in range(2))
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["SignInRefused", "str"]


@pytest.mark.parametrize("login", ["bruno", "nobody"])
async def test_wrong_code_is_refused_and_guessing_is_throttled(accounts: Accounts, code: str, login: str) -> None:
    reasons = []
    for _ in range(ACCOUNT_FAILURES + 1):
        with pytest.raises(SignInRefused) as refusal:
            await accounts.local.redeem_code(login, "AAAAAAAAAA", "escolhida", HERE)
        reasons.append(refusal.value.reason)
    assert reasons == ["code"] * ACCOUNT_FAILURES + ["throttled"]


async def test_one_time_code_expires(accounts: Accounts, code: str, clock: TurnedClock) -> None:
    clock.turn(CODE_DAYS * DAY)
    with pytest.raises(SignInRefused, match="code"):
        await accounts.local.redeem_code("bruno", code, "escolhida", HERE)


async def test_refused_password_leaves_the_code_valid(accounts: Accounts, code: str) -> None:
    with pytest.raises(PasswordRefused, match="short"):
        await accounts.local.redeem_code("bruno", code, "curta", HERE)
    assert await accounts.local.redeem_code("bruno", code, "escolhida", HERE)
