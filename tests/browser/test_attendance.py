"""A lesson is started and ended on the page of a class, and its attendance is there without any saving."""

import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser.conftest import InClass, Visit
from tests.browser.test_accessibility import assert_accessible
from tests.browser.visitor import PHONE, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def choose(visitor: Visitor, name: str) -> None:
    await visitor.page.locator("#lesson-button").click()
    await press(visitor, name)


async def press(visitor: Visitor, name: str) -> None:
    await visitor.page.locator("#dialog").get_by_role("button", name=name, exact=True).click()


@pytest.mark.long
async def test_lesson_is_held_and_its_attendance_corrected(in_class: InClass) -> None:
    paula, ana = await in_class("paula", "ana")
    await choose(paula, "Start the lesson")
    await paula.page.locator("#lesson-title").fill("Frações")
    await paula.page.keyboard.press("Enter")
    for visitor in (paula, ana):
        await expect(visitor.page.locator(".lesson-now")).to_have_text(re.compile(r"Lesson since \d\d:\d\d.*: Frações"))
    await assert_accessible(paula.page)
    await paula.screenshot("lesson-runs")
    await ana.page.reload()
    await expect(ana.page.locator(".lesson-now")).to_contain_text("Frações")
    await choose(paula, "End the lesson")
    await press(paula, "End the lesson")
    await expect(ana.page.locator(".lesson-now")).to_be_hidden()
    await paula.page.get_by_role("link", name="See the attendance").click()
    await paula.page.get_by_text("Frações").click()
    async with paula.page.expect_download() as started:
        await paula.page.get_by_role("link", name="Transcript of this lesson (CSV)").click()
    transcript = Path(await (await started.value).path()).read_text()
    assert "Start of the lesson" in transcript
    assert "End of the lesson" in transcript
    line = paula.page.locator(".register-line").filter(has_text="Bruno")
    await expect(line.locator(".register-mark")).to_have_text("absent")
    await line.get_by_role("button").click()
    await paula.page.get_by_label("excused").check()
    await paula.page.get_by_label("Note (for staff only)").fill("Atestado.")
    await paula.screenshot("attendance-correct")
    await press(paula, "Save")
    await expect(line.locator(".register-mark")).to_have_text("excused")
    await expect(line).to_contain_text("Atestado.")
    await assert_accessible(paula.page)
    await paula.screenshot("attendance")


async def test_absent_pupil_is_shown_what_was_missed(in_class: InClass, visit: Visit) -> None:
    (paula,) = await in_class("paula")
    await choose(paula, "Start the lesson")
    await press(paula, "Start")
    await expect(paula.page.locator(".lesson-now")).to_be_visible()
    await paula.say("Leiam a página 12.")
    await paula.sees("Leiam a página 12.")
    await choose(paula, "End the lesson")
    await press(paula, "End the lesson")
    bruno = await visit("bruno", size=PHONE)
    await bruno.open_class()
    await bruno.page.get_by_role("button", name="You missed a lesson: Today").click()
    await expect(bruno.page.locator("#dialog")).to_contain_text("1 message")
    await assert_accessible(bruno.page)
    await bruno.screenshot("missed")
    await press(bruno, "Go to the first unread message")
    await bruno.sees("Leiam a página 12.")
    await choose(bruno, "My attendance")
    await expect(bruno.page.locator(".register-line")).to_contain_text("absent")
    await assert_accessible(bruno.page)
    await bruno.screenshot("attendance-own")
