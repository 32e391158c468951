"""A browser, a school with passwords, and visitors of it."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.browser.visitor import HOMES, LAN_NAME, PASSWORD, Visitor
from tests.chromium import open_chromium
from tests.conftest import made_once
from tests.lousa import Lousa

Visit = Callable[..., Awaitable[Visitor]]
InClass = Callable[..., Awaitable[list[Visitor]]]

# A name that is not this machine's to the browser: a plain http address as a school's network has.
_LAN = f"--host-resolver-rules=MAP {LAN_NAME} 127.0.0.1"


@pytest.fixture(scope="session")
def school_with_passwords(demo_school: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the demo school's data with the demo's password for those who visit: to be copied, not used."""

    def make(data_dir: Path) -> None:
        shutil.copytree(demo_school, data_dir)
        for login in HOMES:
            Lousa(data_dir).run("user", "password", login, "--password-stdin", stdin=f"{PASSWORD}\n")

    return made_once(tmp_path_factory, "school-with-passwords", make)


@pytest.fixture
def serve_options() -> tuple[str, ...]:
    """Return the options of the server; a module may have its own."""
    return ()


@pytest.fixture
def lousa(school_with_passwords: Path, tmp_path: Path, serve_options: tuple[str, ...]) -> Iterator[Lousa]:
    """Run a server with that school."""
    with ExitStack() as servers:
        data_dir = tmp_path / "data"
        shutil.copytree(school_with_passwords, data_dir)
        yield servers.enter_context(Lousa(data_dir, serve_options=serve_options))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """Run one Chromium for all of these tests: its start costs as much as a short test."""
    async with open_chromium(_LAN) as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def browser(chromium: Browser) -> AsyncIterator[Browser]:
    """Return the browser; the windows that the test opened are closed after it."""
    yield chromium
    for context in chromium.contexts:
        await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def visit(browser: Browser, lousa: Lousa) -> AsyncIterator[Visit]:
    """Return a function that signs somebody in, in a browser of their own; in the end nothing may have been wrong."""
    visitors: list[Visitor] = []

    async def arrive(login: str, *, url: str = lousa.url, **options: Any) -> Visitor:
        visitors.append(visitor := await Visitor.arrive(browser, url, login, **options))
        await visitor.sign_in()
        return visitor

    yield arrive
    for visitor in visitors:
        visitor.check()


@pytest.fixture
def in_class(visit: Visit) -> InClass:
    """Return a function that signs people in and lets each open the mathematics class of 6º A."""

    async def go(*logins: str) -> list[Visitor]:
        visitors = [await visit(login) for login in logins]
        for visitor in visitors:
            await visitor.open_class()
        return visitors

    return go
