"""A user's own account: another password, the sign-ins to end, and the look of the pages."""

import re

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Visit
from tests.browser.visitor import PHONE, TIMEOUT_MS, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SIGN_IN = re.compile(r"/accounts/sign-in\b")


async def open_account(visitor: Visitor) -> None:
    await visitor.page.locator("details.menu summary").click()
    await visitor.page.get_by_role("link", name="Password and devices").click()
    await visitor.wait_until_online()


async def test_ending_a_sign_in_closes_its_page_at_once(visit: Visit) -> None:
    phone, computer = await visit("ana", size=PHONE), await visit("ana")
    await phone.open_class()
    await open_account(computer)
    page = computer.page
    await expect(page.locator(".sign-ins li")).to_have_count(2)
    await expect(page.locator(".sign-ins li").first).to_contain_text("This one, now")
    await expect(page.locator(".sign-ins li").nth(1)).to_contain_text("Last used: Today")
    await computer.screenshot("account")
    await page.get_by_role("button", name="Sign out there").click()
    await phone.page.wait_for_url(SIGN_IN, timeout=TIMEOUT_MS)
    await expect(page.get_by_text("You are signed out there.")).to_be_visible()
    await expect(page.locator(".sign-ins li")).to_have_count(1)
    await computer.wait_until_online()


@pytest.mark.long
async def test_another_password_ends_the_other_sign_ins(visit: Visit) -> None:
    phone, computer = await visit("ana", size=PHONE), await visit("ana")
    await open_account(phone)
    await phone.screenshot("account-phone")
    page = phone.page
    await page.get_by_label("Current password").fill("not that one")
    await page.get_by_label("New password").fill("três palavras novas")
    await page.get_by_role("button", name="Change the password").click()
    await expect(page.get_by_role("alert")).to_contain_text("The current password is wrong.")
    phone.problems.clear()  # the browser notes the status of the answer, 422
    await page.get_by_label("Current password").fill("lousa-demo")
    await page.get_by_label("New password").fill("três palavras novas")
    await page.get_by_role("button", name="Change the password").click()
    await expect(page.get_by_text("Your password is changed")).to_be_visible()
    await computer.page.wait_for_url(SIGN_IN, timeout=TIMEOUT_MS)
    await phone.wait_until_online()


async def test_colours_and_text_size_are_chosen_in_the_menu(visit: Visit) -> None:
    ana = await visit("ana", size=(360, 740))
    page = ana.page
    paper = "getComputedStyle(document.body).backgroundColor"
    text = "getComputedStyle(document.documentElement).fontSize"
    light, normal = await page.evaluate(paper), await page.evaluate(text)
    await page.locator("details.menu summary").click()
    await ana.screenshot("menu-phone")
    await page.get_by_role("button", name="Dark").click()
    await ana.wait_until_online()
    assert await page.evaluate(paper) != light
    await page.locator("details.menu summary").click()
    await page.get_by_role("button", name="Very large text").click()
    await ana.wait_until_online()
    assert await page.evaluate(text) > normal
    await ana.screenshot("dark-large-phone")
    for width, height in ((360, 740), (740, 360), (1024, 768), (1280, 800)):
        await page.set_viewport_size({"width": width, "height": height})
        wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"very large text makes {width}x{height} {wide} pixels too wide"
    await page.emulate_media(color_scheme="dark")
    await page.locator("details.menu summary").click()
    await page.get_by_role("button", name="Light").click()
    await ana.wait_until_online()
    assert await page.evaluate(paper) == light
