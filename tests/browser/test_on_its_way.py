"""What a page says of a message that is on its way agrees with what it says of its connection."""

import json
import re

import pytest
from playwright.async_api import Locator, Route, WebSocketRoute, expect

from tests.browser.conftest import InClass
from tests.browser.visitor import TIMEOUT_MS, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

# A push waits 10 s for its answer, 4 s before the connection is looked at, and 4 s for that; and a busy machine.
NOTICED_MS = 30_000


class Network:
    """What lies between a page and its server: frames of either direction can go astray, and nobody is told.

    `loses_answers` leaves heartbeats alone: then the server is there, and only slow. Polls are lost with anything else.
    """

    def __init__(self) -> None:
        self.loses_all = False
        self.loses_answers = False
        self.is_up = True
        self._socket: WebSocketRoute | None = None

    async def connect(self, socket: WebSocketRoute) -> None:
        """Take a connection of the page."""
        if not self.is_up:
            await socket.close(code=1012)
            return
        self._socket = socket
        server = socket.connect_to_server()
        socket.on_message(lambda frame: None if self.loses_all else server.send(frame))
        server.on_message(lambda frame: None if self._loses(frame) else socket.send(frame))

    def _loses(self, frame: str | bytes) -> bool:
        return self.loses_all or (self.loses_answers and json.loads(frame)[2] != "phoenix")

    async def poll(self, route: Route) -> None:
        """Let a poll of the page through, or not."""
        if self.loses_all or not self.is_up:
            await route.abort("connectionrefused")
        else:
            await route.continue_()

    async def cut(self) -> None:
        """Close the connection, and let no other through."""
        self.is_up = False
        if self._socket is not None:
            await self._socket.close(code=1012)


async def behind(visitor: Visitor) -> Network:
    network = Network()
    await visitor.page.route_web_socket("**/socket/**", network.connect)
    await visitor.page.route("**/socket/longpoll*", network.poll)
    await visitor.page.reload()
    await expect(visitor.page.locator("#here-count")).to_have_text(re.compile("^[1-9]"), timeout=TIMEOUT_MS)  # joined
    return network


def pending(visitor: Visitor) -> Locator:
    return visitor.page.locator("#pending")


async def test_message_without_a_reply_reveals_a_dead_connection(
    in_class: InClass,
) -> None:
    [ana] = await in_class("ana")
    network = await behind(ana)
    connection = ana.page.locator("#connection-state")
    with ana.outage():
        network.loses_all = True
        await ana.say("alguém me ouve?")
        await expect(pending(ana)).to_contain_text("Sending…")
        await expect(connection).to_have_text("Reconnecting…", timeout=NOTICED_MS)
        await expect(pending(ana)).to_contain_text("Waiting for the connection")
        await expect(ana.page.locator("#people-before")).to_be_visible()
        await ana.screenshot("reconnecting")
        network.loses_all = False
        await ana.look()
        await ana.sees("alguém me ouve?")
        await expect(pending(ana).locator("li")).to_have_count(0)
        await expect(ana.page.locator("#people-before")).to_be_hidden()


@pytest.mark.long
async def test_message_without_a_reply_is_sent_again_over_polls(in_class: InClass) -> None:
    ana, paula = await in_class("ana", "paula")
    network = await behind(ana)
    network.loses_answers = True
    await ana.say("devagar")
    await expect(pending(ana)).to_contain_text("Sending…")
    await expect(pending(ana)).to_contain_text("Trying again…", timeout=NOTICED_MS)
    await expect(ana.page.locator("#connection")).to_have_attribute("data-state", "online")
    network.loses_answers = False
    await paula.say("Recebi.")
    await ana.sees("devagar", "Recebi.")
    await expect(pending(ana).locator("li")).to_have_count(0)


@pytest.mark.long
async def test_messages_past_the_rate_wait_and_are_sent_in_order(in_class: InClass) -> None:
    [ana] = await in_class("ana")
    network = await behind(ana)
    network.loses_answers = True
    for number in range(1, 4):
        await ana.say(f"Linha {number}")
    await expect(pending(ana).get_by_text("Waiting to be sent")).to_have_count(2)
    await expect(pending(ana)).not_to_contain_text("connection")


@pytest.mark.long
async def test_pending_message_disappears_when_the_conversation_has_skipped_it(in_class: InClass) -> None:
    ana, paula = await in_class("ana", "paula")
    network = await behind(ana)
    with ana.outage():
        network.loses_answers = True
        await ana.say("lá em cima")
        await paula.sees("lá em cima")
        await network.cut()
        for number in range(1, 61):
            await paula.say(f"Exercício {number}.")
        await paula.sees("Exercício 60.")
        network.loses_answers = False
        network.is_up = True
        await ana.page.reload()  # begins with the newest 50, and sends again what was not answered
        await ana.sees("Exercício 60.")
        await expect(pending(ana).locator("li")).to_have_count(0, timeout=TIMEOUT_MS)
        await ana.screenshot("skipped")
