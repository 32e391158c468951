"""npm `phoenix`, the stock client, unchanged, in Chromium: on a page of another site, and on one of our own."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, Route

from tests.chromium import open_chromium
from tests.faults.network.fault import Fate
from tests.faults.network.proxy import Proxy
from tests.filter import Filter, Mode
from tests.interop.conftest import PAIRS
from tests.interop.pages import FOLDER, PageServer
from tests.lousa import Lousa

# One loop for all, because there is one Chromium for all.
pytestmark = [pytest.mark.interop, pytest.mark.asyncio(loop_scope="module")]

# What a page does with the package that it loads from its own site, as any page would.
_RUN = """async (given) => {
  const phoenix = await import(`${given.folder}/node_modules/${given.package}/priv/static/phoenix.mjs`);
  const { run } = await import(`${given.folder}/conversation.mjs`);
  return run(given, phoenix, WebSocket, sessionStorage);
}"""
# Ask as the client's long-poll does, once; an answer that the browser keeps from the page is an error.
_ASK = """async ([url, token]) => {
  const answered = fetch(url, { headers: { "X-Phoenix-AuthToken": token } });
  return answered.then((response) => response.json()).catch((error) => ({ error: error.message }));
}"""
MILLISECONDS = 60_000

Told = dict[str, Any]
Run = Callable[..., Awaitable[Told]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Run Chromium."""
    async with open_chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """Return a window without any cookie."""
    context = await browser.new_context()
    context.set_default_timeout(MILLISECONDS)
    yield context
    await context.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(context: BrowserContext, pages: PageServer) -> Page:
    """Return a page of the other site."""
    page = await context.new_page()
    await page.goto(f"{pages.origin}/page.html")
    return page


@pytest.fixture
def run(tokens: dict[str, str]) -> Run:
    """Return a function that lets two do a story on a page, and returns what it told."""

    async def told(page: Page, url: str, story: str, **options: Any) -> Told:
        pair = [tokens[login] for login in PAIRS[story]]
        given = {"folder": "", "package": "phoenix", "tokens": pair} | options
        older = given["package"] == "phoenix-1-7"
        answer: Told = await page.evaluate(_RUN, given | {"url": url, "story": story, "older": older})
        return answer

    return told


@pytest.mark.parametrize("package", ["phoenix", "phoenix-1-8", "phoenix-1-7"])
async def test_on_a_page_of_an_allowed_site_they_chat_see_who_is_here_and_come_back(
    server: Lousa, page: Page, run: Run, package: str
) -> None:
    for transport in ("websocket", "longpoll"):
        url = server.url.replace("http", "ws")
        told = await run(page, url, "meet", package=package, transport=transport)
        assert told["longpoll"] == [transport == "longpoll"] * 2


async def test_on_our_own_pages_the_cookie_is_the_credential(
    lousa: Lousa, context: BrowserContext, run: Run, tokens: dict[str, str]
) -> None:
    await context.add_cookies([{"name": "lousa_session", "value": tokens["ana"], "url": lousa.url}])
    await context.route(f"{lousa.url}/interop/**", _serve)  # as if the modules were ours, too
    page = await context.new_page()
    await page.goto(f"{lousa.url}/healthz")
    for transport in ("websocket", "longpoll"):
        # A path, as a page gives it; the stock client makes it an address of the page's own site.
        told = await run(page, "", "meet", folder="/interop", transport=transport, tokens=[None, tokens["bruno"]])
        assert told["longpoll"] == [transport == "longpoll"] * 2


async def _serve(route: Route) -> None:
    await route.fulfill(path=FOLDER / urlsplit(route.request.url).path.removeprefix("/interop/"))


async def test_a_page_of_any_other_site_is_kept_from_the_answers(
    lousa: Lousa, page: Page, tokens: dict[str, str]
) -> None:
    asked = [f"{lousa.url}/students/socket/longpoll?vsn=2.0.0", tokens["ana"]]
    assert (await page.evaluate(_ASK, asked))["status"] == 410
    with PageServer() as foreign:
        await page.goto(f"{foreign.origin}/page.html")
        assert await page.evaluate(_ASK, asked) == {"error": "Failed to fetch"}


@pytest.mark.parametrize("package", ["phoenix", "phoenix-1-7"])
async def test_they_fall_back_to_polls_where_a_filter_lets_no_websocket_through(
    lousa: Lousa, page: Page, run: Run, package: str
) -> None:
    modes: list[Mode] = ["refuse", "hang", "swallow"]
    for mode in modes:
        await page.evaluate("sessionStorage.clear()")
        async with Filter(lousa.port) as web_filter:
            web_filter.switch(mode)
            url = web_filter.url.replace("http", "ws")
            options = {"package": package, "count": 3, "fallback": 300, "timeout": 1000}
            told = await run(page, url, "talk", **options)
            assert (told["longpoll"], told["kept"]) == ([True, True], "true")
            tried = web_filter.upgrades
            assert tried > 0
            await page.reload()
            await run(page, url, "talk", **options)
            assert web_filter.upgrades == tried, "the page remembers, and goes straight to polls"


@pytest.mark.parametrize("package", ["phoenix", "phoenix-1-7"])
async def test_who_gives_ids_misses_nothing_where_answers_are_lost(
    lousa: Lousa, page: Page, run: Run, package: str
) -> None:
    async with Proxy(lousa.port, seed=1) as proxy:
        proxy.turn(lambda chance, is_websocket: Fate(lose=0.1))
        options = {"package": package, "transport": "longpoll", "count": 8, "timeout": 500}
        await run(page, proxy.url, "talk", **options)
    # The browser itself repeats a request whose kept connection broke, so that the client need not notice.
    assert proxy.done["answers lost"] > 2
