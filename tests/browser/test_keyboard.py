"""Everything works without a mouse."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.visitor import MATHS, PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

# More than any page has to walk through before what is looked for.
MAX_TABS = 40


async def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the focus is there."""
    for _ in range(MAX_TABS):
        if await page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"{selector} is not reached within {MAX_TABS} tabs")


async def test_keyboard_alone_signs_in_and_sends_a_message(visit: Visit) -> None:
    paula = await visit("paula")
    await paula.open_class()
    ana = await visit("ana")
    await ana.context.clear_cookies()
    await ana.page.goto("/accounts/sign-in")
    keyboard = ana.page.keyboard
    await tab_to(ana.page, "#login")
    await keyboard.type("ana")
    await keyboard.press("Tab")
    await keyboard.type(PASSWORD)
    await keyboard.press("Enter")
    await ana.wait_until_online()
    await tab_to(ana.page, "#classes a")
    await expect(ana.page.locator("#classes a:focus")).to_be_visible()
    while MATHS not in await ana.page.evaluate("document.activeElement.textContent"):
        await keyboard.press("Tab")
    await keyboard.press("Enter")
    await ana.page.wait_for_url("**/classes/*")
    await ana.wait_until_online()
    await tab_to(ana.page, "#text")
    await keyboard.type("Só com o teclado")
    await keyboard.press("Enter")
    await paula.sees("Só com o teclado")
    await expect(ana.page.locator("#text")).to_be_focused()
    await expect(ana.page.locator("#text")).to_have_value("")
