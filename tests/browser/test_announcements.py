"""Announcements, and what the principal sees of it all, live."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Locator, expect

from tests.browser.conftest import Visit
from tests.browser.visitor import MATHS, PHONE, TIMEOUT_MS
from tests.lousa import Lousa
from tests.phoenix import Connection, ErrorReply

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.long  # test_lesson.py has one, and its readers
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


@pytest.mark.long
async def test_school_sees_the_principals_announcement_on_every_page(visit: Visit) -> None:
    ana, paula, diretora = await visit("ana"), await visit("paula"), await visit("diretora")
    await ana.open_class()
    await diretora.page.goto("/principal/announcements")
    await diretora.wait_until_online()
    await diretora.page.get_by_label("The whole school").check()
    await diretora.page.locator("#text").fill("<b>Festa junina</b> no sábado, às 16h.")
    await diretora.page.locator("#announce-button").click()
    await diretora.page.get_by_role("dialog").get_by_role("button", name="Announce").click()
    await expect(diretora.page.locator("#announcements")).to_contain_text("<b>Festa junina</b>", timeout=TIMEOUT_MS)
    await paula.page.goto("/teachers/announcements")
    await expect(paula.page.locator("#announcements")).to_contain_text("<b>Festa junina</b>", timeout=TIMEOUT_MS)
    await expect(ana.page.locator("[data-announcements]")).to_contain_text("1", timeout=TIMEOUT_MS)


@pytest.mark.long
async def test_unknown_class_shows_an_error_at_its_field(visit: Visit) -> None:
    diretora = await visit("diretora")
    page = diretora.page
    await page.goto("/principal/announcements")
    await diretora.wait_until_online()
    await page.get_by_label("Classes", exact=True).check()
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


@pytest.mark.long
async def test_class_is_chosen_by_keyboard_however_it_is_typed(visit: Visit) -> None:
    diretora = await visit("diretora")
    page = diretora.page
    await page.goto("/principal/announcements")
    await diretora.wait_until_online()
    await page.get_by_label("Classes", exact=True).check()
    field, options = page.get_by_role("combobox", name="Class or grade"), page.get_by_role("option")
    await field.press_sequentially("matematica 6o a")
    await expect(options).to_have_text([MATHS])
    await expect(field).to_have_attribute("aria-expanded", "true")
    await field.press("ArrowDown")
    active = await field.get_attribute("aria-activedescendant")
    assert active == await options.first.get_attribute("id")
    await diretora.screenshot("combobox")
    await field.press("Enter")
    await expect(field).to_have_value(MATHS)
    await expect(field).to_have_attribute("aria-expanded", "false")
    await field.press("Escape")
    await expect(field).to_have_value("")
    await field.fill("6O A  MATEMATICA")
    await page.locator("#text").fill("Prova na sexta.")
    await expect(field).to_have_value(MATHS)
    await page.locator("#announce-button").click()
    await expect(page.locator("#announcements")).to_contain_text("Prova na sexta.", timeout=TIMEOUT_MS)


async def test_announcement_to_a_role_is_confirmed_with_the_number_of_people(visit: Visit) -> None:
    diretora = await visit("diretora", size=PHONE)
    page = diretora.page
    await page.goto("/principal/announcements")
    await diretora.wait_until_online()
    await page.get_by_label("All teachers").check()
    await page.locator("#text").fill("Reunião às 18h.")
    dialog, button = page.get_by_role("dialog", name="Announce to all teachers?"), page.locator("#announce-button")
    await button.click()
    await expect(dialog).to_contain_text("people will get it.")
    await diretora.screenshot("confirmation")
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    await expect(button).to_be_focused()
    await expect(page.locator("#text")).to_have_value("Reunião às 18h.")
    await button.click()
    await dialog.get_by_role("button", name="Announce").click()
    await expect(page.locator("#announcements")).to_contain_text("Reunião às 18h.", timeout=TIMEOUT_MS)


@pytest.mark.long
async def test_receipt_names_first_who_has_not_read(visit: Visit) -> None:
    ana, paula = await visit("ana"), await visit("paula")
    await paula.page.goto("/teachers/announcements")
    await paula.wait_until_online()
    await paula.page.get_by_label(MATHS).check()
    await paula.page.locator("#text").fill("Tragam régua.")
    await paula.page.locator("#announce-button").click()
    receipt = paula.page.locator(".receipt").first
    await expect(receipt).to_contain_text("Read by 0 of 28", timeout=TIMEOUT_MS)
    await receipt.locator("summary").click()
    titles = receipt.locator(".readers-title")
    await expect(titles).to_have_text(["Have not read (28)"], timeout=TIMEOUT_MS)
    await ana.page.goto("/students/announcements")
    await expect(titles).to_have_text(["Have not read (27)", "Has read (1)"], timeout=TIMEOUT_MS)
    await expect(receipt.locator(".readers li")).to_have_count(28)
    await expect(receipt.locator("ul").last).to_contain_text("Ana Ribeiro")
    card = await paula.page.locator(".announcement").first.inner_text()
    assert card.count(MATHS) == 1, f"{MATHS} stands more than once in {card!r}"
    await paula.screenshot("receipt")


@pytest.mark.long
async def test_reader_confirms_and_the_author_sees_who_is_missing(visit: Visit) -> None:
    paula, ana, bruno = await visit("paula"), await visit("ana", size=PHONE), await visit("bruno")
    await paula.page.goto("/teachers/announcements")
    await paula.wait_until_online()
    await paula.page.get_by_label(MATHS).check()
    await paula.page.locator("#title").fill("Prova na sexta")
    await paula.page.locator("#text").fill("Capítulos 3 e 4.")
    await paula.page.locator("#announce-more summary").click()
    await paula.page.get_by_label("Readers confirm that they have read it").check()
    await paula.screenshot("announcing-more")
    await paula.page.locator("#announce-button").click()
    receipt = paula.page.locator(".receipt").first
    await expect(receipt).to_contain_text("Confirmed by 0 of 28", timeout=TIMEOUT_MS)
    await receipt.locator("summary").click()
    await expect(receipt).to_contain_text("Not signed in anywhere", timeout=TIMEOUT_MS)
    await ana.page.goto("/students/announcements")
    button = ana.page.get_by_role("button", name="I have read this")
    await expect(button).to_be_visible(timeout=TIMEOUT_MS)
    await ana.screenshot("asked-to-confirm")
    await button.click()
    await expect(ana.page.locator(".acknowledged")).to_have_text("You have confirmed this.", timeout=TIMEOUT_MS)
    await expect(receipt).to_contain_text("Confirmed by 1 of 28", timeout=TIMEOUT_MS)
    await receipt.get_by_role("button", name="Remind those who are missing").click()
    await expect(receipt).to_contain_text("They were reminded.", timeout=TIMEOUT_MS)
    await paula.screenshot("confirmed")
    await expect(bruno.page.locator(".reminder")).to_contain_text("Prova na sexta", timeout=TIMEOUT_MS)
    await bruno.screenshot("reminded")
    await expect(ana.page.locator(".reminder")).to_be_hidden()
    await ana.page.reload()
    await expect(ana.page.locator(".acknowledged")).to_have_text("You have confirmed this.", timeout=TIMEOUT_MS)


async def choose(card: Locator, label: str) -> None:
    """Choose what to do with an announcement."""
    await card.get_by_role("button", name="What to do with this announcement").click()
    await card.page.get_by_role("dialog").get_by_role("button", name=label).click()


async def test_announcement_waits_goes_out_and_is_corrected_and_withdrawn(visit: Visit) -> None:
    diretora, ana = await visit("diretora"), await visit("ana")
    page = diretora.page
    await ana.open_class()
    board = ana.page.locator(".announcement")
    await page.goto("/principal/announcements")
    await diretora.wait_until_online()
    await page.get_by_label("Classes", exact=True).check()
    await page.get_by_role("combobox", name="Class or grade").fill("6o a 5")
    await page.get_by_role("option", name="6º A: 5 classes").click()
    await page.get_by_role("button", name="Add another").click()
    await page.locator("#text").fill("Passeio no dia 10.")
    await page.locator("#announce-more summary").click()
    await page.locator("#publish-at").fill(f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%dT%H:%M}")
    await page.locator("#announce-button").click()
    dialog = page.get_by_role("dialog", name="Announce to 5 classes?")
    await expect(dialog).to_contain_text("28 people will get it.", timeout=TIMEOUT_MS)
    await diretora.screenshot("to-a-grade")
    await dialog.get_by_role("button", name="Announce").click()
    await expect(page.locator("#plan-list")).to_contain_text("Passeio no dia 10.", timeout=TIMEOUT_MS)
    await page.get_by_role("button", name="Change").click()
    await expect(page.locator("#text")).to_have_value("Passeio no dia 10.")
    await page.locator("#text").fill("Passeio no dia 12.")
    await page.locator("#publish-at").fill("")
    await page.locator("#announce-button").click()
    await dialog.get_by_role("button", name="Announce").click()
    await expect(board).to_contain_text("Passeio no dia 12.", timeout=TIMEOUT_MS)
    await expect(page.locator("#plans")).to_be_hidden(timeout=TIMEOUT_MS)
    card = page.locator(".announcement").first
    await expect(card).to_contain_text("Read by", timeout=TIMEOUT_MS)
    await choose(card, "Correct")
    await page.locator("#correct-text").fill("Passeio no dia 13.")
    await page.get_by_role("dialog").get_by_role("button", name="Correct").click()
    await expect(board).to_contain_text("Passeio no dia 13.", timeout=TIMEOUT_MS)
    await expect(board).to_contain_text("Corrected")
    await expect(card).to_contain_text("Passeio no dia 13.", timeout=TIMEOUT_MS)
    await choose(card, "Withdraw")
    await page.get_by_role("dialog").get_by_role("button", name="Withdraw").click()
    await expect(board).to_contain_text("was withdrawn", timeout=TIMEOUT_MS)
    await expect(board).not_to_contain_text("Passeio")
    await ana.screenshot("withdrawn")


@pytest.mark.long
async def test_older_announcements_are_read_page_by_page(visit: Visit, lousa: Lousa) -> None:
    (token,) = lousa.tokens("diretora").values()
    principal = await Connection.open(lousa.socket_url("principal", token), lambda *event: None)
    for topic in ("school", "role:students"):
        await principal.join(topic)
    for number in range(64):
        topic = "role:students" if number % 16 == 15 else "school"
        while True:
            try:
                await principal.request(topic, "announcement:send", {"text": f"Aviso {number}"})
                break
            except ErrorReply as error:
                await asyncio.sleep(error.response["retry_after"] / 1000)
    principal.close()
    await principal.closed.wait()
    ana = await visit("ana", size=PHONE)
    await ana.page.goto("/students/announcements")
    texts = ana.page.locator("#announcements .text")
    await expect(texts.first).to_have_text("Aviso 63", timeout=TIMEOUT_MS)
    shown = await texts.all_inner_texts()
    assert shown == [f"Aviso {number}" for number in range(63, 63 - len(shown), -1)]
    older = ana.page.get_by_role("button", name="Older announcements")
    await older.click()
    await expect(texts).to_have_count(64, timeout=TIMEOUT_MS)
    assert await texts.all_inner_texts() == [f"Aviso {number}" for number in range(63, -1, -1)]
    await expect(older).to_be_hidden()


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
