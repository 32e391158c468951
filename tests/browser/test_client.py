"""The browser client itself, in a real browser against a real server that is killed under it.

The pages have no part in this: what the client hands over is compared with what it must be, 1, 2, 3 … n.
"""

import asyncio
import random
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from tests.browser.visitor import MATHS, Visitor
from tests.lousa import Lousa

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

# Begin to listen to the class whose title begins so, as a page would.
_LISTEN = """
async ([endpoint, title]) => {
  const {Socket} = await import("/static/client/socket.js");
  const socket = new Socket(endpoint, {user: endpoint});
  const mine = socket.channel("user:me");
  const topics = new Promise((resolve) => mine.onJoin(({response}) => resolve(response.topics)));
  mine.join();
  socket.connect();
  const {topic} = (await topics).find((each) => each.title.startsWith(title));
  const channel = socket.channel(topic, {present: true});
  const seen = {list: [], texts: [], lost: 0};
  const take = ({seq, text}) => {
    seen.list.push(seq);
    seen.texts.push(text);
  };
  channel.on("message:sent", take);
  channel.onJoin(({events, resumed}) => {
    if (!resumed) {
      seen.lost += seen.list.length;
      seen.list.length = seen.texts.length = 0;
    }
    events.forEach(({payload}) => take(payload));
  });
  await channel.join();
  window.client = {socket, channel, seen};
  return topic;
}
"""
_TALK = """
([name, everyMs]) => {
  let count = 0;
  window.client.said = [];
  window.client.timer = setInterval(() => {
    const text = `${name} ${count += 1}`;
    window.client.said.push(text);
    window.client.channel.send("message:send", {text});
  }, everyMs);
}
"""
_HUSH = "clearInterval(window.client.timer)"
_IS_DONE = "() => window.client.channel.unsent.length === 0"
_HAS = "seq => window.client.seen.list.at(-1) === seq"
_REPORT = "({...window.client.seen, said: window.client.said})"

# How often the server is killed.
ROUNDS = [2, pytest.param(8, marks=pytest.mark.long)]
LOGINS = {"ana": "/students/socket", "bruno": "/students/socket", "paula": "/teachers/socket"}


async def listener(browser: Browser, lousa: Lousa, login: str) -> Visitor:
    visitor = await Visitor.arrive(browser, lousa.url, login)
    await visitor.enter()
    # A document of this site without scripts, and without an icon, for which a browser asks of itself.
    await visitor.page.route("**/favicon.ico", lambda route: route.fulfill(status=204))
    await visitor.page.goto("/static/client/socket.js")
    await visitor.page.evaluate(_LISTEN, [LOGINS[login], MATHS])
    return visitor


async def report(page: Page, end: int) -> dict[str, Any]:
    await page.wait_for_function(_HAS, arg=end, timeout=60_000)
    found: dict[str, Any] = await page.evaluate(_REPORT)
    return found


@pytest.mark.parametrize("rounds", ROUNDS)
async def test_kills_lose_and_repeat_no_message(browser: Browser, lousa: Lousa, rounds: int) -> None:
    visitors = [await listener(browser, lousa, login) for login in LOGINS]
    with ExitStack() as outages:
        for visitor in visitors:
            outages.enter_context(visitor.outage())
            await visitor.page.evaluate(_TALK, [visitor.login, 300])
        for _ in range(rounds):
            await asyncio.sleep(random.uniform(0.3, 1.5))  # they talk; the server dies at no moment of theirs
            await asyncio.to_thread(lousa.kill)
            await asyncio.to_thread(lousa.start)
        for visitor in visitors:
            await visitor.page.evaluate(_HUSH)
            await visitor.look()
            await visitor.page.wait_for_function(_IS_DONE, timeout=60_000)
    said = [await visitor.page.evaluate("window.client.said") for visitor in visitors]
    for visitor in visitors:
        assert_complete(await report(visitor.page, sum(map(len, said))), said, rounds)
        visitor.check()


def assert_complete(seen: dict[str, Any], said: list[list[str]], rounds: int) -> None:
    """Everything, each once, and that of each author in the author's order."""
    assert seen["list"] == list(range(1, sum(map(len, said)) + 1))
    assert seen["lost"] == 0
    for texts in said:
        assert len(texts) > rounds, "there was something to lose"
        assert [text for text in seen["texts"] if text in texts] == texts
