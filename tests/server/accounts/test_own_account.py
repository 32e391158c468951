import pytest

from channels.member import Member
from server.accounts.accounts import Accounts
from server.accounts.refusals import PasswordRefused, SignInRefused
from server.accounts.throttle import ACCOUNT_FAILURES
from server.accounts.users import Users
from server.clock import DAY, SECOND
from tests.server.accounts.conftest import HERE, PASSWORD
from tests.server.conftest import TurnedClock
from tests.server.people import People

NEW = "três palavras novas"


async def _signed_in(accounts: Accounts, login: str = "ana", device: str = "") -> tuple[str, Member]:
    secret = await accounts.local.sign_in(login, PASSWORD, HERE, device=device)
    member = await accounts.authenticate(secret)
    assert member is not None
    return secret, member


async def test_new_password_replaces_the_old_and_ends_other_sign_ins(accounts: Accounts, ana: int) -> None:
    (mine, member), (other, _) = await _signed_in(accounts), await _signed_in(accounts)
    last = await accounts.newest_change()
    accounts.changed.clear()
    await accounts.own.change_password(member, PASSWORD, NEW, HERE)
    assert await accounts.authenticate(mine)
    assert await accounts.authenticate(other) is None
    assert (await accounts.changes_after(last)).users == {ana}
    assert accounts.changed.is_set()
    assert await accounts.local.sign_in("ana", NEW, HERE)
    with pytest.raises(SignInRefused, match="wrong"):
        await accounts.local.sign_in("ana", PASSWORD, HERE)


async def test_wrong_old_password_changes_nothing(accounts: Accounts, ana: int) -> None:
    _, member = await _signed_in(accounts)
    other, _ = await _signed_in(accounts)
    with pytest.raises(SignInRefused, match="wrong"):
        await accounts.own.change_password(member, "guessed", NEW, HERE)
    assert await accounts.authenticate(other)
    assert await accounts.local.sign_in("ana", PASSWORD, HERE)


async def test_guesses_at_the_old_password_are_throttled_as_sign_ins(accounts: Accounts, ana: int) -> None:
    _, member = await _signed_in(accounts)
    reasons = []
    for _ in range(ACCOUNT_FAILURES + 1):
        with pytest.raises(SignInRefused) as refusal:
            await accounts.own.change_password(member, "guessed", NEW, HERE)
        reasons.append(refusal.value.reason)
    assert reasons == ["wrong"] * ACCOUNT_FAILURES + ["throttled"]
    with pytest.raises(SignInRefused, match="throttled"):
        await accounts.local.sign_in("ana", PASSWORD, HERE)


async def test_right_change_takes_back_earlier_failures(accounts: Accounts, ana: int) -> None:
    _, member = await _signed_in(accounts)
    for _ in range(ACCOUNT_FAILURES - 1):
        with pytest.raises(SignInRefused):
            await accounts.own.change_password(member, "guessed", NEW, HERE)
    await accounts.own.change_password(member, PASSWORD, NEW, HERE)
    with pytest.raises(SignInRefused, match="wrong"):
        await accounts.own.change_password(member, PASSWORD, NEW, HERE)


async def test_known_browser_guesses_on_a_count_of_its_own(accounts: Accounts, ana: int) -> None:
    _, member = await _signed_in(accounts)
    known = await accounts.local.remember_browser("", "ana")
    for _ in range(ACCOUNT_FAILURES):
        with pytest.raises(SignInRefused):
            await accounts.local.sign_in("ana", "guessed", "192.0.2.1")
    await accounts.own.change_password(member, PASSWORD, NEW, HERE, known=known)
    assert await accounts.local.remember_browser(known, "ana") != known, "the old one has become a stranger"


async def test_ticket_of_a_refusal_admits_a_right_old_password(
    accounts: Accounts, ana: int, clock: TurnedClock
) -> None:
    _, member = await _signed_in(accounts)
    for _ in range(ACCOUNT_FAILURES):
        with pytest.raises(SignInRefused):
            await accounts.own.change_password(member, "guessed", NEW, HERE)
    with pytest.raises(SignInRefused, match="throttled") as refusal:
        await accounts.own.change_password(member, PASSWORD, NEW, HERE)
    clock.turn(refusal.value.retry_after * SECOND)
    await accounts.own.change_password(member, PASSWORD, NEW, HERE, ticket=refusal.value.ticket)


async def test_easily_guessed_new_password_is_refused(accounts: Accounts, ana: int) -> None:
    _, member = await _signed_in(accounts)
    with pytest.raises(PasswordRefused, match="short"):
        await accounts.own.change_password(member, PASSWORD, "curta", HERE)


async def test_disabled_account_changes_no_password(accounts: Accounts, ana: int, users: Users) -> None:
    _, member = await _signed_in(accounts)
    await users.disable("ana")
    with pytest.raises(SignInRefused, match="wrong"):
        await accounts.own.change_password(member, PASSWORD, NEW, HERE)


async def test_own_sign_ins_list_this_one_then_the_last_used(
    accounts: Accounts, ana: int, users: Users, clock: TurnedClock
) -> None:
    await _signed_in(accounts, device="Firefox · Windows")
    clock.turn(DAY)
    _, member = await _signed_in(accounts, device="Chrome · Android")
    clock.turn(DAY)
    await _signed_in(accounts)
    await users.create_tokens(["ana"], 365)
    found = await accounts.own.sign_ins(member)
    assert [(each.device, each.is_this_one, each.is_program) for each in found] == [
        ("Chrome · Android", True, False),
        ("", False, False),
        ("Firefox · Windows", False, False),
        ("", False, True),
    ]
    assert [(clock() - each.used_at) // DAY for each in found[:3]] == [1, 0, 2]
    clock.turn(29 * DAY)
    assert len(await accounts.own.sign_ins(member)) == 2, "those that have run out are not listed"


async def test_sign_in_of_another_user_cannot_be_ended(
    accounts: Accounts, ana: int, people: People, users: Users
) -> None:
    await people.user("bruno")
    await users.set_password("bruno", PASSWORD)
    (_, member), (his, bruno) = await _signed_in(accounts), await _signed_in(accounts, "bruno")
    await accounts.own.end_sign_in(member, bruno.credential_id)
    await accounts.own.end_others(member)
    assert await accounts.authenticate(his)


async def test_ended_sign_in_is_noted_for_every_worker(accounts: Accounts, ana: int) -> None:
    (mine, member), (other, lost), (third, _) = [await _signed_in(accounts) for _ in range(3)]
    last = await accounts.newest_change()
    await accounts.own.end_sign_in(member, lost.credential_id)
    assert (await accounts.changes_after(last)).users == {ana}
    assert await accounts.authenticate(other) is None
    assert await accounts.renew(lost) is None
    await accounts.own.end_others(member)
    assert await accounts.authenticate(third) is None
    assert await accounts.authenticate(mine)
