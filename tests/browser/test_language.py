"""The pages speak the browser's language, what their scripts say included, until another one is chosen."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Visit
from tests.browser.visitor import MATHS

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_page_language_follows_the_browser_and_can_be_changed(visit: Visit) -> None:
    ana = await visit("ana", language="pt-BR")
    page = ana.page
    await expect(page.locator("html")).to_have_attribute("lang", "pt-BR")
    await expect(page.locator("h1")).to_have_text("Minhas turmas")
    await expect(page.locator("#classes").get_by_role("link", name=MATHS)).to_contain_text(
        "Ninguém escreveu aqui ainda."
    )
    await ana.open_class()
    await ana.say("Em português")
    await ana.sees("Em português")
    await expect(page.locator("#messages")).to_contain_text("Hoje")
    await ana.screenshot("class-portuguese")
    await page.locator("details.menu summary").click()
    await page.get_by_role("button", name="English").click()
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    await ana.sees("Em português")
    await expect(page.locator("#messages")).to_contain_text("Today")
