"""The unchanged stock client, npm `phoenix`, in Node; conversation.mjs has the steps and their checks."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.faults.network.fault import Fate
from tests.faults.network.proxy import Proxy
from tests.filter import Filter, Mode
from tests.interop.conftest import PAIRS
from tests.interop.node import PACKAGES, Told
from tests.interop.node import run as run_in_node
from tests.lousa import Lousa

pytestmark = pytest.mark.interop

Run = Callable[..., Told]


@pytest.fixture
def run(tokens: dict[str, str]) -> Run:
    """Return a function that runs a story with two clients, and returns its result."""

    def told(url: str, story: str, **options: Any) -> Told:
        return run_in_node(url, story, tokens=[tokens[login] for login in PAIRS[story]], **options)

    return told


# Before 1.8 the client's long-poll needs a browser; test_phoenix_browser covers it.
@pytest.mark.parametrize(
    ("package", "transport"),
    [(package, "websocket") for package in PACKAGES] + [(package, "longpoll") for package in PACKAGES[:2]],
)
def test_clients_chat_with_presence_and_reconnect(server: Lousa, run: Run, package: str, transport: str) -> None:
    told = run(server.url, "meet", package=package, transport=transport, older=package == "phoenix-1-7")
    assert told["longpoll"] == [transport == "longpoll"] * 2


@pytest.mark.parametrize("mode", ["refuse", "hang", "swallow"])
@pytest.mark.parametrize("package", ["phoenix", "phoenix-1-8"])
async def test_client_falls_back_to_polling_where_a_filter_blocks_websockets(
    lousa: Lousa, run: Run, package: str, mode: Mode
) -> None:
    async with Filter(lousa.port) as web_filter:
        web_filter.switch(mode)
        options = {"package": package, "count": 3, "fallback": 300, "timeout": 1000}
        told = await asyncio.to_thread(run, web_filter.url, "talk", **options)
    assert (told["longpoll"], told["kept"], web_filter.upgrades) == ([True, True], "true", 2)


@pytest.mark.parametrize("package", ["phoenix", "phoenix-1-8"])
async def test_positions_and_ids_prevent_loss_when_answers_are_lost(lousa: Lousa, run: Run, package: str) -> None:
    async with Proxy(lousa.port, seed=1) as proxy:
        proxy.turn(lambda chance, is_websocket: Fate(lose=0.1))
        options = {"package": package, "transport": "longpoll", "count": 8, "timeout": 500}
        told = await asyncio.to_thread(run, proxy.url, "talk", **options)
    assert proxy.done["answers lost"] > 2
    assert max(told["joins"]) > 1


async def test_positions_and_ids_prevent_loss_when_websockets_are_killed(lousa: Lousa, run: Run) -> None:
    async with Filter(lousa.port) as web_filter:
        web_filter.switch("kill")
        options = {"count": 30, "fallback": 300, "timeout": 500}
        told = await asyncio.to_thread(run, web_filter.url, "talk", **options)
    # After a first successful connection the client never falls back, as docs/clients.md says.
    assert told["longpoll"] == [False, False]
