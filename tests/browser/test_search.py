"""A word leads to the message in which it was said, and a hidden one's former text to the school's records."""

import asyncio

import pytest
from playwright.async_api import expect

from tests.browser.conftest import InClass
from tests.browser.test_accessibility import assert_accessible
from tests.browser.test_amending import choose, open_menu

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.long
async def test_found_word_leads_to_its_message(in_class: InClass) -> None:
    (ana,) = await in_class("ana")
    await ana.say("As avaliações são amanhã")
    await ana.sees("As avaliações são amanhã")
    await ana.page.goto("/search")
    await ana.wait_until_online()
    await ana.page.locator("#search-text").fill("avaliacao")
    hit = ana.page.locator("#hits a")
    async with asyncio.timeout(20):  # the index is a few seconds behind
        while not await hit.count():
            await ana.page.locator("#search button").click()
            await expect(ana.page.locator("#search-state")).not_to_have_text("Searching…")
    await expect(hit.locator("mark")).to_have_text("avaliações")
    await assert_accessible(ana.page)
    await ana.screenshot("search")
    await hit.click()
    await expect(ana.page.locator("#messages .row", has_text="As avaliações")).to_be_in_viewport()


async def test_former_text_is_read_by_staff_and_recorded(in_class: InClass) -> None:
    ana, paula, diretora = await in_class("ana", "paula", "diretora")
    await ana.say("Uma palavra feia")
    await paula.sees("Uma palavra feia")
    await open_menu(paula, "Uma palavra feia")
    await choose(paula, "Hide")
    await choose(paula, "Hide")
    await expect(paula.page.locator("#messages")).to_contain_text("Hidden by")
    await open_menu(paula, "Hidden by")
    await choose(paula, "Read the former text")
    await expect(paula.page.locator("#dialog")).to_contain_text("Uma palavra feia")
    await assert_accessible(paula.page)
    await paula.screenshot("former-text")
    await diretora.page.goto("/audit")
    await expect(diretora.page.locator(".records")).to_contain_text("read the former text of a message")
    await expect(diretora.page.locator("body")).not_to_contain_text("Uma palavra feia")
    await assert_accessible(diretora.page)
    await diretora.screenshot("records")
