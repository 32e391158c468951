"""A browser, a school with passwords, and visitors of it."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from server.accounts.accounts import Accounts
from server.databases import Databases
from server.settings import database_urls
from tests.browser.visitor import HOMES, LAN_NAME, MATHS_PATH, PASSWORD, Visitor
from tests.chromium import open_chromium
from tests.conftest import made_once
from tests.lousa import Lousa

Visit = Callable[..., Awaitable[Visitor]]
InClass = Callable[..., Awaitable[list[Visitor]]]

SIGN_INS = "sign-ins.json"

# A name that is not this machine's to the browser: a plain http address as a school's network has.
_LAN = f"--host-resolver-rules=MAP {LAN_NAME} 127.0.0.1"


@pytest.fixture(scope="session")
def school_with_passwords(demo_school: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the demo school's data with the demo's password for those who visit: to be copied, not used.

    Each of them has signed in once; the cookies are beside the data.
    """

    def make(data_dir: Path) -> None:
        shutil.copytree(demo_school, data_dir)
        office = ("secretaria", "--role", "administrator", "--name", "Rosa Figueira")
        Lousa(data_dir).run("user", "create", *office, "--password-stdin", stdin=f"{PASSWORD}\n")
        for login in HOMES:
            Lousa(data_dir).run("user", "set-password", login, "--password-stdin", stdin=f"{PASSWORD}\n")
        (data_dir.parent / SIGN_INS).write_text(json.dumps(asyncio.run(_sign_in(data_dir))))

    return made_once(tmp_path_factory, "school-with-passwords", make)


async def _sign_in(data_dir: Path) -> dict[str, str]:
    databases = Databases(database_urls(data_dir))
    accounts = Accounts(databases.sessions("accounts"))
    secrets = {login: await accounts.local.sign_in(login, PASSWORD, "127.0.0.1") for login in HOMES}
    accounts.close()
    await databases.dispose()
    return secrets


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
async def visit(browser: Browser, lousa: Lousa, school_with_passwords: Path) -> AsyncIterator[Visit]:
    """Return a function that opens a page of somebody in a browser of their own; in the end nothing may be wrong.

    Who comes again, on another device, goes through the sign-in page.
    """
    visitors: list[Visitor] = []
    secrets: dict[str, str] = json.loads((school_with_passwords.parent / SIGN_INS).read_text())

    async def arrive(login: str, *, url: str = lousa.url, path: str = "", **options: Any) -> Visitor:
        visitors.append(visitor := await Visitor.arrive(browser, url, login, **options))
        if login in secrets:
            await visitor.come_back(url, secrets.pop(login), path)
        elif login not in HOMES:
            await visitor.come_back(url, lousa.tokens(login)[login], path)
        else:
            await visitor.sign_in()
            if path:
                await visitor.go(path)
        if path == MATHS_PATH:
            await visitor.wait_until_joined()
        return visitor

    yield arrive
    for visitor in visitors:
        visitor.check()


@pytest.fixture
def in_class(visit: Visit) -> InClass:
    """Return a function that lets each of these people open the mathematics class of 6º A."""

    async def go(*logins: str) -> list[Visitor]:
        return [await visit(login, path=MATHS_PATH) for login in logins]

    return go
