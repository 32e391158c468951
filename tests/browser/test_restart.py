"""The server is killed under open pages, and comes back on the same data: nothing is lost, nothing comes twice."""

import asyncio

import pytest
from playwright.async_api import WebSocketRoute, expect

from tests.browser.conftest import InClass
from tests.browser.visitor import TIMEOUT_MS, Visitor
from tests.lousa import Lousa

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def kill(lousa: Lousa, *visitors: Visitor) -> None:
    lousa.kill()
    for visitor in visitors:
        await expect(visitor.page.locator("#connection")).not_to_have_attribute("data-state", "online")


async def start(lousa: Lousa, *visitors: Visitor) -> None:
    await asyncio.to_thread(lousa.start)
    for visitor in visitors:
        await visitor.look()
        await visitor.wait_until_online()


@pytest.mark.long
async def test_message_sent_while_the_server_is_down_arrives_once(in_class: InClass, lousa: Lousa) -> None:
    ana, paula = everybody = await in_class("ana", "paula")
    await ana.say("antes")
    await paula.sees("antes")
    with ana.outage(), paula.outage():
        await kill(lousa, *everybody)
        await ana.say("durante")
        await paula.say("durante também")
        await expect(ana.page.locator("#pending")).to_contain_text("durante")
        await ana.screenshot("server-away")
        await start(lousa, *everybody)
        for visitor in everybody:
            await visitor.sees("antes", "durante", "durante também")
            await expect(visitor.page.locator("#pending")).not_to_contain_text("durante")
    await ana.say("depois")
    for visitor in everybody:
        await visitor.sees("antes", "durante", "durante também", "depois")


async def test_reloaded_page_keeps_its_pending_messages(in_class: InClass) -> None:
    ana, paula = everybody = await in_class("ana", "paula")
    # The socket alone is cut off: a reload from a server that is away would show the browser's own page.
    network = {"is up": False}
    await ana.page.route_web_socket("**/socket/**", lambda socket: pass_or_close(socket, network["is up"]))
    with ana.outage():
        await ana.page.reload()
        for _ in range(2):
            await ana.say("escrita sem rede")
            await expect(ana.page.locator("#pending")).to_contain_text("escrita sem rede")
        await ana.page.reload()
        await expect(ana.page.locator("#pending").get_by_text("escrita sem rede")).to_have_count(2)
        await paula.say("alguém aí?")
        network["is up"] = True
        await ana.wait_until_online()
    for visitor in everybody:
        await visitor.sees("alguém aí?")
        await expect(visitor.message("escrita sem rede")).to_have_count(2)


async def pass_or_close(socket: WebSocketRoute, is_up: bool) -> None:
    if is_up:
        socket.connect_to_server()
    else:
        await socket.close(code=1012)


@pytest.mark.long  # test_client.py kills the server under the client that pages use
async def test_repeated_restarts_lose_no_message(in_class: InClass, lousa: Lousa) -> None:
    ana, paula = everybody = await in_class("ana", "paula")
    said: list[str] = []
    with ana.outage(), paula.outage():
        for restart in range(1, 6):
            for visitor in everybody:
                said.append(f"{visitor.login} {restart} antes")
                await visitor.say(said[-1])
            lousa.kill()
            for visitor in everybody:
                said.append(f"{visitor.login} {restart} durante")
                await visitor.say(said[-1])
            await start(lousa, *everybody)
        for visitor in everybody:
            await expect(visitor.page.locator("#pending > *")).to_have_count(0, timeout=TIMEOUT_MS)
            await visitor.sees(*said)
