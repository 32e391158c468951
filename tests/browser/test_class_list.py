"""The list of one's classes: what matters now comes first, and nothing moves under a finger."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.colleague import colleague
from tests.browser.conftest import Visit
from tests.browser.visitor import TIMEOUT_MS
from tests.lousa import Lousa

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

GEOGRAPHY = "6º A · Geografia"
PORTUGUESE = "6º A · Língua Portuguesa"


async def first_is(page: Page, *names: str) -> None:
    for number, name in enumerate(names):
        await expect(page.locator("#classes .class-name").nth(number)).to_contain_text(name, timeout=TIMEOUT_MS)


async def test_unread_classes_come_first_then_those_with_a_lesson(visit: Visit, lousa: Lousa) -> None:
    ana = await visit("ana")
    page = ana.page
    await first_is(page, "Ciências", "Geografia")
    async with colleague(lousa, "paula") as paula, colleague(lousa, "bruno") as bruno:
        await paula.open_class()
        await first_is(page, "Matemática", "Ciências", "Geografia")
        await expect(page.locator("#classes .class-lesson:visible")).to_have_text(["Lesson now"])
        await bruno.open_class(PORTUGUESE)
        await bruno.say("Oi", title=PORTUGUESE)
        await first_is(page, "Língua Portuguesa", "Matemática", "Ciências")
        await ana.screenshot("class-list")
        await paula.leave_class()
        await first_is(page, "Língua Portuguesa", "Ciências", "Geografia")


async def test_the_list_keeps_its_order_while_it_has_the_focus(visit: Visit, lousa: Lousa) -> None:
    ana = await visit("ana")
    page = ana.page
    async with colleague(lousa, "bruno") as bruno:
        await bruno.open_class(GEOGRAPHY)
        await page.locator("#classes a").first.focus()
        await bruno.say("Oi", title=GEOGRAPHY)
        await expect(page.locator("#classes .count")).to_contain_text("1 unread message", timeout=TIMEOUT_MS)
        await first_is(page, "Ciências", "Geografia")
        await expect(page.locator("#classes a").first).to_be_focused()
        await page.locator(".brand").focus()
        await first_is(page, "Geografia", "Ciências")


@pytest.mark.long
async def test_the_list_keeps_its_order_under_the_pointer(visit: Visit, lousa: Lousa) -> None:
    ana = await visit("ana")
    page = ana.page
    async with colleague(lousa, "bruno") as bruno:
        await bruno.open_class(GEOGRAPHY)
        await page.locator("#classes a").first.hover()
        await bruno.say("Oi", title=GEOGRAPHY)
        await expect(page.locator("#classes .count")).to_contain_text("1 unread message", timeout=TIMEOUT_MS)
        await first_is(page, "Ciências", "Geografia")
        await page.locator("h1").hover()
        await first_is(page, "Geografia", "Ciências")
