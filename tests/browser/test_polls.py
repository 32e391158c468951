"""Polls on the page of a class: the teacher asks, students vote by one press, all see the result."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import InClass
from tests.browser.test_accessibility import assert_accessible
from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def choose_in_menu(visitor: Visitor, name: str) -> None:
    await visitor.page.locator("#lesson-button").click()
    await visitor.page.locator("#dialog").get_by_role("button", name=name).click()


async def _shows_answers_and_messages_at_400_percent(visitor: Visitor) -> None:
    usual = visitor.page.viewport_size
    assert usual is not None
    await visitor.page.set_viewport_size({"width": 320, "height": 256})
    await visitor.screenshot("poll-400-percent")
    await expect(visitor.page.locator(".poll-option").first).to_be_in_viewport(ratio=0.9)
    messages = await visitor.page.locator("#scroller").bounding_box()
    assert messages is not None
    assert messages["height"] >= 256 / 3
    await visitor.page.set_viewport_size(usual)


@pytest.mark.long
async def test_class_votes_and_sees_the_result(in_class: InClass) -> None:
    ana, bruno, paula = await in_class("ana", "bruno", "paula")
    await choose_in_menu(paula, "New poll")
    dialog = paula.page.locator("#dialog")
    await dialog.get_by_label("Question").fill("Quanto é 7 × 8?")
    for number, option in enumerate(("54", "56"), start=1):
        await dialog.get_by_label(f"Option {number}").fill(option)
    await assert_accessible(paula.page)
    await paula.screenshot("poll-form")
    await dialog.get_by_role("button", name="Open the poll").click()
    await expect(ana.page.locator(".poll")).to_contain_text("Quanto é 7 × 8?")
    await ana.screenshot("poll-student")
    await assert_accessible(ana.page)
    await _shows_answers_and_messages_at_400_percent(ana)
    for visitor, option in ((ana, "56"), (bruno, "54")):
        await visitor.page.locator(".poll").get_by_role("button", name=option).click()
        await expect(visitor.page.locator(".poll")).to_contain_text("You have voted.")
    await expect(paula.page.locator(".poll-note")).to_contain_text("2 of ")
    await expect(paula.page.locator(".poll-count")).to_have_text(["1", "1"])
    await ana.page.reload()
    await expect(ana.page.locator(".poll-option[aria-pressed=true]")).to_have_text("56")
    await paula.screenshot("poll-teacher")
    await assert_accessible(paula.page)
    await paula.page.get_by_role("button", name="Who voted what").click()
    await expect(dialog).to_contain_text("Ana")
    await dialog.get_by_role("button", name="Close").click()
    await paula.page.get_by_role("button", name="Close the poll").click()
    await expect(ana.page.locator(".poll-count")).to_have_text(["1", "1"])
    await ana.screenshot("poll-result")
    await assert_accessible(ana.page)
    await ana.page.get_by_role("button", name="Hide the result").click()
    await expect(ana.page.locator(".poll")).to_have_count(0)


@pytest.mark.long  # test_lesson.py asks with answers of the teacher's
async def test_teacher_asks_yes_or_no_by_one_press(in_class: InClass) -> None:
    ana, paula = await in_class("ana", "paula")
    await choose_in_menu(paula, "Ask yes or no")
    await ana.page.locator(".poll").get_by_role("button", name="Yes").click()
    await expect(paula.page.locator(".poll-count")).to_have_text(["1", "0"])
    await paula.page.get_by_role("button", name="Close the poll").click()
    await expect(ana.page.locator(".poll")).to_contain_text("1 vote")
