"""A class page keeps its work small however much is said: counted in rows and changes, not in time."""

from itertools import pairwise

import pytest
from playwright.async_api import expect

from tests.browser.colleague import colleague
from tests.browser.conftest import Visit
from tests.browser.visitor import TIMEOUT_MS, Visitor
from tests.browser.writer import write
from tests.lousa import Lousa

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

# As the page's own bound (static/chat/history.js).
MAX_ROWS = 200
MESSAGES = 420
# As many as stay while the reader follows the end, with those that come until the next are dropped.
MAX_ROWS_AT_END = 80
# One for the row, and what the lists and signs beside it need on a slow machine. One for each row would be hundreds.
MAX_LAYOUTS, COUNTED = 8, 6

# As static/throttle.js has it; browsers round the times that pages read.
GATHER_MS, ROUNDING_MS = 100, 1

# Notes when the rows change, and counts what reads the layout.
_COUNT = """() => {
window.count = {changes: [], reads: 0};
new MutationObserver(() => window.count.changes.push(performance.now()))
  .observe(document.getElementById("messages"), {childList: true});
const measured = Element.prototype.getBoundingClientRect;
Element.prototype.getBoundingClientRect = function () {
  window.count.reads += 1;
  return measured.call(this);
};
}"""


@pytest.fixture
def serve_options() -> tuple[str, ...]:
    """Let somebody write as fast as they can."""
    return ("--push-rate", "0")


async def _rows(visitor: Visitor) -> list[int]:
    found: list[int] = await visitor.page.locator("#messages > .row").evaluate_all(
        "rows => rows.map(row => Number(row.dataset.seq))"
    )
    return found


async def test_rows_stay_bounded_and_without_gaps_wherever_one_scrolls(visit: Visit, lousa: Lousa) -> None:
    await write(lousa, "paula", (f"Exercício {number}." for number in range(1, MESSAGES + 1)))
    ana = await visit("ana")
    await ana.open_class()
    await ana.page.locator("#jump").click()
    await ana.sees(f"Exercício {MESSAGES}.")
    scroller = ana.page.locator("#scroller")
    for end, wanted in (("0", 1), ("element.scrollHeight", MESSAGES)):
        while wanted not in await _rows(ana):
            await scroller.evaluate(f"element => element.scrollTo(0, {end})")
            await ana.page.wait_for_timeout(50)
            rows = await _rows(ana)
            assert len(rows) <= MAX_ROWS
            assert rows == list(range(rows[0], rows[-1] + 1))
    await expect(ana.page.locator("#start")).to_be_hidden()


async def test_storm_changes_the_page_ten_times_a_second_and_stays_bounded(visit: Visit, lousa: Lousa) -> None:
    await write(lousa, "paula", ["Bom dia, turma!"])
    ana = await visit("ana")
    await ana.open_class()
    await ana.sees("Bom dia, turma!")
    await ana.page.evaluate(_COUNT)
    await write(lousa, "paula", (f"Exercício {number}." for number in range(1, MESSAGES + 1)))
    await expect(ana.message(f"Exercício {MESSAGES}.")).to_be_in_viewport(timeout=TIMEOUT_MS)
    changes: list[float] = await ana.page.evaluate("window.count.changes")
    assert min(later - earlier for earlier, later in pairwise(changes)) >= GATHER_MS - ROUNDING_MS
    assert await ana.page.evaluate("window.count.reads") < MESSAGES
    rows = await _rows(ana)
    assert len(rows) <= MAX_ROWS
    assert rows == list(range(rows[0], MESSAGES + 2))


async def test_message_costs_few_layouts_however_long_the_lesson(visit: Visit, lousa: Lousa) -> None:
    await write(lousa, "paula", ["Bom dia, turma!"])
    ana = await visit("ana")
    await ana.open_class()
    await ana.sees("Bom dia, turma!")
    few = await _layouts_of_a_message(ana, lousa, "começo")
    await write(lousa, "paula", (f"Exercício {number}." for number in range(1, MESSAGES + 1)))
    await expect(ana.message(f"Exercício {MESSAGES}.")).to_be_in_viewport(timeout=TIMEOUT_MS)
    many = await _layouts_of_a_message(ana, lousa, "fim")
    assert max(few, many) <= MAX_LAYOUTS
    assert len(await _rows(ana)) <= MAX_ROWS_AT_END


async def _layouts_of_a_message(visitor: Visitor, lousa: Lousa, word: str) -> float:
    devtools = await visitor.page.context.new_cdp_session(visitor.page)
    await devtools.send("Performance.enable")

    async def layouts() -> float:
        metrics = (await devtools.send("Performance.getMetrics"))["metrics"]
        count: float = next(metric["value"] for metric in metrics if metric["name"] == "LayoutCount")
        return count

    async with colleague(lousa, "paula") as paula:
        await paula.open_class(present=False)
        before = await layouts()
        for number in range(COUNTED):
            await paula.say(f"{word} {number}")
            await expect(visitor.message(f"{word} {number}")).to_be_in_viewport(timeout=TIMEOUT_MS)
        return (await layouts() - before) / COUNTED
