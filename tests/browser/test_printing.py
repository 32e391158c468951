"""Pages on paper: what was said, by whom and when, without what one clicks on."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import InClass
from tests.browser.visitor import MATHS, TIMEOUT_MS

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_paper_has_names_times_dates_and_no_bars(in_class: InClass) -> None:
    ana, paula = await in_class("ana", "paula")
    await paula.say("Abram o livro.\n" * 30)
    await ana.say("Qual página?")
    await paula.sees("Qual página?")
    page = paula.page
    await page.emulate_media(media="print", color_scheme="dark")
    for shown in ("#class-title", ".row .author", ".row time", ".divider time"):
        await expect(page.locator(shown).first).to_be_visible()
    await expect(page.locator("#class-title")).to_have_text(MATHS)
    for hidden in (".board-bar", "#composer", "#people", ".row > .avatar", ".fold button"):
        await expect(page.locator(hidden).first).to_be_hidden()
    await expect(page.locator(".own .author").first).to_contain_text("Paula")
    whole = await page.evaluate("document.querySelector('#scroller').scrollHeight <= document.body.scrollHeight")
    assert whole, "the paper has all that the conversation has"
    background = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == "rgb(255, 255, 255)"
    await paula.screenshot("print-class")
    await page.emulate_media(media="screen")
    await page.goto("/teachers/announcements")
    await paula.wait_until_online()
    await page.get_by_label(MATHS).check()
    await page.locator("#text").fill("Prova na sexta.")
    await page.locator("#announce-button").click()
    await expect(page.locator("#announcements")).to_contain_text("Prova na sexta.", timeout=TIMEOUT_MS)
    await page.emulate_media(media="print")
    await expect(page.locator("#announcements .announcement time")).to_be_visible()
    for hidden in (".board-bar", "#announce", ".receipts"):
        await expect(page.locator(hidden).first).to_be_hidden()
    await paula.screenshot("print-announcements")
