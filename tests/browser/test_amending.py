"""Messages are edited, deleted, hidden and shown again on the page of a class."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import InClass
from tests.browser.test_accessibility import assert_accessible
from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

WORD = "Uma palavra feia"


async def open_menu(visitor: Visitor, text: str) -> None:
    """Open what one may do with a message."""
    row = visitor.page.locator("#messages .row").filter(has=visitor.page.locator(".text", has_text=text))
    await row.hover()
    await row.locator(".row-menu").click()


async def choose(visitor: Visitor, name: str) -> None:
    await visitor.page.locator("#dialog").get_by_role("button", name=name, exact=True).click()


async def assert_gone(visitor: Visitor) -> None:
    await expect(visitor.page.locator("body")).not_to_contain_text(WORD)


async def test_author_edits_and_deletes_a_message(in_class: InClass) -> None:
    ana, bruno = await in_class("ana", "bruno")
    await ana.say("Bon dia")
    await bruno.sees("Bon dia")
    await open_menu(ana, "Bon dia")
    await choose(ana, "Edit")
    await ana.page.locator("#dialog textarea").fill("Bom dia")
    await choose(ana, "Save")
    await bruno.sees("Bom dia")
    await expect(bruno.page.locator("#messages .meta").last).to_contain_text("edited")
    await open_menu(ana, "Bom dia")
    await choose(ana, "Delete")
    await choose(ana, "Delete")
    await bruno.sees("This message was deleted.")
    await expect(bruno.page.locator("#messages")).not_to_contain_text("Bom dia")


@pytest.mark.long  # test_lesson.py hides one, and no page shows it
async def test_teacher_hides_a_message_and_no_page_shows_its_words(in_class: InClass) -> None:
    ana, bruno, paula = await in_class("ana", "bruno", "paula")
    await ana.say(WORD)
    for visitor in (bruno, paula):
        await visitor.sees(WORD)
    await open_menu(paula, WORD)
    await choose(paula, "Hide")
    await paula.page.locator("#hide-reason").fill("Sem ofensas.")
    await assert_accessible(paula.page)
    await paula.screenshot("hide-message")
    await choose(paula, "Hide")
    for visitor in (ana, bruno, paula):
        await expect(visitor.page.locator("#messages")).to_contain_text("Sem ofensas.")
        await assert_gone(visitor)
    await ana.page.reload()
    await ana.wait_until_online()
    await expect(ana.page.locator("#messages")).to_contain_text("Sem ofensas.")
    await assert_gone(ana)
    await expect(ana.page.locator("#messages .row-menu")).to_have_count(0)
    await open_menu(paula, "Sem ofensas.")
    await choose(paula, "Show again")
    await bruno.sees(WORD)


@pytest.mark.long
async def test_keyboard_alone_deletes_a_message(in_class: InClass) -> None:
    (ana,) = await in_class("ana")
    await ana.say(WORD)
    await ana.sees(WORD)
    await ana.page.locator("#text").press("ArrowUp")
    await expect(ana.page.locator(".row-menu").last).to_be_focused()
    await ana.page.keyboard.press("Enter")
    delete = ana.page.locator("#dialog").get_by_role("button", name="Delete", exact=True)
    for _ in range(12):
        await ana.page.keyboard.press("Tab")
        if await delete.evaluate("(button) => button === document.activeElement"):
            break
    await ana.page.keyboard.press("Enter")
    await expect(ana.page.locator("#dialog")).to_contain_text("Delete this message?")
    await choose(ana, "Delete")
    await assert_gone(ana)
