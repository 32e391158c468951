"""A school and its servers, started once for all of these tests, as clients meet a server that others have used."""

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.crew import Crew
from tests.interop.pages import PageServer
from tests.interop.poller import Body, Poller
from tests.lousa import Lousa

# Tests say in a moment what a class says in a lesson.
OPTIONS = ("--push-rate", "1000")

ROLES = {
    "ana": "students",
    "bruno": "students",
    "andre.nogueira": "students",
    "amanda.melo": "students",
    "arua.rodrigues": "students",
    "alice.oliveira": "students",
    "augusto.aguiar": "students",
    "bianca.peixoto": "students",
    "paula": "teachers",
    "kenji.nakamura": "teachers",
    "diretora": "principal",
}


# Who does what conversation.mjs has. Those who talk over bad lines give up sessions that are shown for a while, so that
# they are in another class than those who meet and look at who is here.
PAIRS = {"meet": ("ana", "bruno"), "talk": ("alice.oliveira", "augusto.aguiar")}


class School(NamedTuple):
    """The demo school's data, to be copied, and a bearer token for each of `ROLES`."""

    data_dir: Path
    tokens: dict[str, str]


@pytest.fixture(scope="session")
def school(demo_school: Path, tmp_path_factory: pytest.TempPathFactory) -> School:
    """Return the school."""
    data_dir = tmp_path_factory.mktemp("interop-school") / "data"
    shutil.copytree(demo_school, data_dir)
    return School(data_dir, Lousa(data_dir).tokens(*ROLES))


@pytest.fixture(scope="session")
def tokens(school: School) -> dict[str, str]:
    """Return bearer tokens by login."""
    return school.tokens


@pytest.fixture(scope="session")
def pages() -> Iterator[PageServer]:
    """Serve the pages of another site, which the servers allow."""
    with PageServer() as server:
        yield server


@pytest.fixture(scope="session")
def make_server(
    school: School, pages: PageServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[int], Lousa]]:
    """Return a function that starts a server of so many workers, or returns the one that runs already."""
    servers: dict[int, Lousa] = {}
    with ExitStack() as running:

        def make(workers: int) -> Lousa:
            if workers not in servers:
                data_dir = tmp_path_factory.mktemp(f"workers-{workers}") / "data"
                shutil.copytree(school.data_dir, data_dir)
                crew = Crew(data_dir, workers, *OPTIONS, "--allowed-origin", pages.origin)
                servers[workers] = running.enter_context(crew)
            return servers[workers]

        yield make


@pytest.fixture(scope="session")
def lousa(make_server: Callable[[int], Lousa]) -> Lousa:
    """Return a server of one worker."""
    return make_server(1)


@pytest.fixture(params=[1, 4], ids=["one worker", "four workers"])
def server(request: pytest.FixtureRequest, make_server: Callable[[int], Lousa]) -> Lousa:
    """Return a server of one worker, then one of four, any of which may answer a request."""
    return make_server(request.param)


OpenPoll = Callable[..., Poller]


@pytest.fixture
def open_poll(server: Lousa, tokens: dict[str, str]) -> Iterator[OpenPoll]:
    """Return a function that opens somebody's long-poll session; all are ended at the end."""
    with ExitStack() as pollers:

        def opened(login: str, **parameters: str) -> Poller:
            poller = Poller(server.url, ROLES[login], access_token=tokens[login], **parameters)
            poller.open()
            return pollers.enter_context(closing(poller))

        yield opened


# What takes its time is begun for both servers at once, while other tests run, and looked at in test_silence.


class Slow(NamedTuple):
    """What a server does that is left alone: about a poll that finds nothing, and a session that is not polled."""

    silence: "Future[tuple[Body, Body]]"
    absence: "Future[Body]"


@pytest.fixture(scope="session")
def slow(make_server: Callable[[int], Lousa], tokens: dict[str, str]) -> Iterator[dict[str, Slow]]:
    """Return the futures by the servers' addresses."""
    servers = [make_server(1), make_server(4)]
    with ThreadPoolExecutor() as threads:
        yield {
            server.url: Slow(threads.submit(_be_silent, server, tokens), threads.submit(_stay_away, server, tokens))
            for server in servers
        }


def _be_silent(server: Lousa, tokens: dict[str, str]) -> tuple[Body, Body]:
    with closing(Poller(server.url, "teachers", access_token=tokens["paula"])) as poller:
        return poller.open(), poller.poll()


def _stay_away(server: Lousa, tokens: dict[str, str]) -> Body:
    away = Poller(server.url, "students", access_token=tokens["amanda.melo"])
    with closing(Poller(server.url, "students", access_token=tokens["arua.rodrigues"])) as witness:
        away.open()
        witness.open()
        topic = witness.class_topic("6º B · Matemática")
        witness.join(topic)
        user = str(away.join("user:me")["user"]["id"])
        away.join(topic)
        witness.wait_for(lambda frame: frame[3] == "presence_diff" and user in frame[4]["leaves"])
        return away.poll()
