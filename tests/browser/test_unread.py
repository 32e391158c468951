"""A class opens at what is new, and what was not on the screen does not count as read."""

import re

import pytest
from playwright.async_api import Locator, expect

from tests.browser.colleague import colleague
from tests.browser.conftest import Visit
from tests.browser.visitor import MATHS, TIMEOUT_MS, Visitor
from tests.browser.writer import write
from tests.lousa import Lousa

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

UNREAD = 66
# More than one look apart, and more than a row must be on the screen.
LONG_ENOUGH_MS = 1_500


@pytest.fixture
def serve_options() -> tuple[str, ...]:
    """Let somebody write as fast as they can."""
    return ("--push-rate", "0")


async def reader(visit: Visit, lousa: Lousa) -> Visitor:
    """Let Ana read the class's first message, and get 66 more while she looks at her list."""
    await write(lousa, "paula", ["Bom dia, turma!"])
    ana = await visit("ana")
    await expect(row_of_list(ana)).to_contain_text("unread", timeout=TIMEOUT_MS)
    tab = await ana.new_tab()
    await tab.page.goto("/students/")
    await tab.open_class()
    await tab.sees("Bom dia, turma!")
    await expect(row_of_list(ana)).not_to_contain_text("unread", timeout=TIMEOUT_MS)
    await tab.page.close()
    await write(lousa, "paula", (f"Exercício {number}." for number in range(1, UNREAD + 1)))
    await expect(row_of_list(ana)).to_contain_text("unread", timeout=TIMEOUT_MS)
    return ana


def row_of_list(visitor: Visitor) -> Locator:
    """Return the class in the list of classes."""
    return visitor.page.locator("#classes li").filter(has_text=MATHS.rpartition(" ")[2])


def jump_up(visitor: Visitor) -> Locator:
    """Return the way to what is unread above."""
    return visitor.page.locator("#jump-above .jump-way")


def jump_down(visitor: Visitor) -> Locator:
    """Return the way to the newest."""
    return visitor.page.locator("#jump")


async def count_in(jump: Locator) -> int:
    """Return the number that a jump names."""
    found = re.search(r"\d+", await jump.inner_text())
    return int(found[0]) if found else 0


async def texts_on_screen(visitor: Visitor) -> list[str]:
    """Return the messages whose end is on the screen."""
    found: list[str] = await visitor.page.evaluate(
        """() => {
          const {top, bottom} = document.getElementById("scroller").getBoundingClientRect();
          const isShown = (row) => {
            const end = row.getBoundingClientRect().bottom;
            return end > top + 4 && end <= bottom + 4;
          };
          const rows = [...document.querySelectorAll("#messages > .row")].filter(isShown);
          return rows.map((row) => row.querySelector(".text").textContent);
        }"""
    )
    return found


async def test_class_opens_at_the_first_unread_with_its_author(visit: Visit, lousa: Lousa) -> None:
    ana = await reader(visit, lousa)
    await ana.open_class()
    line = ana.page.locator("#messages .divider.new")
    await expect(line).to_be_in_viewport(timeout=TIMEOUT_MS)
    first = ana.page.locator("#messages .row").filter(has=ana.page.get_by_text("Exercício 1.", exact=True))
    await expect(first).to_be_in_viewport()
    await expect(first.locator(".author")).to_be_visible()
    await expect(ana.message("Bom dia, turma!")).to_be_in_viewport()
    assert await line.evaluate("line => line.nextElementSibling.querySelector('.text').textContent") == "Exercício 1."
    await ana.screenshot("unread-line")


@pytest.mark.long
async def test_unread_above_and_below_add_up_to_all(visit: Visit, lousa: Lousa) -> None:
    ana = await reader(visit, lousa)
    await ana.open_class()
    await expect(jump_down(ana)).to_contain_text("new messages", timeout=TIMEOUT_MS)
    shown = [text for text in await texts_on_screen(ana) if text.startswith("Exercício")]
    await expect(jump_down(ana)).to_contain_text(f"{UNREAD - len(shown)} new messages")
    async with colleague(lousa, "ana") as device:
        await device.wait_until_read(1 + len(shown))
    await jump_down(ana).click()
    await expect(ana.message(f"Exercício {UNREAD}.")).to_be_in_viewport()
    await expect(jump_up(ana)).to_be_visible(timeout=TIMEOUT_MS)
    last = [text for text in await texts_on_screen(ana) if text.startswith("Exercício")]
    await expect(jump_up(ana)).to_contain_text(f"{UNREAD - len(shown) - len(last)} new messages")
    await ana.screenshot("unread-above")
    await jump_up(ana).click()
    await expect(ana.message(f"Exercício {len(shown) + 1}.")).to_be_in_viewport()


