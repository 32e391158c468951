"""The school's office in a browser: it finds a pupil and gives them a new code, which closes their pages."""

import re

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Visit
from tests.browser.visitor import PHONE, TIMEOUT_MS

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_new_code_closes_open_pages_and_signs_in(visit: Visit) -> None:
    office, ana = await visit("secretaria"), await visit("ana", size=PHONE)
    await ana.open_class()
    page = office.page
    await page.get_by_role("searchbox", name="Name, login or class").fill("ribeiro ana")
    await page.get_by_role("button", name="Find").click()
    await page.get_by_role("link", name="Ana Ribeiro").click()
    await office.screenshot("office-person")
    await page.get_by_role("button", name="New code to sign in").click()
    code = await page.locator(".code-card .code").inner_text()
    await office.screenshot("office-code")
    await ana.page.wait_for_url(re.compile(r"/accounts/sign-in\b"), timeout=TIMEOUT_MS)
    await ana.page.get_by_role("link", name="Choose your password").click()
    await ana.page.get_by_label("Login").fill("ana")
    await ana.page.get_by_label("One-time code").fill(code)
    await ana.page.get_by_label("New password").fill("três palavras verdes")
    await ana.page.get_by_role("button", name="Save and sign in").click()
    await expect(ana.page.locator("#class-title")).to_be_visible(timeout=TIMEOUT_MS)


@pytest.mark.long
async def test_teacher_gives_a_student_a_new_code_in_class(visit: Visit) -> None:
    paula, bruno = await visit("paula"), await visit("bruno", size=PHONE)
    await paula.open_class()
    await bruno.open_class()
    page = paula.page
    await page.get_by_role("button", name=re.compile("What to do with Bruno")).click()
    await page.get_by_role("button", name="New code to sign in…").click()
    await page.get_by_role("button", name="New code", exact=True).click()
    await expect(page.locator(".new-code dd").first).to_have_text("bruno")
    await expect(page.locator(".new-code dd").last).to_have_text(re.compile(r"^[A-Z0-9]{5} [A-Z0-9]{5}$"))
    await paula.screenshot("class-new-code")
    await bruno.page.wait_for_url(re.compile(r"/accounts/sign-in\b"), timeout=TIMEOUT_MS)
