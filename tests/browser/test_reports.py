"""A message is reported and dealt with; one of a teacher's reaches the principal's page alone."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import InClass, Visit
from tests.browser.test_accessibility import assert_accessible
from tests.browser.test_amending import choose, open_menu
from tests.browser.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

WORD = "Uma palavra feia"


async def report(visitor: Visitor, text: str) -> None:
    await visitor.sees(text)
    await open_menu(visitor, text)
    await choose(visitor, "Report")
    await expect(visitor.page.locator("#dialog")).to_contain_text("Report this message?")
    await visitor.page.get_by_label("It insults somebody").check()
    await visitor.page.get_by_label("More about it").fill("De novo.")


@pytest.mark.long  # test_lesson.py has one, too
async def test_staff_hides_a_reported_message_and_the_reporter_is_told(in_class: InClass) -> None:
    ana, bruno, paula = await in_class("ana", "bruno", "paula")
    await ana.say(WORD)
    await report(bruno, WORD)
    await assert_accessible(bruno.page)
    await bruno.screenshot("report")
    await choose(bruno, "Report")
    await choose(bruno, "Close")
    strip = paula.page.locator(".inbox-flag")
    await expect(strip).to_contain_text("1 report")
    await expect(ana.page.locator(".strip-inbox:visible")).to_have_count(0)
    await strip.click()
    await expect(paula.page.locator(".case")).to_contain_text("De novo.")
    await assert_accessible(paula.page)
    await paula.screenshot("reported-messages")
    await expect(bruno.page.locator(".inbox-note")).to_contain_text("Your report has been seen.")
    await choose(paula, "Hide the message")
    await expect(bruno.page.locator("#messages")).to_contain_text("Hidden by")
    await expect(strip).to_be_hidden()
    await expect(bruno.page.locator(".inbox-note")).to_contain_text("Your report has been dealt with.")
    await bruno.page.locator(".inbox-note").click()
    await expect(bruno.page.locator(".note-report")).to_contain_text("It has been dealt with.")
    await expect(bruno.page.locator(".inbox-note")).to_be_hidden()


@pytest.mark.long
async def test_report_of_a_teachers_message_is_on_the_principals_page_alone(in_class: InClass, visit: Visit) -> None:
    diretora = await visit("diretora")
    ana, bruno, paula = await in_class("ana", "bruno", "paula")
    await paula.say(WORD)
    await report(ana, WORD)
    await expect(ana.page.locator("#dialog")).to_contain_text("Only the principal sees your report and your name.")
    await choose(ana, "Report")
    summary = diretora.page.locator("#reports summary")
    await expect(summary).to_contain_text("1 reported message of a teacher")
    await summary.click()
    await expect(diretora.page.locator(".case")).to_contain_text(WORD)
    await assert_accessible(diretora.page)
    await diretora.screenshot("reports-of-teachers")
    await expect(paula.page.locator(".strip-inbox:visible")).to_have_count(0)
    await diretora.page.locator(".case").get_by_role("button", name="Close the report").click()
    await diretora.page.locator("#outcome").fill("Conversa com a professora.")
    await choose(diretora, "Close the report")
    await expect(diretora.page.locator("#reports")).to_be_hidden()
    await choose(ana, "Close")
    await bruno.say("Seu bobo!")
    await report(ana, "Seu bobo!")
    await choose(ana, "Report")
    await expect(diretora.page.locator("#flagged-classes")).to_contain_text("1 report waits")
    await paula.say("Outra.")
    await choose(ana, "Close")
    await report(ana, "Outra.")
    await choose(ana, "Report")
    await diretora.page.locator(".case").get_by_role("button", name="Hide the message").click()
    await expect(paula.page.locator("#messages")).to_contain_text("Hidden by")
    await expect(diretora.page.locator("#reports")).to_be_hidden()
