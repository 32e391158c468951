"""The sign of the connection: what it says of an outage, and how soon a page comes back after it."""

import asyncio
import re

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.visitor import PHONE, TIMEOUT_MS, Visitor
from tests.lousa import Lousa

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

# Full jitter would end a wait at any moment: here each wait lasts as long as it can.
_LONGEST_WAITS = "Math.random = () => 0.9999;"

_RECORD_STATUS = """
() => {
  window.said = [];
  const status = document.querySelector("#connection [role=status]");
  const note = () => window.said.push(status.textContent.trim());
  new MutationObserver(note).observe(status, {subtree: true, childList: true, characterData: true});
}
"""


async def _wait_longest(visitor: Visitor) -> None:
    await visitor.context.add_init_script(_LONGEST_WAITS)
    await visitor.page.reload()
    await visitor.wait_until_online()


async def _wait_for_a_long_wait(page: Page) -> None:
    """Wait until the next attempt is more than six seconds away."""
    await expect(page.locator("#connection-wait")).to_have_text(re.compile(r"^([7-9]|\d\d)s$"), timeout=30_000)


async def _cut_off(visitor: Visitor, lousa: Lousa) -> None:
    lousa.kill()
    await expect(visitor.page.locator("#connection")).to_have_attribute(
        "data-state", "reconnecting", timeout=TIMEOUT_MS
    )


@pytest.mark.long
async def test_try_now_connects_without_waiting_out_the_seconds(visit: Visit, lousa: Lousa) -> None:
    ana = await visit("ana", size=PHONE)
    await _wait_longest(ana)
    with ana.outage():
        await _cut_off(ana, lousa)
        await _wait_for_a_long_wait(ana.page)
        await ana.screenshot("try-now")
        await asyncio.to_thread(lousa.start)
        await ana.page.get_by_role("button", name="Try now").evaluate("(button) => button.click()")
        await ana.wait_until_online()
    await expect(ana.page.locator("#connection-retry")).to_be_hidden()


@pytest.mark.long
async def test_a_key_connects_without_waiting_out_the_seconds(visit: Visit, lousa: Lousa) -> None:
    ana = await visit("ana")
    await _wait_longest(ana)
    with ana.outage():
        await _cut_off(ana, lousa)
        await _wait_for_a_long_wait(ana.page)
        await ana.screenshot("reconnecting")
        await asyncio.to_thread(lousa.start)
        waited = await ana.page.locator("#connection-wait").text_content()
        assert waited, "it still waits"
        await ana.page.keyboard.press("Shift")
        await ana.wait_until_online()


async def test_without_network_the_sign_says_so_once(visit: Visit, lousa: Lousa) -> None:
    ana = await visit("ana")
    sign = ana.page.locator("#connection")
    with ana.outage():
        await _cut_off(ana, lousa)
        await ana.page.evaluate(_RECORD_STATUS)
        await ana.context.set_offline(True)
        await expect(sign).to_have_attribute("data-state", "offline", timeout=TIMEOUT_MS)
        await expect(ana.page.locator("#connection-retry")).to_be_hidden()
        for _ in range(2):
            await ana.page.wait_for_event("requestfailed", timeout=TIMEOUT_MS)
        await expect(sign).to_have_attribute("data-state", "offline")
        assert (await ana.page.evaluate("window.said")).count("No network") == 1
        await asyncio.to_thread(lousa.start)
        await ana.context.set_offline(False)
        await ana.wait_until_online()
        assert (await ana.page.evaluate("window.said")).count("No network") == 1
