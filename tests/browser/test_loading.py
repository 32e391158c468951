"""How a page comes: in few requests, with its conversation, before there is a socket."""

import pytest
from playwright.async_api import Browser, Request, Route, expect

from tests.browser.conftest import InClass, Visit
from tests.browser.visitor import MATHS_PATH, Visitor
from tests.lousa import Lousa

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

# Each page: its HTML, script, common scripts, sheet and first events; icons, logo and drawings; what browsers
# ask for by themselves (favicon, manifest).
MAX_REQUESTS = 12
MAX_BYTES = 60_000
# Signing in needs no conversation and no socket; some of it is the drawing beside it.
MAX_ENTRY_BYTES = 48_000


class Traffic:
    """What a page asks for, until it is online."""

    def __init__(self, visitor: Visitor) -> None:
        self.requests: list[Request] = []
        visitor.page.on("request", self._add)

    def _add(self, request: Request) -> None:
        self.requests.append(request)

    async def bytes(self) -> int:
        """Return how many bytes came over the network, headers included."""
        sizes = [await each.sizes() for each in self.requests if await each.response() is not None]
        return sum(each["responseBodySize"] + each["responseHeadersSize"] for each in sizes)


async def _reload_without_cache(visitor: Visitor, path: str) -> Traffic:
    client = await visitor.context.new_cdp_session(visitor.page)
    await visitor.page.goto("about:blank")
    await client.send("Network.clearBrowserCache")
    traffic = Traffic(visitor)
    await visitor.page.goto(path)
    return traffic


@pytest.mark.parametrize(
    ("login", "language", "pages"),
    [("ana", "pt-BR", ["", "announcements", "class"]), ("paula", "en-US", ["class"]), ("diretora", "pt-BR", [""])],
)
async def test_pages_load_with_few_requests_and_bytes(
    login: str, language: str, pages: list[str], visit: Visit
) -> None:
    visitor = await visit(login, language=language)
    home = visitor.page.url
    if "class" in pages:
        await visitor.open_class()
    addresses = {"class": visitor.page.url}
    for page in pages:
        traffic = await _reload_without_cache(visitor, addresses.get(page, home + page))
        await visitor.wait_until_online()
        asked = [each.url for each in traffic.requests]
        assert len(asked) <= MAX_REQUESTS, asked
        assert await traffic.bytes() <= MAX_BYTES, asked


async def test_sign_in_page_is_small(browser: Browser, lousa: Lousa) -> None:
    stranger = await Visitor.arrive(browser, lousa.url, "nobody")
    traffic = await _reload_without_cache(stranger, "/accounts/sign-in")
    await stranger.page.wait_for_load_state("networkidle")
    asked = [each.url for each in traffic.requests]
    assert len(asked) <= MAX_REQUESTS, asked
    assert await traffic.bytes() <= MAX_ENTRY_BYTES, asked


async def test_conversation_is_shown_before_there_is_a_socket(visit: Visit, in_class: InClass) -> None:
    [paula] = await in_class("paula")
    await paula.say("Abram o livro na página 12.")
    await paula.sees("Abram o livro na página 12.")
    ana = await visit("ana")
    await ana.context.route("**/socket/**", lambda route: route.abort())
    await ana.page.route_web_socket("**/socket/**", lambda _: None)  # neither opens nor fails
    asked: list[str] = []
    ana.page.on("request", lambda request: asked.append(request.url))
    await ana.page.get_by_role("link", name="6º A · Matemática").first.click()
    await ana.page.wait_for_url("**/classes/*")
    await ana.sees("Abram o livro na página 12.")
    assert len([each for each in asked if each.endswith("?joins")]) == 1
    await expect(ana.page.locator("#connection")).not_to_have_attribute("data-state", "online")


@pytest.mark.long
async def test_what_came_meanwhile_follows_the_first_events_once(visit: Visit, in_class: InClass) -> None:
    [paula] = await in_class("paula")
    for number in range(3):
        await paula.say(f"Primeira {number}")
        await paula.sees(f"Primeira {number}")
    ana = await visit("ana")

    async def say_more(route: Route) -> None:
        await paula.say("Segunda")
        await paula.sees("Segunda")
        await route.continue_()

    await ana.page.route("**/static/class_page.js", say_more)
    await ana.open_class()
    await ana.sees("Primeira 0", "Primeira 1", "Primeira 2", "Segunda")
    await paula.say("Terceira")
    await ana.sees("Primeira 0", "Primeira 1", "Primeira 2", "Segunda", "Terceira")
    rows = await ana.page.locator("#messages .bubble").all_inner_texts()
    assert [text for text in ("Primeira 2", "Segunda", "Terceira") if any(text in row for row in rows[-3:])] == [
        "Primeira 2",
        "Segunda",
        "Terceira",
    ]


async def test_press_on_what_cannot_be_loaded_says_so_and_works_again(visit: Visit) -> None:
    paula = await visit("paula", path=MATHS_PATH)
    poll = paula.page.get_by_role("button", name="New poll")
    with paula.outage():
        await paula.page.route("**/poll_form.js", lambda route: route.abort("connectionfailed"))
        await paula.page.locator("#lesson-button").click()
        await poll.click()
        await expect(paula.page.get_by_text("This part of the page could not be loaded.")).to_be_visible()
        await paula.page.unroute("**/poll_form.js")
    await paula.page.get_by_role("button", name="Close").click()
    await paula.page.locator("#lesson-button").click()
    await poll.click()
    await expect(paula.page.get_by_label("Question")).to_be_focused()


@pytest.mark.long
async def test_what_was_loaded_ahead_opens_without_a_network(visit: Visit) -> None:
    paula = await visit("paula")
    async with paula.page.expect_response("**/poll_form.js"):
        await paula.open_class()
    with paula.outage():
        await paula.context.set_offline(True)
        await paula.page.locator("#lesson-button").click()
        await paula.page.get_by_role("button", name="New poll").click()
        await expect(paula.page.get_by_label("Question")).to_be_focused()
        await paula.context.set_offline(False)


async def test_composer_keeps_what_is_typed_before_the_scripts(visit: Visit) -> None:
    ana = await visit("ana")

    async def type_first(route: Route) -> None:
        await ana.page.locator("#text").fill("Já comecei")
        await expect(ana.page.get_by_text("Loading…")).to_be_visible()
        await expect(ana.page.get_by_role("button", name="Send")).to_be_disabled()
        await route.continue_()

    await ana.page.route("**/static/class_page.js", type_first)
    await ana.open_class()
    await expect(ana.page.locator("#text")).to_have_value("Já comecei")
    await ana.page.locator("#text").press("Enter")
    await ana.sees("Já comecei")
