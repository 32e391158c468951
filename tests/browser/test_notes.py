"""A student writes to the teacher, gets an answer, and finds it again on another device."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import InClass
from tests.browser.test_accessibility import assert_accessible
from tests.browser.test_amending import choose
from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

TEXT = "Não entendi a questão 3."


async def open_thread(visitor: Visitor) -> None:
    await visitor.page.locator("#lesson-button").click()
    await visitor.page.locator("#dialog").get_by_role("button", name="Write to the teacher").click()


@pytest.mark.long
async def test_note_is_answered_and_read_on_another_device(in_class: InClass) -> None:
    ana, bruno, paula = await in_class("ana", "bruno", "paula")
    await open_thread(ana)
    await ana.page.locator("#dialog textarea").fill(TEXT)
    await choose(ana, "Send")
    await expect(ana.page.locator(".note-row")).to_contain_text(TEXT)
    await assert_accessible(ana.page)
    await ana.screenshot("note")
    await choose(ana, "Close")
    strip = paula.page.locator(".inbox-note")
    await expect(strip).to_contain_text("1 note")
    await strip.click()
    await assert_accessible(paula.page)
    await paula.screenshot("notes-from-students")
    await paula.page.locator(".note-students button").first.click()
    await expect(paula.page.locator(".note-row")).to_contain_text(TEXT)
    await paula.page.locator("#dialog textarea").fill("Venha à minha mesa.")
    await choose(paula, "Send")
    await expect(strip).to_be_hidden()
    await expect(ana.page.locator(".inbox-note")).to_contain_text("Paula")
    (elsewhere,) = await in_class("ana")
    await expect(elsewhere.page.locator("#classes .waiting-sign")).to_contain_text("1 note for you")
    await elsewhere.page.locator(".inbox-note").click()
    await expect(elsewhere.page.locator(".note-row")).to_have_count(2)
    await expect(elsewhere.page.locator(".note-rows")).to_contain_text("Venha à minha mesa.")
    await expect(ana.page.locator(".inbox-note")).to_be_hidden()
    await expect(bruno.page.locator("body")).not_to_contain_text(TEXT)


async def test_note_refused_after_its_dialog_has_closed_says_so(in_class: InClass) -> None:
    (ana,) = await in_class("ana")
    await open_thread(ana)
    await ana.page.locator("#dialog textarea").fill("x" * 4000)
    # Both presses come before the answer. The server refuses what is longer than the page lets through.
    await ana.page.evaluate(
        """() => {
          const [send, close] = ["Send", "Close"].map((name) =>
            [...document.querySelectorAll("#dialog button")].find((button) => button.textContent === name));
          Object.defineProperty(document.querySelector("#dialog textarea"), "value", {get: () => "\\u3164"});
          send.click();
          close.click();
        }"""
    )
    await expect(ana.page.locator("#dialog")).to_contain_text("your text is still here")
