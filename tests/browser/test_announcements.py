"""Announcements, and what the principal sees of it all, live."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Visit
from tests.browser.visitor import MATHS, TIMEOUT_MS

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_class_sees_its_teachers_announcement_live(visit: Visit) -> None:
    ana, paula = await visit("ana"), await visit("paula")
    await ana.page.goto("/students/announcements")
    await ana.wait_until_online()
    await paula.page.goto("/teachers/announcements")
    await paula.wait_until_online()
    await paula.page.get_by_label(MATHS).check()
    await paula.page.locator("#title").fill("Prova na sexta")
    await paula.page.locator("#text").fill("Capítulos 3 e 4. Tragam régua.")
    await paula.page.locator("#announce-button").click()
    for visitor in (ana, paula):
        await expect(visitor.page.locator("#announcements")).to_contain_text("Prova na sexta", timeout=TIMEOUT_MS)
        await expect(visitor.page.locator("#announcements")).to_contain_text("Capítulos 3 e 4. Tragam régua.")
        await visitor.screenshot(f"announcement-{visitor.login}")
    await expect(paula.page.locator("#announcements")).to_contain_text("Read by 1 of 28", timeout=TIMEOUT_MS)


async def test_school_sees_the_principals_announcement_on_every_page(visit: Visit) -> None:
    ana, paula, diretora = await visit("ana"), await visit("paula"), await visit("diretora")
    await ana.open_class()
    await diretora.page.goto("/principal/announcements")
    await diretora.wait_until_online()
    await diretora.page.get_by_label("The whole school").check()
    await diretora.page.locator("#text").fill("<b>Festa junina</b> no sábado, às 16h.")
    await diretora.page.locator("#announce-button").click()
    await expect(diretora.page.locator("#announcements")).to_contain_text("<b>Festa junina</b>", timeout=TIMEOUT_MS)
    await paula.page.goto("/teachers/announcements")
    await expect(paula.page.locator("#announcements")).to_contain_text("<b>Festa junina</b>", timeout=TIMEOUT_MS)
    await expect(ana.page.locator("[data-announcements]")).to_contain_text("1", timeout=TIMEOUT_MS)


async def test_unknown_class_shows_an_error_at_its_field(visit: Visit) -> None:
    diretora = await visit("diretora")
    page = diretora.page
    await page.goto("/principal/announcements")
    await diretora.wait_until_online()
    await page.get_by_label("One class").check()
    await page.locator("#text").fill("Prova na sexta.")
    problem = page.locator("#announce-problem")
    await page.locator("#announce-button").click()
    await expect(problem).to_have_text("Write the name of the class.")
    await page.locator("#class-title").fill("9º Z")
    await page.locator("#announce-button").click()
    await expect(problem).to_have_text("There is no class of the name “9º Z”. Choose one of the list.")
    await expect(page.locator("#class-title")).to_be_focused()
    await diretora.screenshot("no-such-class")
    await page.locator("#class-title").fill(MATHS)
    await expect(problem).to_be_hidden()
    await page.locator("#announce-button").click()
    await expect(page.locator("#announcements")).to_contain_text("Prova na sexta.", timeout=TIMEOUT_MS)


async def test_dashboard_follows_the_classes(visit: Visit) -> None:
    diretora = await visit("diretora")
    page = diretora.page
    await expect(page.locator("#total-students")).to_have_text("0", timeout=TIMEOUT_MS)
    row = page.locator("#rows tr", has_text=MATHS)
    ana, paula = await visit("ana"), await visit("paula")
    await ana.open_class()
    await paula.open_class()
    await expect(page.locator("#total-students")).to_have_text("1", timeout=TIMEOUT_MS)
    await expect(page.locator("#total-teachers")).to_have_text("1", timeout=TIMEOUT_MS)
    for number in range(1, 4):
        await ana.say(f"Pergunta {number}")
    await paula.sees("Pergunta 3")
    await expect(page.locator("#total-messages")).to_have_text("3", timeout=TIMEOUT_MS)
    await expect(row.locator(".pace strong")).to_have_text("3")
    await diretora.screenshot("dashboard")
    await ana.context.close()
    await expect(page.locator("#total-students")).to_have_text("0", timeout=TIMEOUT_MS)
