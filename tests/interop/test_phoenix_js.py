"""npm `phoenix`, the stock client, unchanged, in Node: see conversation.mjs for what is done with it, and checked."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.interop.web_filter import WebFilter, WebSockets
from tests.lousa import Lousa
from tests.programs import ProgramMissing, program

pytestmark = pytest.mark.interop

HERE = Path(__file__).parent
PACKAGES = ["phoenix", "phoenix-1-8", "phoenix-1-7"]

Told = dict[str, Any]
Run = Callable[..., Told]


@pytest.fixture
def run(tokens: dict[str, str]) -> Run:
    """Return a function that lets Ana and Bruno do a story with a package's client, and returns what it told."""
    if not all((HERE / "node_modules" / package).is_dir() for package in PACKAGES):
        raise ProgramMissing("phoenix (npm)", "nodejs npm, then npm ci in tests/interop")
    node = program("node", "nodejs")

    def told(url: str, story: str, **options: Any) -> Told:
        given = {"url": url.replace("http", "ws"), "story": story, "tokens": [tokens["ana"], tokens["bruno"]]}
        command = [node, "phoenix_client.mjs", json.dumps(given | options)]
        done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{done.stdout}{done.stderr}"
        answer: Told = json.loads(done.stdout)
        return answer

    return told


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
    lousa: Lousa, run: Run, package: str
) -> None:
    with WebFilter(lousa, lose=0.1) as web_filter:
        told = run(web_filter.url, "talk", package=package, transport="longpoll", count=10, timeout=500)
    assert web_filter.lost > 2
    assert max(told["joins"]) > 1
