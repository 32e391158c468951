"""A class, live, in several browsers at once."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import InClass, Visit
from tests.browser.visitor import TIMEOUT_MS

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.long  # test_lesson.py has six, in one order
async def test_all_members_see_messages_in_one_order(in_class: InClass) -> None:
    ana, paula, diretora = everybody = await in_class("ana", "paula", "diretora")
    await ana.say("Bom dia, professora!")
    await paula.sees("Bom dia, professora!")
    await paula.say("Bom dia, Ana. Vamos às frações?")
    await diretora.sees("Bom dia, Ana. Vamos às frações?")
    await diretora.say("Boa aula a todos!")
    said = ["Bom dia, professora!", "Bom dia, Ana. Vamos às frações?", "Boa aula a todos!"]
    for visitor in everybody:
        await visitor.sees(*said)
        shown = await visitor.page.locator("#messages").inner_text()
        assert sorted(said, key=shown.index) == said
        await visitor.screenshot(f"class-{visitor.login}")


async def test_typing_is_shown_to_others_until_the_message_arrives(in_class: InClass) -> None:
    ana, paula = await in_class("ana", "paula")
    await expect(ana.page.locator("#here-count")).to_have_text("2")  # who has joined by now is told who types
    await ana.page.locator("#text").press_sequentially("Tenho uma per", delay=20)
    await expect(paula.page.locator("#typing")).to_contain_text("Ana", timeout=TIMEOUT_MS)
    await expect(ana.page.locator("#typing")).to_be_empty()
    await paula.screenshot("typing")
    await ana.page.locator("#text").press_sequentially("gunta", delay=20)
    await ana.page.locator("#text").press("Enter")
    await paula.sees("Tenho uma pergunta")
    await expect(paula.page.locator("#typing")).to_be_empty()


async def test_presence_list_follows_arrivals_and_departures(in_class: InClass) -> None:
    [ana] = await in_class("ana")
    here = ana.page.locator("#here-count")
    await expect(here).to_have_text("1")
    [bruno] = await in_class("bruno")
    await expect(here).to_have_text("2")
    await expect(ana.page.locator("#people")).to_contain_text("Bruno Okamoto Lima")
    await bruno.page.close()
    await expect(here).to_have_text("1")


async def test_message_in_another_class_is_unread_until_opened(visit: Visit, in_class: InClass) -> None:
    ana = await visit("ana")
    [paula] = await in_class("paula")
    await paula.say("Quem terminou a lista?")
    await expect(ana.page.locator("#classes")).to_contain_text("1 unread message", timeout=TIMEOUT_MS)
    await ana.screenshot("unread")
    await ana.open_class()
    await ana.sees("Quem terminou a lista?")
    beside = await ana.new_tab()
    await beside.page.goto("/students/")
    await beside.wait_until_online()
    await expect(beside.page.locator("#classes")).not_to_contain_text("unread")


async def test_text_is_never_markup(in_class: InClass) -> None:
    ana, paula = everybody = await in_class("ana", "paula")
    hostile = [
        "<img src=x onerror=alert(1)>",
        "<script>document.title='taken'</script>",
        "&lt;b&gt; & \"quoted\" 'text' {{ 7 * 7 }} ${7 * 7}",
        "javascript:alert(1)",
    ]
    for text in hostile:
        await ana.say(text)
    for visitor in everybody:
        await visitor.sees(*hostile)
        assert await visitor.page.locator("#messages :is(img, script, b, a[href^='javascript'])").count() == 0
        assert "taken" not in await visitor.page.title()
    await paula.page.reload()
    await paula.sees(*hostile)


async def test_lines_spaces_and_other_scripts_arrive_unchanged(in_class: InClass) -> None:
    ana, paula = await in_class("ana", "paula")
    field = ana.page.locator("#text")
    await field.press_sequentially("primeira linha")
    await field.press("Shift+Enter")
    await field.press_sequentially("  segunda 👩🏽‍🏫 שלום")
    await field.press("Enter")
    shown = paula.page.locator("#messages").get_by_text("primeira linha")
    await expect(shown).to_have_count(1, timeout=TIMEOUT_MS)
    assert await shown.evaluate("element => element.innerText") == "primeira linha\n  segunda 👩🏽‍🏫 שלום"


@pytest.mark.long
async def test_text_with_direction_marks_changes_nothing_beside_it(in_class: InClass) -> None:
    ana, paula = everybody = await in_class("ana", "paula")
    await ana.say("\u202eetracsed")
    await ana.say("שלום, turma!")
    for visitor in everybody:
        texts = visitor.page.locator("#messages .text")
        await expect(texts).to_have_count(2, timeout=TIMEOUT_MS)
        for text in await texts.all():
            assert await text.evaluate("element => getComputedStyle(element).unicodeBidi") == "isolate"
        assert [
            await text.evaluate("element => getComputedStyle(element).direction") for text in await texts.all()
        ] == [
            "ltr",
            "rtl",
        ]
    name = paula.page.locator("#messages .author bdi").first
    assert await name.evaluate("element => getComputedStyle(element).unicodeBidi") == "isolate"
    await paula.screenshot("directions")
