"""npm `phoenix`, the stock client, unchanged, in Node: see conversation.mjs for what is done with it, and checked."""

from collections.abc import Callable
from functools import partial

import pytest

from tests.interop.node import PACKAGES, Told
from tests.interop.node import run as run_in_node
from tests.interop.web_filter import WebFilter, WebSockets
from tests.lousa import Lousa

pytestmark = pytest.mark.interop

Run = Callable[..., Told]


@pytest.fixture
def run(tokens: dict[str, str]) -> Run:
    """Return a function that lets Ana and Bruno do a story, and returns what it told."""
    return partial(run_in_node, tokens=[tokens["ana"], tokens["bruno"]])


# Before 1.8 the client's long-poll wants a browser; test_phoenix_browser has it.
@pytest.mark.parametrize(
    ("package", "transport"),
    [(package, "websocket") for package in PACKAGES] + [(package, "longpoll") for package in PACKAGES[:2]],
)
def test_they_chat_see_who_is_here_and_come_back(server: Lousa, run: Run, package: str, transport: str) -> None:
    told = run(server.url, "meet", package=package, transport=transport, older=package == "phoenix-1-7")
    assert told["longpoll"] == [transport == "longpoll"] * 2


@pytest.mark.parametrize("websockets", ["refuse", "hang", "starve"])
@pytest.mark.parametrize("package", ["phoenix", "phoenix-1-8"])
def test_they_fall_back_to_polls_where_a_filter_lets_no_websocket_through(
    lousa: Lousa, run: Run, package: str, websockets: WebSockets
) -> None:
    with WebFilter(lousa, websockets) as web_filter:
        told = run(web_filter.url, "talk", package=package, count=3, fallback=300, timeout=1000)
    assert (told["longpoll"], told["kept"], web_filter.upgrades) == ([True, True], "true", 2)


@pytest.mark.parametrize("package", ["phoenix", "phoenix-1-8"])
def test_who_keeps_positions_and_ids_misses_nothing_where_answers_are_lost(
    lousa: Lousa, run: Run, tokens: dict[str, str], package: str
) -> None:
    # Two of another class, where nobody minds that sessions given up are shown for a while.
    others = [tokens["alice.oliveira"], tokens["augusto.aguiar"]]
    with WebFilter(lousa, lose=0.1) as web_filter:
        options = {"package": package, "transport": "longpoll", "tokens": others, "count": 8, "timeout": 500}
        told = run(web_filter.url, "talk", **options)
    assert web_filter.lost > 2
    assert max(told["joins"]) > 1