async def test_messages_that_were_skipped_stay_unread(visit: Visit, lousa: Lousa) -> None:
    ana = await reader(visit, lousa)
    await ana.open_class()
    await expect(jump_down(ana)).to_contain_text("new messages", timeout=TIMEOUT_MS)
    await jump_down(ana).click()
    await expect(ana.message(f"Exercício {UNREAD}.")).to_be_in_viewport()
    await ana.page.wait_for_timeout(LONG_ENOUGH_MS)
    await ana.page.goto("/students/")
    await ana.wait_until_online()
    await expect(row_of_list(ana)).to_contain_text("unread", timeout=TIMEOUT_MS)


@pytest.mark.long
async def test_reading_on_to_the_end_leaves_nothing_unread(visit: Visit, lousa: Lousa) -> None:
    ana = await reader(visit, lousa)
    await ana.open_class()
    await expect(jump_down(ana)).to_contain_text("new messages", timeout=TIMEOUT_MS)
    while await jump_down(ana).is_visible():
        await ana.page.wait_for_timeout(LONG_ENOUGH_MS / 2)
        await ana.page.locator("#scroller").evaluate("element => element.scrollBy(0, element.clientHeight * 0.8)")
    beside = await ana.new_tab()
    await beside.page.goto("/students/")
    await expect(row_of_list(beside)).not_to_contain_text("unread", timeout=TIMEOUT_MS)
    await expect(jump_up(ana)).to_be_hidden()
    shown = (await ana.page.locator("#messages").inner_text()).splitlines()
    assert [line for line in shown if line.startswith("Exercício")] == [f"Exercício {n}." for n in range(1, UNREAD + 1)]


@pytest.mark.long
async def test_what_was_skipped_can_be_marked_as_read(visit: Visit, lousa: Lousa) -> None:
    ana = await reader(visit, lousa)
    await ana.open_class()
    await jump_down(ana).click()
    await ana.page.get_by_role("button", name="Mark as read").click()
    await expect(row_of_list(ana)).not_to_contain_text("unread", timeout=TIMEOUT_MS)
    await expect(jump_up(ana)).to_be_hidden()


@pytest.mark.long
async def test_class_never_opened_gets_a_line_above_its_first_message(visit: Visit, lousa: Lousa) -> None:
    await write(lousa, "paula", (f"Exercício {number}." for number in range(1, UNREAD + 1)))
    ana = await visit("ana")
    await ana.open_class()
    await expect(ana.page.locator("#messages .divider.new")).to_be_in_viewport(timeout=TIMEOUT_MS)
    await expect(ana.message("Exercício 1.")).to_be_in_viewport()


@pytest.mark.long
async def test_hidden_page_reads_nothing_and_draws_a_line(visit: Visit, lousa: Lousa) -> None:
    await write(lousa, "paula", ["Bom dia, turma!"])
    ana = await visit("ana")
    beside = await ana.new_tab()
    await beside.page.goto("/students/")
    await expect(row_of_list(beside)).to_contain_text("unread", timeout=TIMEOUT_MS)
    await ana.open_class()
    await expect(row_of_list(beside)).not_to_contain_text("unread", timeout=TIMEOUT_MS)
    await _show(ana, "hidden")
    await write(lousa, "paula", ["Quem falta?"])
    await ana.sees("Quem falta?")
    await ana.page.wait_for_timeout(LONG_ENOUGH_MS)
    await expect(row_of_list(ana)).to_contain_text("1 unread message")
    await expect(row_of_list(beside)).to_contain_text("1 unread message")
    await _show(ana, "visible")
    await expect(ana.page.locator("#messages .divider.new")).to_be_in_viewport()
    await expect(row_of_list(beside)).not_to_contain_text("unread", timeout=TIMEOUT_MS)


async def _show(visitor: Visitor, state: str) -> None:
    # A headless window is never covered by another.
    await visitor.page.evaluate(
        """(state) => {
          Object.defineProperty(document, "visibilityState", {value: state, configurable: true});
          document.dispatchEvent(new Event("visibilitychange"));
        }""",
        state,
    )
