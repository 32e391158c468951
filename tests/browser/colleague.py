"""Somebody in the school who uses a program, not a browser: for what happens while a browser is looked at."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.browser.visitor import HOMES, MATHS, TIMEOUT_MS
from tests.lousa import Lousa
from tests.phoenix import Connection, Payload


class Colleague:
    """One user over one connection, by the titles of their classes."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._topics: dict[str, str] = {}

    async def arrive(self) -> None:
        """Learn which classes they have."""
        joined = await self._connection.join("user:me")
        self._topics = {each["title"]: each["topic"] for each in joined["topics"]}

    async def open_class(self, title: str = MATHS, *, present: bool = True) -> None:
        """Join a class, where the others see them if they are `present`."""
        await self._connection.join(self._topics[title], {"present": present})

    async def wait_until_read(self, seq: int, title: str = MATHS) -> None:
        """Wait until the user has read a class up to a position, on whatever device."""
        async with asyncio.timeout(TIMEOUT_MS / 1000):
            while (await self._connection.join(self._topics[title], {"present": False}))["read"] < seq:
                await asyncio.sleep(0.2)

    async def leave_class(self, title: str = MATHS) -> None:
        """Leave a class."""
        await self._connection.request(self._topics[title], "phx_leave", {})

    async def say(self, *texts: str, title: str = MATHS) -> None:
        """Say these texts in a class that they have joined."""
        await self._push(title, "message:send", texts)

    async def announce(self, *texts: str, title: str = MATHS) -> None:
        """Announce these texts to a class that they have joined; 30 at once are within the rate."""
        await self._push(title, "announcement:send", texts)

    async def _push(self, title: str, event: str, texts: tuple[str, ...]) -> None:
        payloads: list[Payload] = [{"text": text} for text in texts]
        await asyncio.gather(*(self._connection.start(self._topics[title], event, payload) for payload in payloads))


@asynccontextmanager
async def colleague(lousa: Lousa, login: str) -> AsyncIterator[Colleague]:
    """Connect somebody."""
    token = (await asyncio.to_thread(lousa.tokens, login))[login]
    connection = await Connection.open(lousa.socket_url(HOMES[login].strip("/"), token), lambda *_: None)
    someone = Colleague(connection)
    await someone.arrive()
    yield someone
    connection.close()
    await connection.closed.wait()
