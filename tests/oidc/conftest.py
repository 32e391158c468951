"""One school with two providers that others have written, shared by all of these tests, and a browser."""

import json
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.chromium import open_chromium
from tests.lousa import Lousa
from tests.oidc.node import StrictProvider
from tests.programs import free_port

PASSWORD = "lousa-demo"

_FILE = """
address = "{address}"

[providers.escola]
title = "Escola"
issuer = "{strict}"
client_id = "lousa"
client_secret = "a secret: with + and %"

[providers.municipio]
title = "Município"
issuer = "{mock}"
client_id = "lousa-2"
client_secret = "another"
claim = "email"
domains = ["escola.example"]
"""


class School(NamedTuple):
    """A running Lousa, and its providers."""

    lousa: Lousa
    strict: StrictProvider


@contextmanager
def _mock() -> Iterator[str]:
    """Run PyPI's oidc-provider-mock, whose user Bruno has a verified address; return where it is."""
    port = free_port()
    bruno = {"sub": "bruno's number", "email": "bruno@escola.example", "email_verified": True}
    options = ["--port", str(port), "--user-claims", json.dumps(bruno)]
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield f"http://localhost:{port}"
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(scope="module")
def school(demo_school: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    """Run a school and its providers."""
    folder = tmp_path_factory.mktemp("oidc")
    shutil.copytree(demo_school, folder / "data")
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with _mock() as mock, StrictProvider(address, "escola") as strict:
        file = folder / "providers.toml"
        file.write_text(_FILE.format(address=address, strict=strict.issuer, mock=mock))
        lousa = Lousa(folder / "data", port=port, serve_options=("--providers", str(file)))
        lousa.run("user", "set-password", "ana", "--password-stdin", stdin=f"{PASSWORD}\n")
        with lousa:
            yield School(lousa, strict)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium() -> AsyncIterator[Browser]:
    """Run one Chromium for all of these tests; providers' pages ask in vain for fonts of elsewhere."""
    async with open_chromium("--host-resolver-rules=MAP fonts.googleapis.com 127.0.0.1:9") as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def page(chromium: Browser, school: School) -> AsyncIterator[Page]:
    """Return a page in a new browser; in the end none of Lousa's pages may have broken the policy."""
    context = await chromium.new_context(base_url=school.lousa.url, locale="en-US")
    context.set_default_timeout(15_000)
    problems: list[str] = []
    page = await context.new_page()
    page.on("console", lambda each: problems.append(each.text) if each.type == "error" else None)
    yield page
    await context.close()
    assert not [each for each in problems if "Content Security Policy" in each], problems
