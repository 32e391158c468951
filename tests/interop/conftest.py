"""A school and its servers, started once and shared by all of these tests, as real clients share a server."""

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

# A test sends in a second what a class sends in a lesson.
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


# The users of each story in conversation.mjs. The pair of "talk" abandons sessions, which stay in presence for a while;
# so it is in another class than the pair of "meet", which checks presence.
PAIRS = {"meet": ("ana", "bruno"), "talk": ("alice.oliveira", "augusto.aguiar")}


class School(NamedTuple):
    """The demo school's data folder, to copy, and a bearer token for each user in `ROLES`."""

    data_dir: Path
    tokens: dict[str, str]


@pytest.fixture(scope="session")
def school(demo_school: Path, tmp_path_factory: pytest.TempPathFactory) -> School:
    """Copy the demo school, and issue the tokens."""
    data_dir = tmp_path_factory.mktemp("interop-school") / "data"
    shutil.copytree(demo_school, data_dir)
    return School(data_dir, Lousa(data_dir).tokens(*ROLES))


@pytest.fixture(scope="session")
def tokens(school: School) -> dict[str, str]:
    """Return bearer tokens by login."""
    return school.tokens


@pytest.fixture(scope="session")
def pages() -> Iterator[PageServer]:
    """Serve pages from another origin, which the servers allow."""
    with PageServer() as server:
        yield server


@pytest.fixture(scope="session")
def make_server(
    school: School, pages: PageServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[int], Lousa]]:
    """Return a function that starts a server with `workers` workers, once for each number."""
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
    """Return a server with one worker."""
    return make_server(1)


@pytest.fixture(params=[1, 4], ids=["one worker", "four workers"])
def server(request: pytest.FixtureRequest, make_server: Callable[[int], Lousa]) -> Lousa:
    """Return a server with one worker, then one with four that share the requests."""
    return make_server(request.param)


OpenPoll = Callable[..., Poller]


@pytest.fixture
def open_poll(server: Lousa, tokens: dict[str, str]) -> Iterator[OpenPoll]:
    """Return a function that opens a user's long-poll session; all are closed at the end."""
    with ExitStack() as pollers:

        def opened(login: str, **parameters: str) -> Poller:
            poller = Poller(server.url, ROLES[login], access_token=tokens[login], **parameters)
            poller.open()
            return pollers.enter_context(closing(poller))

        yield opened


# Slow checks run for both servers in the background while other tests run; test_silence reads the results.


class Slow(NamedTuple):
    """Results about an idle client: of a poll without messages, and of a session that stops polling."""

    silence: "Future[tuple[Body, Body]]"
    absence: "Future[Body]"


@pytest.fixture(scope="session")
def slow(make_server: Callable[[int], Lousa], tokens: dict[str, str]) -> Iterator[dict[str, Slow]]:
    """Return the futures by the URL of their server."""
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
        away.wait_for(lambda frame: frame[3] == "presence_diff" and user in frame[4]["joins"])
        witness.wait_for(lambda frame: frame[3] == "presence_diff" and user in frame[4]["leaves"])
        return away.poll()
