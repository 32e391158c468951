"""Tokens of programs: made with a scope, listed with their last use, revoked."""

import pytest

from server.accounts.accounts import USED_AFTER_MS, Accounts
from server.accounts.refusals import UserError
from server.clock import DAY
from tests.server.conftest import TurnedClock
from tests.server.people import People


@pytest.fixture
async def rosa(people: People) -> int:
    """Make the office and a student; return the office's id."""
    await people.user("ana")
    return await people.user("rosa", "administrator")


async def test_token_is_listed_with_its_last_use(accounts: Accounts, rosa: int, clock: TurnedClock) -> None:
    made = await accounts.tokens.make(rosa, "Ana", " Library ", only_reads=True, days=30)
    (token,) = await accounts.tokens.all()
    assert (token.login, token.label, token.only_reads, token.used_at) == ("ana", "Library", True, None)
    assert token.expires_at == clock() + 30 * DAY
    member = await accounts.authenticate(made.secret)
    assert member is not None
    assert member.only_reads
    await accounts.store_extensions()
    assert (await accounts.tokens.all())[0].used_at == (first := clock())
    clock.turn(USED_AFTER_MS - 1)
    await accounts.authenticate(made.secret)
    await accounts.store_extensions()
    assert (await accounts.tokens.all())[0].used_at == first
    clock.turn(1)
    await accounts.authenticate(made.secret)
    await accounts.store_extensions()
    assert (await accounts.tokens.all())[0].used_at == clock()


async def test_revoked_token_signs_nobody_in(accounts: Accounts, rosa: int) -> None:
    made = await accounts.tokens.make(rosa, "ana", "Library", only_reads=False, days=30)
    member = await accounts.authenticate(made.secret)
    assert member is not None
    assert not member.only_reads
    (token,) = await accounts.tokens.all()
    await accounts.tokens.revoke(rosa, token.id)
    assert await accounts.authenticate(made.secret) is None
    assert await accounts.tokens.all() == []
    with pytest.raises(UserError):
        await accounts.tokens.revoke(rosa, token.id)


@pytest.mark.parametrize(("login", "label", "reason"), [("nobody", "x", "nobody"), ("ana", " ", "label")])
async def test_token_needs_a_person_and_a_name(
    accounts: Accounts, rosa: int, login: str, label: str, reason: str
) -> None:
    with pytest.raises(UserError) as refused:
        await accounts.tokens.make(rosa, login, label, only_reads=True, days=30)
    assert refused.value.reason == reason
