"""A school served by one worker and by four, each started once; every scenario uses its own class."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path

import pytest

from tests.crew import Crew
from tests.lousa import Lousa
from tests.roster import PRINCIPAL, write_school
from tests.scenarios.participant import Participant, Way

# Two for each scenario on each transport, so that no two scenarios share students.
CLASSES = 200

# One for each transport: a user's rate of joins is limited, and one scenario joins more than a hundred topics.
TEACHERS = {Way.WEBSOCKET: "teacher1", Way.MESSAGE_PACK: "teacher2", Way.LONGPOLL: "teacher3"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the scenarios of one worker as long, but over one transport: four workers have the same transports."""
    for item in items:
        params = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        if params.get("site") == 1 and params.get("way", Way.WEBSOCKET) is not Way.WEBSOCKET:
            item.add_marker("long")


@dataclass(frozen=True)
class School:
    """A data folder to copy, and each user's token by login."""

    data_dir: Path
    tokens: dict[str, str]


@pytest.fixture(scope="session")
def school(tmp_path_factory: pytest.TempPathFactory) -> School:
    """Import a school of many small classes."""
    folder = tmp_path_factory.mktemp("scenarios")
    logins = write_school(folder / "roster", CLASSES, CLASSES, [*TEACHERS.values()])
    lousa = Lousa(folder / "data")
    lousa.run("roster", "import", str(folder / "roster"))
    return School(folder / "data", lousa.tokens(*logins, *TEACHERS.values(), PRINCIPAL))


class Site:
    """A running server of the school, and the participants connected to it."""

    def __init__(self, lousa: Lousa, tokens: dict[str, str]) -> None:
        self.lousa = lousa
        self.tokens = tokens
        self._numbers = count(0, 2)
        self._here: list[Participant] = []

    async def come(self, role: str, token: str, way: Way) -> Participant:
        """Connect with a token as a role; raises `Refused`."""
        self._here.append(await Participant.come(self.lousa, role, token, way))
        return self._here[-1]

    def lesson(self, way: Way) -> "Lesson":
        """Return a class with nobody in it yet."""
        return Lesson(self, next(self._numbers), way)

    async def empty(self) -> None:
        """Close the connections of all participants."""
        here, self._here = self._here, []
        await asyncio.gather(*(participant.close() for participant in here))


@pytest.fixture(scope="session")
def sites(school: School, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[int], Site]]:
    """Return a function that starts the site with `workers` workers once; it runs to the end of the session."""
    with ExitStack() as servers:

        @cache
        def serve(workers: int) -> Site:
            data_dir = tmp_path_factory.mktemp("served") / "data"
            shutil.copytree(school.data_dir, data_dir)
            lousa = Lousa(data_dir) if workers == 1 else Crew(data_dir, workers)
            return Site(servers.enter_context(lousa), school.tokens)

        yield serve


@pytest.fixture(params=[1, 4], ids=["1 worker", "4 workers"])
async def site(request: pytest.FixtureRequest, sites: Callable[[int], Site]) -> AsyncIterator[Site]:
    """Yield one of the sites; close all connections after the scenario."""
    site = sites(request.param)
    yield site
    await site.empty()


@pytest.fixture(params=list(Way), ids=lambda way: way.value)
def way(request: pytest.FixtureRequest) -> Way:
    """Return the transport and format of every participant in the scenario."""
    way: Way = request.param
    return way


class Lesson:
    """A class used by one scenario only: ana and bruno, a teacher and the principal, all over one transport."""

    def __init__(self, site: Site, number: int, way: Way) -> None:
        self.ana_login, self.bruno_login = f"student{number + 1:05}", f"student{number + 2:05}"
        self.title = f"Turma {number + 2}"
        self.other_title = f"Turma {(number + 50) % CLASSES + 1}"
        self._site = site
        self._way = way

    async def _come(self, role: str, login: str, way: Way | None) -> Participant:
        return await self._site.come(role, self._site.tokens[login], way or self._way)

    async def ana(self, way: Way | None = None) -> Participant:
        """Connect a student."""
        return await self._come("students", self.ana_login, way)

    async def bruno(self, way: Way | None = None) -> Participant:
        """Connect the other student."""
        return await self._come("students", self.bruno_login, way)

    async def teacher(self, way: Way | None = None) -> Participant:
        """Connect the teacher."""
        return await self._come("teachers", TEACHERS[self._way], way)

    async def principal(self, way: Way | None = None) -> Participant:
        """Connect the principal."""
        return await self._come("principal", PRINCIPAL, way)


@pytest.fixture
def lesson(site: Site, way: Way) -> Lesson:
    """Return a class with nobody in it yet."""
    return site.lesson(way)
