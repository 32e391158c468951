"""A school's filter does not let WebSockets through, or no longer: the class goes on over polls, and comes back."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.browser.conftest import Visit
from tests.browser.visitor import TIMEOUT_MS, Visitor
from tests.filter import BLOCKING_MODES, Filter, Mode
from tests.lousa import Lousa

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

# After so long people reload a page.
PATIENCE_SECONDS = 5.0
# A WebSocket that ends sooner was no good one to the client.
SETTLED_MS = 35_000
HOUR_MS = 3_600_000
# The client tries again at random within that long after the hour.
TRIAL_WINDOW_MS = 10_000
SMALL_PHONE = (360, 740)
SIGN = {"pt-BR": "Conectado (rota alternativa)", "en-US": "Online (alternate route)"}

_IS_REMEMBERED = "Object.keys(localStorage).some((name) => name.startsWith('lousa:websocket-blocked:'))"


@pytest_asyncio.fixture(loop_scope="session")
async def web_filter(lousa: Lousa) -> AsyncIterator[Filter]:
    """Run a filter before the server."""
    async with Filter(lousa.port) as web_filter:
        yield web_filter


@pytest_asyncio.fixture(loop_scope="session")
async def pupils(visit: Visit, web_filter: Filter) -> list[Visitor]:
    """Let two pupils open the class behind the filter, each with a clock that can be put forward."""
    visitors = [await visit(login, url=web_filter.url) for login in ("ana", "bruno")]
    for visitor in visitors:
        await visitor.page.clock.install()
        await visitor.open_class()
        await expect_transport(visitor, "websocket")
    return visitors


async def expect_transport(visitor: Visitor, transport: str) -> None:
    sign = visitor.page.locator("#connection")
    await expect(sign).to_have_attribute("data-transport", transport, timeout=TIMEOUT_MS)
    await expect(sign).to_have_attribute("data-state", "online")


async def remembers_the_filter(visitor: Visitor) -> None:
    """Wait until the page has found that WebSockets are blocked here."""
    async with asyncio.timeout(TIMEOUT_MS / 1000):
        while not await visitor.page.evaluate(_IS_REMEMBERED):
            await asyncio.sleep(0.1)


async def shown(visitor: Visitor) -> list[str]:
    """Return the texts of the conversation, from top to bottom."""
    return await visitor.page.locator("#messages .text").all_inner_texts()


# One way to die stands for the others where time is short.
DYING = [mode if mode == "kill" else pytest.param(mode, marks=pytest.mark.long) for mode in BLOCKING_MODES]


@pytest.mark.parametrize("mode", DYING)
async def test_blocked_websocket_is_replaced_by_polls_and_restored_later(
    pupils: list[Visitor], web_filter: Filter, mode: Mode
) -> None:
    ana, bruno = pupils
    said = ["antes"]
    await ana.say("antes")
    await bruno.sees("antes")
    for pupil in pupils:
        await pupil.page.clock.fast_forward(SETTLED_MS)
    with ana.outage(), bruno.outage():
        web_filter.switch(mode)
        began = time.monotonic()
        said.append("e agora?")
        await ana.say("e agora?")
        await bruno.sees("e agora?")
        took = time.monotonic() - began
        print(f"{mode}: the chat went on after {took:.2f} s")
        assert took < PATIENCE_SECONDS
        for pupil in pupils:
            await expect_transport(pupil, "longpoll")
        said += await talk(pupils, "sem WebSocket")
        for pupil in pupils:  # a trial that is under way now would be judged when the hour has passed, and cost another
            await remembers_the_filter(pupil)
        web_filter.switch("pass")
        for pupil in pupils:
            await pupil.page.clock.fast_forward(HOUR_MS + TRIAL_WINDOW_MS)
        said += await talk(pupils, "na mudança")
        for pupil in pupils:
            await expect_transport(pupil, "websocket")
    said += await talk(pupils, "depois")
    for pupil in pupils:
        assert await shown(pupil) == said


async def talk(pupils: list[Visitor], about: str) -> list[str]:
    """Let each of two send some messages that the other receives; return them in order."""
    said = []
    for number in range(1, 4):
        for speaker, listener in (pupils, reversed(pupils)):
            said.append(f"{about}: {speaker.login} {number}")
            await speaker.say(said[-1])
            await listener.sees(said[-1])
    return said


@pytest.mark.parametrize("mode", DYING)
async def test_page_remembers_a_filter_that_blocks_websockets(browser: Browser, web_filter: Filter, mode: Mode) -> None:
    web_filter.switch(mode)
    ana = await Visitor.arrive(browser, web_filter.url, "ana", size=SMALL_PHONE)
    with ana.outage():
        await ana.sign_in()
        await expect_transport(ana, "longpoll")
        await remembers_the_filter(ana)
        upgrades = web_filter.upgrades
        await ana.open_class()
        await expect_transport(ana, "longpoll")
        await ana.say("Bom dia!")
        await ana.sees("Bom dia!")
    assert web_filter.upgrades == upgrades
    ana.check()


@pytest.mark.long
async def test_page_reconnects_at_once_when_the_network_returns(pupils: list[Visitor], web_filter: Filter) -> None:
    with pupils[0].outage(), pupils[1].outage():
        web_filter.switch("refuse")
        for pupil in pupils:
            await expect_transport(pupil, "longpoll")
        web_filter.switch("pass")
        for pupil in pupils:
            await pupil.page.evaluate("window.dispatchEvent(new Event('online'))")
            await expect_transport(pupil, "websocket")
    await talk(pupils, "de volta")


@pytest.mark.long
async def test_server_restart_is_not_taken_for_a_filter(
    pupils: list[Visitor], lousa: Lousa, web_filter: Filter
) -> None:
    with pupils[0].outage(), pupils[1].outage():
        for ending in (lousa.kill, lousa.stop):
            await asyncio.to_thread(ending)
            for pupil in pupils:
                await expect(pupil.page.locator("#connection")).not_to_have_attribute("data-state", "online")
            await asyncio.to_thread(lousa.start)
            for pupil in pupils:
                await pupil.look()
                await expect_transport(pupil, "websocket")
                assert not any(
                    key.startswith(BLOCKED) for key in await pupil.page.evaluate("Object.keys(localStorage)")
                )
    await talk(pupils, "depois da queda")


# The page's memory of networks that block WebSockets (static/client/block_memory.js).
BLOCKED = "lousa:websocket-blocked:"

# The longer language on the smallest screen is where a sign would first not fit.
PHONE = pytest.param(SMALL_PHONE, id="phone")
TABLET = pytest.param((768, 1024), id="tablet", marks=pytest.mark.long)
DESKTOP = pytest.param((1280, 800), id="desktop", marks=pytest.mark.long)


@pytest.mark.parametrize("size", [PHONE, *(pytest.param(size, marks=pytest.mark.long) for size in (TABLET, DESKTOP))])
@pytest.mark.parametrize("language", ["pt-BR", pytest.param("en-US", marks=pytest.mark.long)])
async def test_connection_sign_uses_plain_words_and_moves_nothing(
    visit: Visit, web_filter: Filter, language: str, size: tuple[int, int]
) -> None:
    paula = await visit("paula", url=web_filter.url, size=size, language=language)
    await paula.open_class()
    name = f"transport-{language}-{size[0]}"
    sign, note = paula.page.locator("#connection"), paula.page.locator("#connection-note")
    await paula.screenshot(f"{name}-websocket")
    before = await places(paula)
    with paula.outage():
        web_filter.switch("refuse")
        await expect_transport(paula, "longpoll")
        await expect(sign).to_contain_text(SIGN[language])
        await paula.screenshot(f"{name}-longpoll")
        assert await places(paula) == before
        await paula.page.locator(".menu summary").click()
        await expect(note).to_have_text(await sign.get_attribute("title") or "missing")
        await paula.screenshot(f"{name}-menu")
        web_filter.switch("pass")
        await paula.page.evaluate("window.dispatchEvent(new Event('online'))")
        await expect_transport(paula, "websocket")
        await expect(note).to_be_hidden()
        assert await sign.get_attribute("title") == ""


async def places(visitor: Visitor) -> list[object]:
    """Return where what stands around the sign is, and how wide the page is."""
    boxes = [await visitor.page.locator(name).bounding_box() for name in (".brand", ".menu", ".tabs", "#main")]
    return [*boxes, await visitor.page.evaluate("document.documentElement.scrollWidth")]
