"""Hands on the page of a class: students raise them, the teacher calls by button and key."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import InClass
from tests.browser.test_accessibility import assert_accessible

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.long
async def test_teacher_calls_hands_in_order_by_key_and_button(in_class: InClass) -> None:
    ana, bruno, paula = await in_class("ana", "bruno", "paula")
    queue = paula.page.locator(".strip-hands")
    await bruno.page.locator("#text").press("Alt+KeyK")
    await expect(queue).to_contain_text("1 hand is up: Bruno")
    await ana.page.locator("#hand-button").click()
    await expect(queue).to_contain_text("2 hands are up: Bruno")
    await expect(ana.page.locator(".strip-hand")).to_contain_text("1 person is before you")
    await paula.screenshot("hands-teacher")
    await ana.screenshot("hands-student")
    await assert_accessible(paula.page)
    await paula.page.locator("#text").press("Alt+KeyK")
    await expect(bruno.page.locator(".strip-hand")).to_contain_text("It is your turn to speak.")
    await expect(ana.page.locator(".strip-hand")).to_contain_text("You are next.")
    await bruno.screenshot("hands-called")
    await assert_accessible(bruno.page)
    await ana.page.reload()
    await expect(ana.page.locator("#hand-button")).to_have_attribute("aria-pressed", "true")
    await paula.page.locator(".strip-hands .button").click()
    await expect(queue).to_contain_text("is speaking.")
    await expect(paula.page.locator(".strip-hands .strip-words")).not_to_contain_text("up")
    await ana.page.get_by_role("button", name="Done").click()
    await expect(queue).to_be_hidden()
