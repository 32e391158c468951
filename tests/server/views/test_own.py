"""The page of one's own account."""

from collections.abc import Awaitable, Callable

import pytest

from server.accounts.accounts import Accounts
from server.accounts.throttle import ACCOUNT_FAILURES
from tests.server.views.conftest import HOSTILE, PASSWORD
from tests.server.views.visitor import Visitor

SignedIn = Callable[[str], Awaitable[Visitor]]

PAGE = "/accounts/me"
NEW = "três palavras novas"


async def test_account_page_has_the_navigation_of_the_users_role(signed_in: SignedIn) -> None:
    for login, home in (("ana", "/students/"), ("paula", "/teachers/"), ("diretora", "/principal/")):
        answer = await (await signed_in(login)).get(PAGE)
        assert answer.status == 200
        assert f'href="{home}announcements"' in answer.text


async def test_account_page_asks_for_a_sign_in(visitor: Visitor) -> None:
    assert (await visitor.get(PAGE)).location == f"/accounts/sign-in?next={PAGE}"
    assert (await visitor.post("/accounts/password", old_password=PASSWORD, password=NEW)).status == 403
    assert (await visitor.post("/accounts/sign-ins/end", sign_in="others")).status == 403


async def test_password_is_changed_and_this_browser_stays_signed_in(signed_in: SignedIn) -> None:
    ana, elsewhere = await signed_in("ana"), await signed_in("ana")
    answer = await ana.post("/accounts/password", old_password=PASSWORD, password=NEW)
    assert (answer.status, answer.location) == (303, f"{PAGE}?done=password")
    assert (await ana.get(answer.location)).has("Your password is changed")
    assert (await elsewhere.get(PAGE)).status == 302
    assert (await elsewhere.sign_in("ana", NEW)).status == 303


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("guessed", NEW, "The current password is wrong."),
        (PASSWORD, "curta", "too short"),
        ("", NEW, "Please fill in every field."),
    ],
)
async def test_refused_password_is_told_and_nothing_typed_comes_back(
    signed_in: SignedIn, old: str, new: str, words: str
) -> None:
    ana = await signed_in("ana")
    answer = await ana.post("/accounts/password", old_password=old, password=new)
    assert answer.status == 422
    assert answer.has(words)
    assert NEW not in answer.text
    assert PASSWORD not in answer.text


async def test_too_many_guesses_at_the_old_password_say_when(signed_in: SignedIn) -> None:
    ana = await signed_in("ana")
    for _ in range(ACCOUNT_FAILURES):
        await ana.post("/accounts/password", old_password="guessed", password=NEW)
    answer = await ana.post("/accounts/password", old_password=PASSWORD, password=NEW)
    assert answer.status == 429
    assert answer.headers["Retry-After"] == "15"
    assert answer.has("Too many attempts.")


async def test_ending_one_sign_in_leaves_the_others(signed_in: SignedIn, accounts: Accounts) -> None:
    ana, lost, kept = [await signed_in("ana") for _ in range(3)]
    member = await accounts.authenticate(lost.cookies["lousa_session"])
    assert member is not None
    answer = await ana.post("/accounts/sign-ins/end", sign_in=str(member.credential_id))
    assert (answer.status, answer.location) == (303, f"{PAGE}?done=ended")
    assert (await lost.get(PAGE)).status == 302
    assert (await kept.get(PAGE)).status == 200
    await ana.post("/accounts/sign-ins/end", sign_in="others")
    assert (await kept.get(PAGE)).status == 302
    assert (await ana.get(PAGE)).has("This one, now")


@pytest.mark.parametrize("which", ["", "x", "-1", "١", "9" * 19, HOSTILE])
async def test_sign_in_that_cannot_be_is_refused(signed_in: SignedIn, which: str) -> None:
    assert (await (await signed_in("ana")).post("/accounts/sign-ins/end", sign_in=which)).status == 400


async def test_device_of_a_sign_in_is_shown_as_text(signed_in: SignedIn, accounts: Accounts) -> None:
    await accounts.local.sign_in("ana", PASSWORD, "127.0.0.1", device="Firefox · Windows")
    await accounts.local.sign_in("ana", PASSWORD, "127.0.0.1", device=HOSTILE[:64])
    answer = await (await signed_in("ana")).get(PAGE)
    assert answer.has("Firefox · Windows")
    assert answer.has("A browser")
    assert "<script>alert" not in answer.text
