"""The unchanged stock client, npm `phoenix`, in Chromium: on a cross-origin and on a same-origin page."""

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

# All tests share one Chromium, and so one event loop.
pytestmark = [pytest.mark.interop, pytest.mark.asyncio(loop_scope="module")]

# The page's script: loads the package from the page's own origin.
_RUN = """async (given) => {
  const phoenix = await import(`${given.folder}/node_modules/${given.package}/priv/static/phoenix.mjs`);
  const { run } = await import(`${given.folder}/conversation.mjs`);
  return run(given, phoenix, WebSocket, sessionStorage);
}"""
# Sends one long-poll request as the client does; a response that the browser blocks becomes an error.
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
    """Return a browser context without cookies."""
    context = await browser.new_context()
    context.set_default_timeout(MILLISECONDS)
    yield context
    await context.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(context: BrowserContext, pages: PageServer) -> Page:
    """Return a page from the other origin."""
    page = await context.new_page()
    await page.goto(f"{pages.origin}/page.html")
    return page


@pytest.fixture
def run(tokens: dict[str, str]) -> Run:
    """Return a function that runs a story with two clients on a page, and returns its result."""

    async def told(page: Page, url: str, story: str, **options: Any) -> Told:
        pair = [tokens[login] for login in PAIRS[story]]
        given = {"folder": "", "package": "phoenix", "tokens": pair} | options
        older = given["package"] == "phoenix-1-7"
        answer: Told = await page.evaluate(_RUN, given | {"url": url, "story": story, "older": older})
        return answer

    return told


@pytest.mark.parametrize("package", ["phoenix", "phoenix-1-8", "phoenix-1-7"])
async def test_page_of_an_allowed_origin_chats_with_presence_and_reconnects(
    server: Lousa, page: Page, run: Run, package: str
) -> None:
    for transport in ("websocket", "longpoll"):
        url = server.url.replace("http", "ws")
        told = await run(page, url, "meet", package=package, transport=transport)
        assert told["longpoll"] == [transport == "longpoll"] * 2


async def test_same_origin_page_authenticates_with_the_cookie(
    lousa: Lousa, context: BrowserContext, run: Run, tokens: dict[str, str]
) -> None:
    await context.add_cookies([{"name": "lousa_session", "value": tokens["ana"], "url": lousa.url}])
    await context.route(f"{lousa.url}/interop/**", _serve)  # serves the modules from our own origin
    page = await context.new_page()
    await page.goto(f"{lousa.url}/healthz")
    for transport in ("websocket", "longpoll"):
        # An endpoint without a host; the stock client resolves it against the page's origin.
        told = await run(page, "", "meet", folder="/interop", transport=transport, tokens=[None, tokens["bruno"]])
        assert told["longpoll"] == [transport == "longpoll"] * 2


async def _serve(route: Route) -> None:
    await route.fulfill(path=FOLDER / urlsplit(route.request.url).path.removeprefix("/interop/"))


async def test_browser_blocks_responses_to_an_unknown_origin(lousa: Lousa, page: Page, tokens: dict[str, str]) -> None:
    asked = [f"{lousa.url}/students/socket/longpoll?vsn=2.0.0", tokens["ana"]]
    assert (await page.evaluate(_ASK, asked))["status"] == 410
    with PageServer() as foreign:
        await page.goto(f"{foreign.origin}/page.html")
        assert await page.evaluate(_ASK, asked) == {"error": "Failed to fetch"}


@pytest.mark.parametrize("package", ["phoenix", "phoenix-1-7"])
async def test_client_falls_back_to_polling_where_a_filter_blocks_websockets(
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
async def test_push_ids_prevent_loss_when_answers_are_lost(lousa: Lousa, page: Page, run: Run, package: str) -> None:
    async with Proxy(lousa.port, seed=1) as proxy:
        proxy.turn(lambda chance, is_websocket: Fate(lose=0.1))
        options = {"package": package, "transport": "longpoll", "count": 8, "timeout": 500}
        await run(page, proxy.url, "talk", **options)
    # The browser itself retries a request whose keep-alive connection broke, so the client may not notice.
    assert proxy.done["answers lost"] > 2
