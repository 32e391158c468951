"""A start in an empty folder: the console prints a code, with which the first page makes the administrator."""

import asyncio
import re
from http import HTTPStatus
from pathlib import Path

from tests.lousa import Lousa
from tests.server.views.visitor import Visitor

PATH = "/accounts/first-administrator"


async def opened(lousa: Lousa, times: int) -> list[str]:
    """Wait until the server has opened for the nth time; return the codes that its console has shown."""
    async with asyncio.timeout(30):
        while lousa.log.count("Lousa is open") < times or not lousa.log.endswith("\n"):
            await asyncio.sleep(0.02)
    return re.findall(r"with the code ([A-Z0-9-]{23})\.", lousa.log)


async def test_empty_installation_begins_with_its_first_administrator(tmp_path: Path) -> None:
    with Lousa(tmp_path / "data", serve_options=("--workers", "2")) as lousa:
        visitor = Visitor(lousa.url)
        assert (await visitor.get("/accounts/sign-in")).location == PATH
        await opened(lousa, 1)
        lousa.restart()
        old, code = await opened(lousa, 2)
        assert code not in re.sub(r"with the code .*", "", lousa.log)
        given = {"login": "rosa", "name": "Rosa", "password": "quatro paredes verdes", "school": "Escola"}
        refused = await visitor.post(PATH, code=old, **given)
        assert refused.status == HTTPStatus.UNAUTHORIZED
        assert refused.has("Start the server again")
        assert refused.has("Rosa")
        assert (await visitor.post(PATH, code=code, **given)).status == HTTPStatus.SEE_OTHER
        assert (await visitor.get("/")).location == "/administrators/"
        async with asyncio.timeout(10):  # the other worker reads the school's name within a second
            while not (await visitor.get("/administrators/")).has("Escola"):
                await asyncio.sleep(0.1)
        stranger = Visitor(lousa.url)
        assert (await stranger.post(PATH, code=code, **given)).status == HTTPStatus.UNAUTHORIZED
        assert (await stranger.get(PATH)).location == "/accounts/sign-in"
        assert (await stranger.get("/accounts/sign-in")).status == HTTPStatus.OK
        lousa.restart()
        assert await opened(lousa, 3) == [old, code]
