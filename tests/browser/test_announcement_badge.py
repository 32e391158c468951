"""The sign of new announcements: one count on every page, in the tab's title and on its icon."""

import re

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.colleague import colleague
from tests.browser.conftest import Visit
from tests.browser.visitor import PHONE, TIMEOUT_MS
from tests.lousa import Lousa

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

NEW_ICON = re.compile(r"logo-new")


def badge(page: Page) -> Locator:
    return page.locator("[data-announcements] .count")


async def test_announcement_to_a_class_is_signalled_until_seen(visit: Visit, lousa: Lousa) -> None:
    async with colleague(lousa, "paula") as paula:
        await paula.open_class(present=False)
        await paula.say("Bom dia!")
        await paula.announce("Prova na sexta")
        ana = await visit("ana", size=PHONE)
        page = ana.page
        icon = page.locator("link[rel=icon][data-new]")
        await expect(badge(page)).to_contain_text("1 new announcement", timeout=TIMEOUT_MS)
        await expect(badge(page)).to_be_in_viewport()
        await expect(page).to_have_title(re.compile(r"^\(1\) "))
        await expect(icon).to_have_attribute("href", NEW_ICON)
        await ana.screenshot("badge-phone")
        await page.locator("[data-announcements]").click()
        await expect(page.locator("#announcements")).to_contain_text("Prova na sexta")
        await expect(badge(page)).to_have_count(0, timeout=TIMEOUT_MS)
        await expect(icon).not_to_have_attribute("href", NEW_ICON)
        await page.get_by_role("link", name="Classes").click()
        await ana.wait_until_online()
        # The chat before it is still unread, and the announcement stays seen.
        await expect(page.locator(".class-unread .count").first).to_contain_text("2 unread messages")
        await expect(badge(page)).to_have_count(0)
        await paula.announce("Tragam régua")
        await expect(badge(page)).to_contain_text("1 new announcement", timeout=TIMEOUT_MS)


@pytest.mark.long
async def test_more_announcements_than_a_join_returns_are_counted(visit: Visit, lousa: Lousa) -> None:
    async with colleague(lousa, "paula") as paula, colleague(lousa, "diretora") as diretora:
        for each in (paula, diretora):
            await each.open_class(present=False)
        await paula.announce(*(f"Aviso {number}" for number in range(28)))
        await diretora.announce(*(f"Comunicado {number}" for number in range(28)))
        ana = await visit("ana")
        await expect(badge(ana.page)).to_contain_text("56 new announcements", timeout=TIMEOUT_MS)
