"""The eye on the console sees what it should: tests that trust it are worth as much as it is."""

import asyncio

import pytest

from tests.browser.conftest import Visit
from tests.browser.visitor import TIMEOUT_MS

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

_INLINE_SCRIPT = """
() => {
  const script = document.createElement("script");
  script.textContent = "window.taken = true";
  document.body.append(script);
}
"""


async def test_browser_errors_and_warnings_fail_a_test(visit: Visit) -> None:
    ana = await visit("ana")
    ana.check()
    complaints = {
        _INLINE_SCRIPT: "Content-Security-Policy: script-src",
        "() => void fetch('/missing')": "404",
        "() => void setTimeout(() => { throw new Error('a mistake') })": "a mistake",
        "() => console.warn('a warning')": "a warning",
    }
    for script, expected in complaints.items():
        await ana.page.evaluate(script)
        async with asyncio.timeout(TIMEOUT_MS / 1000):
            while not any(expected in problem for problem in ana.problems):
                await asyncio.sleep(0.02)
        with pytest.raises(AssertionError, match=expected):
            ana.check()
        ana.problems.clear()
    assert not await ana.page.evaluate("'taken' in window")
