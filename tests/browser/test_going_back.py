"""Going back is instant, and shows nothing of somebody who has signed out."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.browser.visitor import LAN_NAME, Visitor
from tests.chromium import open_chromium
from tests.lousa import Lousa

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

TITLE = "6º A · Matemática"
SECRET = "Só para a turma"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def keeping() -> AsyncIterator[Browser]:
    """Run a Chromium that keeps pages for "back", which Playwright turns off and a headless shell cannot do."""
    options = f"--host-resolver-rules=MAP {LAN_NAME} 127.0.0.1"
    async with open_chromium(options, is_whole=True, keeps_pages=True) as browser:
        yield browser


async def _visit(keeping: Browser, url: str) -> Visitor:
    ana = await Visitor.arrive(keeping, url, "ana")
    await ana.context.add_init_script("addEventListener('pageshow', (e) => { window.isKept = e.persisted; });")
    await ana.sign_in()
    return ana


async def _back(visitor: Visitor) -> None:
    # Not go_back(): it waits for a load, which a kept page has not.
    await visitor.page.evaluate("() => { setTimeout(() => history.back()); }")


@pytest.mark.long
async def test_back_shows_the_kept_page_which_connects_again(keeping: Browser, lousa: Lousa) -> None:
    ana = await _visit(keeping, lousa.url)
    await ana.open_class()
    await ana.say(SECRET)
    await ana.sees(SECRET)
    other = await ana.new_tab()
    await other.page.goto(ana.page.url)
    await ana.page.get_by_role("link", name="Announcements").first.click()
    await ana.page.wait_for_url("**/announcements")
    await ana.wait_until_online()
    await other.say("Enquanto isso")
    await other.sees("Enquanto isso")
    await _back(ana)
    await expect(ana.page.locator("#messages")).to_contain_text(SECRET)
    assert await ana.page.evaluate("window.isKept")
    await ana.wait_until_online()
    await ana.sees(SECRET, "Enquanto isso")
    ana.check()


@pytest.mark.parametrize("host", ["127.0.0.1", pytest.param(LAN_NAME, marks=pytest.mark.long)])
async def test_back_after_signing_out_shows_nothing(host: str, keeping: Browser, lousa: Lousa) -> None:
    ana = await _visit(keeping, lousa.url.replace("127.0.0.1", host))
    await ana.open_class()
    await ana.say(SECRET)
    await ana.sees(SECRET)
    await ana.page.get_by_role("link", name="Announcements").first.click()
    await ana.page.wait_for_url("**/announcements")
    await ana.wait_until_online()
    await ana.page.locator("details.menu summary").click()
    await ana.page.get_by_role("button", name="Sign out").click()
    await ana.page.wait_for_url("**/accounts/sign-in*")
    for steps in (1, 2, 3):
        await ana.page.evaluate("(steps) => { setTimeout(() => history.go(-steps)); }", steps)
        await expect(ana.page.locator("#login")).to_be_visible()
        assert TITLE not in await ana.page.content()


@pytest.mark.long
async def test_page_kept_for_somebody_else_is_emptied(keeping: Browser, lousa: Lousa) -> None:
    """Where signing out could not empty the browser's memory, the page itself does when it is shown."""
    ana = await _visit(keeping, lousa.url)
    await ana.open_class()
    await ana.page.get_by_role("link", name="Announcements").first.click()
    await ana.page.wait_for_url("**/announcements")
    await ana.context.clear_cookies(name="lousa_session")
    await ana.context.clear_cookies(name="lousa_user")
    await _back(ana)
    await expect(ana.page.locator("#login")).to_be_visible()
    assert TITLE not in await ana.page.content()
