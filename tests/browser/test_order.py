"""Order in a class: staff lock it, slow it and mute a student, and the page says so in plain words."""

import re

import pytest
from playwright.async_api import Locator, expect

from tests.browser.conftest import InClass, Visit
from tests.browser.test_accessibility import assert_accessible
from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


def held(visitor: Visitor) -> Locator:
    return visitor.page.locator("#held")


async def choose(visitor: Visitor, name: str) -> None:
    await visitor.page.locator("#dialog").get_by_role("button", name=name, exact=True).click()


@pytest.mark.long
async def test_teacher_locks_and_slows_the_chat(in_class: InClass) -> None:
    ana, paula = await in_class("ana", "paula")
    await ana.page.locator("#text").fill("Um rascunho")
    await paula.page.locator("#text").press("F8")
    await expect(held(ana)).to_have_text("The chat is locked. You can still write to the teacher.")
    await expect(ana.page.locator("#composer .send")).to_be_disabled()
    await expect(ana.page.locator("#text")).to_have_value("Um rascunho")
    await expect(ana.page.locator("#text")).not_to_be_editable()
    await ana.screenshot("locked-student")
    await paula.screenshot("locked-teacher")
    for visitor in (ana, paula):
        await assert_accessible(visitor.page)
    await paula.page.locator(".strip-order button").click()
    await expect(held(ana)).to_be_empty()
    await paula.page.locator("#lesson-button").click()
    await paula.screenshot("lesson-menu")
    await choose(paula, "Slow mode…")
    await choose(paula, "5 minutes")
    await expect(held(ana)).to_have_text("Slow mode: one message every 5 minutes.")
    await ana.page.locator("#text").press("Enter")
    await paula.sees("Um rascunho")
    await expect(ana.page.locator("#composer .send")).to_have_attribute("data-left", re.compile(r"\d+"))
    await ana.page.locator("#text").fill("Mais um")
    await ana.page.locator("#text").press("Enter")
    await expect(ana.page.locator("#text")).to_have_value("Mais um")
    await ana.screenshot("slow-student")


@pytest.mark.long  # test_lesson.py mutes one, and no other notices
async def test_teacher_mutes_a_student_and_the_others_see_nothing(in_class: InClass) -> None:
    ana, bruno, paula = await in_class("ana", "bruno", "paula")
    await ana.say("Ha ha ha")
    await paula.sees("Ha ha ha")
    row = paula.page.locator("#messages .row").filter(has_text="Ha ha ha")
    await row.hover()
    await row.locator(".row-menu").click()
    await choose(paula, "Mute…")
    await paula.screenshot("mute")
    await assert_accessible(paula.page)
    await choose(paula, "15 minutes")
    await expect(held(ana)).to_contain_text("your teacher has muted you")
    await ana.screenshot("muted-student")
    await expect(paula.page.locator(".person-sign")).to_contain_text("Muted until")
    await paula.screenshot("muted-teacher")
    await ana.page.reload()
    await ana.wait_until_online()
    await expect(held(ana)).to_contain_text("your teacher has muted you")
    await bruno.page.locator("#text").fill("Calma")
    await expect(held(bruno)).to_be_empty()
    await expect(bruno.page.locator("body")).not_to_contain_text("uted")
    await paula.page.locator(".person").filter(has=paula.page.locator(".person-sign")).locator(".person-menu").click()
    await choose(paula, "Muted…")
    await choose(paula, "Unmute")
    await expect(held(ana)).to_be_empty()
    await ana.say("Desculpe")
    await bruno.sees("Desculpe")


async def test_teacher_gives_the_class_hours_of_its_own(in_class: InClass, visit: Visit) -> None:
    ana, paula = await in_class("ana", "paula")
    diretora = await visit("diretora", path="hours")
    await diretora.page.get_by_label("At these times").check()
    await diretora.screenshot("hours-principal")
    await assert_accessible(diretora.page)
    await diretora.page.get_by_label("During lessons").check()
    await diretora.page.get_by_role("button", name="Save").click()
    await expect(diretora.page.locator(".form-note")).to_be_visible()
    await ana.page.locator("#text").fill("Ainda acordado")
    await expect(ana.page.locator("#composer .send")).to_be_enabled()
    await expect_closed_after_a_second(ana)
    await expect(ana.page.locator("#pending")).to_contain_text("the class is closed now")
    await paula.page.locator("#lesson-button").click()
    await choose(paula, "Hours of the chat…")
    await paula.screenshot("hours-class")
    await assert_accessible(paula.page)
    await paula.page.locator("#dialog").get_by_label("At all hours", exact=True).check()
    await choose(paula, "Save")
    await expect(held(ana)).to_be_empty()


async def expect_closed_after_a_second(visitor: Visitor) -> None:
    """Send until the worker has read the school's hours."""
    for _ in range(20):
        await visitor.page.locator("#text").press("Enter")
        await visitor.page.wait_for_timeout(250)
        if await held(visitor).text_content() == "You can write here during lessons.":
            return
        await visitor.page.locator("#text").fill("Ainda acordado")
    raise AssertionError("the school's hours did not reach the class")
