"""Runs every program in docs/clients.md unchanged, and checks what the page promises about it."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Self

import pytest

from tests.crew import wait_until
from tests.faults.network.fault import Fate
from tests.faults.network.proxy import Proxy
from tests.filter import Filter
from tests.interop.node import HERE
from tests.interop.poller import Poller
from tests.lousa import ROOT, Lousa
from tests.programs import program

pytestmark = pytest.mark.interop

DOCUMENT = (ROOT / "docs" / "clients.md").read_text()
PROGRAMS = dict(re.findall(r"^```\w+ (\S+)\n(.*?)^```$", DOCUMENT, re.M | re.S))

# The page says that these miss no message and retry pushes without a reply.
FAITHFUL = ["faithful.mjs", "faithful.py", "chat.py"]


class Program:
    """A running program from the page; its output is readable while it runs."""

    def __init__(self, name: str, url: str, token: str, topic: str, folder: Path) -> None:
        self._out = folder / f"{name}.out"
        given = {"LOUSA_URL": url, "LOUSA_TOKEN": token, "LOUSA_TOPIC": topic}
        with self._out.open("wb") as out:
            self._process = subprocess.Popen(
                _command(name), cwd=HERE, env=os.environ | given, stdout=out, stderr=subprocess.STDOUT
            )

    @property
    def printed(self) -> str:
        """The output so far."""
        return self._out.read_text()

    def prints(self, text: str) -> None:
        """Wait until the program has printed `text`."""
        wait_until(lambda: text in self.printed or self._process.poll() is not None)
        assert text in self.printed, self.printed

    def wait(self) -> int:
        """Wait until the program exits, and return its exit code."""
        return self._process.wait(20)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Kill the program."""
        self._process.kill()
        self._process.wait()


def _command(name: str) -> list[str]:
    program("curl")
    language = {
        "mjs": [program("node", "nodejs"), "--input-type=module", "--eval"],
        "py": [sys.executable, "-c"],
        "sh": [program("sh"), "-c"],
    }
    return [*language[name.rpartition(".")[2]], PROGRAMS[name]]


class Augusto:
    """A classmate of Alice, who receives her program's messages and sends others."""

    def __init__(self, poller: Poller) -> None:
        self._poller = poller
        # The first topic listed, because the programs use it too.
        self.topic = next(str(entry["topic"]) for entry in poller.join("user:me")["topics"])
        self._position = poller.join(self.topic)["seq"]

    def receives(self, text: str) -> None:
        """Wait for a message, and check its text."""
        assert self._poller.wait_for_event(self.topic, "message:sent")["text"] == text

    def sends(self, text: str) -> None:
        """Send a message."""
        assert self._poller.push(self.topic, "message:send", {"text": text})["status"] == "ok"

    @property
    def texts(self) -> list[str]:
        """The texts of all messages since he joined."""
        read = self._poller.push(self.topic, "history:read", {"after": self._position})["response"]
        return [event["payload"]["text"] for event in read["events"]]


@pytest.fixture
def augusto(lousa: Lousa, tokens: dict[str, str]) -> Iterator[Augusto]:
    """Connect Augusto by long-polling."""
    with closing(Poller(lousa.url, "students", access_token=tokens["augusto.aguiar"])) as poller:
        poller.open()
        yield Augusto(poller)


Run = Callable[..., Program]


@pytest.fixture
def run(tokens: dict[str, str], augusto: Augusto, tmp_path: Path) -> Iterator[Run]:
    """Return a function that runs a program from the page, as Alice or another user."""
    with ExitStack() as programs:

        def started(name: str, url: str, login: str = "alice.oliveira") -> Program:
            return programs.enter_context(Program(name, url, tokens[login], augusto.topic, tmp_path))

        yield started


def test_page_lists_the_expected_programs() -> None:
    assert sorted(PROGRAMS) == sorted(
        ["chat.mjs", "polls.mjs", "faithful.mjs", "listen.py", "faithful.py", "chat.py", "packed.py", "polls.sh"]
    )


@pytest.mark.parametrize("name", ["chat.mjs", "polls.mjs", "packed.py", "polls.sh"])
def test_chat_program_sends_and_receives(lousa: Lousa, run: Run, augusto: Augusto, name: str) -> None:
    alice = run(name, lousa.url)
    augusto.receives("Bom dia!")
    augusto.sends(f"Oi, {name}!")
    alice.prints(f"Oi, {name}!")
    if name == "chat.mjs":
        assert re.search("^here: .*Alice de Oliveira", alice.printed, re.M)


def test_listening_program_receives(lousa: Lousa, run: Run, augusto: Augusto) -> None:
    alice = run("listen.py", lousa.url)

    def has_printed() -> bool:
        augusto.sends("Oi, Alice!")
        return "Augusto Rezende Aguiar: Oi, Alice!" in alice.printed

    wait_until(has_printed)  # the program sends nothing, so Augusto repeats his message until it is printed


@pytest.mark.parametrize("name", FAITHFUL)
async def test_reliable_program_misses_and_repeats_nothing(lousa: Lousa, run: Run, augusto: Augusto, name: str) -> None:
    # The texts are unique, so that none of them is in the history.
    texts = [f"{text}, {name}" for text in ("Oi", "Você está aí", "Alice", "Até amanhã")]
    async with Proxy(lousa.port, seed=1) as proxy:
        alice = run(name, proxy.url)
        await asyncio.to_thread(augusto.receives, "Bom dia!")
        await asyncio.to_thread(augusto.sends, texts[0])
        await asyncio.to_thread(alice.prints, texts[0])
        proxy.turn(lambda chance, is_websocket: Fate(cut_up=0))
        await asyncio.to_thread(augusto.sends, texts[1])
        await asyncio.to_thread(augusto.sends, texts[2])
        proxy.turn(None)
        await asyncio.to_thread(alice.prints, texts[2])
        await asyncio.to_thread(augusto.sends, texts[3])
        await asyncio.to_thread(alice.prints, texts[3])
    assert augusto.texts == ["Bom dia!", *texts]
    printed = re.findall(r"^(Alice|Augusto) [^:]*: (.*)$", alice.printed, re.M)
    assert printed[-5:] == [("Alice", "Bom dia!"), *(("Augusto", text) for text in texts)]


async def test_reliable_javascript_program_falls_back_to_polling(lousa: Lousa, run: Run, augusto: Augusto) -> None:
    async with Filter(lousa.port) as web_filter:
        web_filter.switch("refuse")
        alice = run("faithful.mjs", web_filter.url)
        await asyncio.to_thread(augusto.receives, "Bom dia!")
        await asyncio.to_thread(augusto.sends, "Oi, filtro!")
        await asyncio.to_thread(alice.prints, "Augusto Rezende Aguiar: Oi, filtro!")


def test_reliable_javascript_program_exits_when_its_user_is_signed_out(
    lousa: Lousa, run: Run, augusto: Augusto
) -> None:
    bianca = run("faithful.mjs", lousa.url, "bianca.peixoto")
    augusto.receives("Bom dia!")
    lousa.run("user", "disable", "bianca.peixoto")
    assert bianca.wait() == 0
