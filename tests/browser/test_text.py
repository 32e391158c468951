"""What is written: how it is sent, how it is shown, and how much room it takes."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Locator, expect

from tests.browser.conftest import InClass, Visit
from tests.browser.visitor import PHONE, TIMEOUT_MS, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

MARKED = r"""**Para sexta**, leiam *tudo* em escola.org/aula e tragam:
- régua e `esquadro`
- <b>calculadora</b>
7. O resultado é $x_1 + 5$, e custa R$ 5 ou R$ 10
8. $\frac{$

```python
print("**olá**")
```
$$\frac{-b \pm \sqrt{b^2 - 4ac}}{2a}$$"""


IS_AT_END = """() => {
  const {scrollHeight, scrollTop, clientHeight} = document.getElementById("scroller");
  return scrollHeight - scrollTop - clientHeight < 2;
}"""


def texts(visitor: Visitor) -> Locator:
    return visitor.page.locator("#messages .text")


async def test_marks_lists_code_and_formulas_are_shown_as_what_they_are(in_class: InClass) -> None:
    ana, paula = everybody = await in_class("ana", "paula")
    await ana.page.set_viewport_size({"width": 1280, "height": 420})
    await ana.page.locator("#text").fill(MARKED)
    await ana.page.locator("#composer .send").click()
    for visitor in everybody:
        text = texts(visitor)
        await expect(text.locator("strong")).to_have_text("Para sexta", timeout=TIMEOUT_MS)
        await expect(text.locator("em")).to_have_text("tudo")
        await expect(text.locator("a")).to_have_attribute("href", "https://escola.org/aula")
        await expect(text.locator("ul > li")).to_have_text(["régua e esquadro", "<b>calculadora</b>"])
        await expect(text.locator("ol > li").first).to_have_attribute("value", "7")
        await expect(text.locator("pre")).to_have_text('print("**olá**")')
        await expect(text.locator("math")).to_have_count(2, timeout=TIMEOUT_MS)
        await expect(text.locator("math[display=block] mfrac msqrt")).to_have_count(1)
        await visitor.page.wait_for_function(IS_AT_END)
        await expect(text.locator("ol > li").nth(1)).to_have_text(r"$\frac{$")
        assert await text.locator("b, img, script").count() == 0
        await visitor.screenshot(f"marks-{visitor.login}")
    await paula.page.goto("/teachers/")
    await expect(paula.page.locator(".class-preview").first).to_contain_text(
        "Para sexta, leiam tudo", timeout=TIMEOUT_MS
    )


async def test_a_long_message_is_folded_until_the_reader_asks(in_class: InClass) -> None:
    ana, paula = await in_class("ana", "paula")
    await ana.say("x" * 30)
    await ana.page.locator("#text").fill("\n".join(f"linha {number}" for number in range(1, 61)))
    await ana.page.locator("#composer .send").click()
    for visitor in (ana, paula):
        show = visitor.page.get_by_role("button", name="Show all")
        await expect(show).to_have_count(1, timeout=TIMEOUT_MS)
        await expect(show).to_have_attribute("aria-expanded", "false")
        fold = visitor.page.locator("#messages .fold")
        box = await fold.bounding_box()
        assert box is not None
        assert box["height"] < 14 * 24
        await visitor.screenshot(f"folded-{visitor.login}")
        await show.press("Enter")
        await expect(visitor.page.locator("#messages").get_by_text("linha 60")).to_be_visible()
        less = visitor.page.get_by_role("button", name="Show less")
        await expect(less).to_have_attribute("aria-expanded", "true")
        await less.press("Enter")
        assert await fold.evaluate("fold => fold.getBoundingClientRect().height") == box["height"]


@pytest.mark.long
async def test_a_long_announcement_is_folded_too(in_class: InClass) -> None:
    ana, paula = await in_class("ana", "paula")
    await paula.page.goto("/teachers/announcements")
    await paula.page.locator("#audience label").first.click()
    await paula.page.locator("#announce #text").fill("\n".join(f"linha {number}" for number in range(1, 41)))
    await paula.page.locator("#announce-button").click()
    for visitor in (ana, paula):
        await expect(visitor.page.get_by_role("button", name="Show all")).to_have_count(1, timeout=TIMEOUT_MS)
        await visitor.screenshot(f"folded-announcement-{visitor.login}")


async def test_a_text_that_is_too_long_goes_as_several_in_order(in_class: InClass) -> None:
    ana, paula = await in_class("ana", "paula")
    field = ana.page.locator("#text")
    sentence = "Esta é uma frase com 😀 e acentos. "
    await field.fill("\n\n".join(f"Parágrafo {number}. " + sentence * 20 for number in range(1, 13)))
    await field.press("Enter")
    problem = ana.page.locator("#too-long")
    await expect(problem).to_contain_text("One message has at most 4,000 characters.")
    await ana.screenshot("too-long")
    await expect(texts(ana)).to_have_count(0)
    await problem.get_by_role("button", name="Send as 3 messages").click()
    await expect(field).to_have_value("")
    await expect(problem).to_be_hidden()
    await expect(texts(paula)).to_have_count(3, timeout=TIMEOUT_MS)
    arrived = [await text.inner_text() for text in await texts(paula).all()]
    assert [text.split(".")[0] for text in arrived] == ["Parágrafo 1", "Parágrafo 6", "Parágrafo 11"]
    assert all(len(text) <= 4000 for text in arrived)


@pytest.mark.long
async def test_a_document_is_refused_with_its_reason(in_class: InClass) -> None:
    [ana] = await in_class("ana")
    await ana.page.locator("#text").fill("palavra " * 6000)
    await ana.page.locator("#text").press("Enter")
    await expect(ana.page.locator("#too-long")).to_contain_text("too long for the chat")
    await expect(ana.page.locator("#too-long button")).to_have_count(0)
    await ana.page.locator("#text").fill("curto")
    await expect(ana.page.locator("#too-long")).to_be_hidden()


async def test_on_a_touch_keyboard_enter_begins_a_line_and_the_button_sends(visit: Visit) -> None:
    ana = await visit("ana", size=PHONE)
    await ana.open_class()
    field = ana.page.locator("#text")
    await expect(field).to_have_attribute("enterkeyhint", "enter")
    await expect(field).not_to_be_focused()
    await field.tap()
    await ana.page.keyboard.type("um")
    await ana.page.keyboard.press("Enter")
    await ana.page.keyboard.type("dois")
    await expect(field).to_have_value("um\ndois")
    await ana.page.locator("#composer .send").tap()
    await ana.sees("um\ndois")


@pytest.mark.long
async def test_with_a_keyboard_one_can_write_at_once_and_enter_sends(in_class: InClass) -> None:
    [ana] = await in_class("ana")
    await expect(ana.page.locator("#text")).to_be_focused()
    await expect(ana.page.locator("#text")).to_have_attribute("enterkeyhint", "send")
    await ana.page.keyboard.type("bom dia")
    await ana.page.keyboard.press("Enter")
    await ana.sees("bom dia")


async def test_half_an_emoji_is_replaced_and_blocks_nothing(in_class: InClass) -> None:
    ana, paula = await in_class("ana", "paula")
    field = ana.page.locator("#text")
    await field.evaluate("field => { field.value = 'meio \\ud83d'; field.dispatchEvent(new Event('input')); }")
    await field.press("Enter")
    await ana.say("depois")
    for visitor in (ana, paula):
        await visitor.sees("meio \ufffd", "depois")
    await expect(ana.page.locator("#pending li")).to_have_count(0)


@pytest.mark.long
async def test_the_author_of_what_stands_at_the_top_stays_in_view(in_class: InClass) -> None:
    ana, paula = await in_class("ana", "paula")
    await paula.say("Bom dia")
    for number in range(1, 4):
        await paula.page.locator("#text").fill(f"parte {number}\n" + "linha\n" * 30)
        await paula.page.locator("#composer .send").click()
    await expect(texts(ana)).to_have_count(4, timeout=TIMEOUT_MS)
    author = ana.page.locator("#author-above")
    await expect(author).to_contain_text("Paula Nogueira Antunes", timeout=TIMEOUT_MS)
    await ana.screenshot("author-above")
    await ana.page.locator("#scroller").evaluate("scroller => scroller.scrollTo(0, 0)")
    await expect(author).to_be_empty()


async def test_another_day_names_the_days_anew(in_class: InClass) -> None:
    [ana] = await in_class("ana")
    await ana.say("hoje")
    await ana.sees("hoje")
    day = ana.page.locator("#messages .divider")
    await expect(day).to_have_text("Today")
    await ana.page.clock.set_system_time(datetime.now(UTC) + timedelta(days=1))
    await ana.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await expect(day).to_have_text("Yesterday")


@pytest.mark.long
async def test_no_text_reaches_beyond_its_bubble(visit: Visit) -> None:
    ana = await visit("ana", size=PHONE)
    await ana.open_class()
    for text in (
        r"$\hspace{900em}x$",
        r"$$\hspace{900em}x$$",
        "```\n" + "x" * 300 + "\n```",
        "a" + "\u0301" * 300,
        "﷽" * 40,
    ):
        await ana.say(text)
    await expect(texts(ana)).to_have_count(5, timeout=TIMEOUT_MS)
    await expect(texts(ana).locator("math")).to_have_count(2, timeout=TIMEOUT_MS)
    await ana.screenshot("beyond-its-bubble")
    wide = "scroller => scroller.scrollWidth - scroller.clientWidth"
    assert await ana.page.locator("#scroller").evaluate(wide) <= 0
    assert await ana.page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]


@pytest.mark.long
async def test_an_emoji_alone_is_large(in_class: InClass) -> None:
    [ana] = await in_class("ana")
    await ana.say("👍🏽")
    await ana.say("bom 👍🏽")
    await ana.sees("👍🏽", "bom 👍🏽")
    assert await texts(ana).evaluate_all("all => all.map((each) => each.classList.contains('few-emoji'))") == [
        True,
        False,
    ]


@pytest.mark.long
async def test_behind_the_panel_of_people_nothing_can_be_clicked(visit: Visit) -> None:
    ana = await visit("ana", size=PHONE)
    await ana.open_class()
    await ana.page.locator("#people-button").tap()
    await expect(ana.page.locator("#people-scrim")).to_be_visible()
    await ana.screenshot("people-scrim")
    await ana.page.locator("#people-scrim").tap(position={"x": 10, "y": 300})
    await expect(ana.page.locator("#people-scrim")).to_be_hidden()
    await expect(ana.page.locator("#people")).not_to_be_in_viewport()
