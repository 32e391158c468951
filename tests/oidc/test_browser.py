"""Signing in through providers that others have written, in a browser."""

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.test_accessibility import assert_accessible
from tests.oidc.conftest import PASSWORD, School

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


async def _sign_in_there(page: Page, login: str) -> None:
    """Sign in at the strict provider, and consent."""
    await page.locator("input[name=login]").fill(login)
    await page.locator("input[name=password]").fill("anything")
    await page.get_by_role("button", name="Sign-in").click()
    await page.get_by_role("button", name="Continue").click()


async def test_strict_provider_signs_in_and_out(page: Page, school: School) -> None:
    await page.goto("/students/announcements")
    await page.get_by_role("link", name="Sign in with Escola").click()
    await _sign_in_there(page, "ana")
    await page.wait_for_url("**/students/announcements")
    await expect(page.locator("#connection")).to_have_attribute("data-state", "online")
    there = await page.context.new_page()
    await there.goto(f"{school.strict.issuer}/session/end")
    await there.get_by_role("button", name="Yes, sign me out").click()
    await page.wait_for_url("**/accounts/sign-in?**")
    await expect(page.get_by_text("You were signed out.")).to_be_visible()


async def test_answer_is_worth_nothing_in_another_browser(page: Page, chromium: Browser, school: School) -> None:
    answers: list[str] = []
    page.on("request", lambda each: answers.append(each.url) if "/back?" in each.url else None)
    await page.goto("/accounts/sign-in")
    await page.get_by_role("link", name="Sign in with Escola").click()
    attempt = [each for each in await page.context.cookies(school.lousa.url) if each["name"] == "lousa_attempt"]
    await _sign_in_there(page, "ana")
    await page.wait_for_url("**/students/")
    for cookies, words in ((None, "begun in another window"), (attempt, "could not be verified")):
        other = await chromium.new_context(base_url=school.lousa.url, locale="en-US")
        await other.add_cookies(cookies or [])  # type: ignore[arg-type]  # what one context tells, another one takes
        stranger = await other.new_page()
        await stranger.goto(answers[0])
        await expect(stranger.get_by_text(words)).to_be_visible()
        await stranger.goto("/students/")
        await expect(stranger.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()
        await other.close()


async def test_unknown_person_is_told_whom_to_ask(page: Page) -> None:
    await page.goto("/accounts/sign-in")
    await page.get_by_role("link", name="Sign in with Escola").click()
    await _sign_in_there(page, "nobody")
    await expect(page.get_by_role("heading", name="Lousa does not know you")).to_be_visible()
    await expect(page.get_by_text("Ask the school's office")).to_be_visible()
    await assert_accessible(page)
    await page.get_by_role("link", name="Choose another account").click()
    await _sign_in_there(page, "paula")
    await page.wait_for_url("**/teachers/")


async def test_other_provider_finds_people_by_verified_address(page: Page) -> None:
    await page.goto("/accounts/sign-in")
    await page.get_by_role("link", name="Sign in with Município").click()
    await page.get_by_role("button", name="bruno's number").click()
    await page.wait_for_url("**/students/")


async def test_cancelled_sign_in_is_no_mistake(page: Page) -> None:
    await page.goto("/accounts/sign-in")
    await page.get_by_role("link", name="Sign in with Escola").click()
    await page.get_by_role("link", name="Cancel").click()
    await expect(page.get_by_text("was not completed")).to_be_visible()
    await page.get_by_role("link", name="Other ways to sign in").click()
    await expect(page.get_by_label("Login")).to_be_visible()
    await assert_accessible(page)


async def test_keys_rotate_and_the_provider_goes_away(page: Page, chromium: Browser, school: School) -> None:
    school.strict.stop()
    await page.goto("/accounts/sign-in")
    school.strict.start()  # with another key, while Lousa has kept the old one
    await page.get_by_role("link", name="Sign in with Escola").click()
    await _sign_in_there(page, "ana")
    await page.wait_for_url("**/students/")
    school.strict.stop()
    school.lousa.restart()  # it has not seen the provider yet
    other = await chromium.new_page(base_url=school.lousa.url, locale="pt-BR")
    await other.goto("/accounts/sign-in")
    await other.get_by_role("link", name="Entrar com Escola").click()
    await expect(other.get_by_role("heading", name="Escola não responde")).to_be_visible()
    await other.get_by_role("link", name="Outras formas de entrar").click()
    await other.locator("#login").fill("ana")
    await other.locator("#password").fill(PASSWORD)
    await other.locator("#password").press("Enter")
    await other.wait_for_url("**/students/")
    school.strict.start()
