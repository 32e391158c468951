"""Replies, mentions, reactions and pins on the page of a class."""

import re

import pytest
from playwright.async_api import Locator, expect

from tests.browser.conftest import InClass, Visit
from tests.browser.test_accessibility import assert_accessible
from tests.browser.test_amending import choose, open_menu
from tests.browser.test_on_its_way import behind
from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

QUESTION = "Quem leu a página 42?"


def row(visitor: Visitor, text: str) -> Locator:
    return visitor.page.locator("#messages .row").filter(has=visitor.page.get_by_text(text, exact=True))


async def test_reply_mention_reaction_and_pin_reach_the_class(in_class: InClass) -> None:
    ana, bruno, paula = await in_class("ana", "bruno", "paula")
    await paula.say(QUESTION)
    await open_menu(ana, QUESTION)
    await choose(ana, "Reply")
    await expect(ana.page.locator("#replying")).to_contain_text(QUESTION)
    await ana.page.keyboard.type("@bru")
    await expect(ana.page.locator("#names [role=option]")).to_have_count(1)
    await assert_accessible(ana.page)
    await ana.screenshot("chat-names")
    await ana.page.keyboard.press("Enter")
    await ana.page.keyboard.type("e eu.")
    await ana.page.keyboard.press("Enter")
    await expect(ana.page.locator("#replying")).to_be_hidden()
    reply = bruno.page.locator("#messages .row.mentions-me")
    await expect(reply.locator(".mention-me")).to_contain_text("@Bruno")
    await expect(reply.locator(".quote")).to_contain_text(QUESTION)

    await open_menu(bruno, QUESTION)
    await bruno.page.get_by_role("button", name="Done", exact=True).click()
    chip = ana.page.locator(".reaction")
    await expect(chip).to_have_attribute("aria-pressed", "false")
    await chip.click()
    await expect(chip).to_contain_text("2")
    await expect(paula.page.locator(".reaction")).to_have_attribute("title", re.compile("^Done: Bruno .* and Ana "))

    await open_menu(paula, QUESTION)
    await paula.screenshot("chat-menu")
    await choose(paula, "Pin for all")
    await expect(ana.page.locator(".strip-pins")).to_contain_text(QUESTION)
    for visitor in (ana, paula):
        await visitor.screenshot(f"chat-{visitor.login}")
        await assert_accessible(visitor.page)

    await open_menu(paula, QUESTION)
    await choose(paula, "Delete")
    await choose(paula, "Delete")
    await expect(ana.page.locator(".strip-pins")).to_be_hidden()
    await expect(reply.locator(".quote")).to_contain_text("This message was deleted.")
    for visitor in (ana, bruno, paula):
        await expect(visitor.page.locator("body")).not_to_contain_text(QUESTION)


@pytest.mark.long
async def test_unsent_reply_survives_a_reload_and_shows_its_mention_elsewhere(in_class: InClass, visit: Visit) -> None:
    (ana,) = await in_class("ana")
    paula = await visit("paula")  # looks at her list of classes
    await ana.say(QUESTION)
    await ana.sees(QUESTION)
    network = await behind(ana)
    await ana.page.reload()
    await ana.wait_until_online()
    await open_menu(ana, QUESTION)
    await choose(ana, "Reply")
    with ana.outage():
        await network.cut()
        await ana.say("@Paula Nogueira Antunes, eu não.")
        pending = ana.page.locator("#pending .row")
        await expect(pending.locator(".quote")).to_contain_text(QUESTION)
        await ana.page.reload()
        await expect(pending.locator(".quote")).to_contain_text(QUESTION)
        await expect(pending.locator(".mention")).to_have_text("@Paula Nogueira Antunes")
        await expect(paula.page.locator(".mention-sign")).to_have_count(0)
        network.is_up = True
        await ana.look()
        await ana.wait_until_online()
    await expect(ana.page.locator("#messages .quote")).to_contain_text(QUESTION)
    await expect(paula.page.locator(".mention-sign")).to_have_count(1)
    assert (await paula.page.title()).startswith("(1)")
    await paula.screenshot("chat-mention-elsewhere")
    await paula.open_class()
    await paula.page.locator("#messages .quote").click()
    await expect(row(paula, QUESTION).first).to_be_focused()
