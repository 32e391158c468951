"""Clients that long-poll workers without HTTP, for tests."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from channels.limit import Limits
from channels.member import Member
from channels.transports.poll_session import PollBounds
from channels.transports.poll_sessions import PollRequest, PollSessions, PushRequest
from channels.transports.poll_token import PollToken
from tests.channels.support import ANA, Frame, Worker

LIMITS = Limits(push_rate=0, max_outbox_bytes=20_000)

MakeRoom = Callable[..., Any]


class Place:
    """A worker with its poll sessions."""

    def __init__(self, worker: Worker, bounds: PollBounds, periods: dict[str, float]) -> None:
        self.worker = worker
        self.room = PollSessions(worker.engine, bounds, **periods)


class Poller:
    """A polling client: sends its token to each of the workers in turn."""

    def __init__(self, *places: Place, who: Member = ANA, owner: Place | None = None) -> None:
        self._places = places
        self._turn = 0
        self._role = who.user.role
        self.frames: list[Frame] = []
        opened = (owner or places[0]).room.open(who, 0, "127.0.0.1", in_objects=False)
        self.token: str = self._read(opened)["token"]

    def _read(self, body: bytes) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(body)
        return answer

    def _room(self) -> PollSessions:
        self._turn += 1
        return self._places[self._turn % len(self._places)].room

    def ask(self, request: Callable[[PollToken], Any]) -> "asyncio.Future[bytes]":
        room = self._room()
        token = room.read(self.token)
        assert token is not None
        return room.ask(token, request(token))

    def poll(self) -> "asyncio.Future[bytes]":
        return self.ask(lambda token: PollRequest(token.session, self._role, token.answer))

    async def answer(self, polling: "asyncio.Future[bytes] | None" = None) -> dict[str, Any]:
        """Wait for a poll's answer and keep its token for the next poll."""
        async with asyncio.timeout(20):
            answer = self._read(await (polling or self.poll()))
        if answer["status"] in (200, 204):
            self.token = answer["token"]
        self.frames += [tuple(json.loads(text)) for text in answer["messages"]]
        return answer

    async def push(self, *frames: list[Any]) -> dict[str, Any]:
        lines = [json.dumps(frame).encode() for frame in frames]
        async with asyncio.timeout(20):
            return self._read(await self.ask(lambda token: PushRequest(token.session, self._role, lines)))

    async def join(self, topic: str = "class:7", **params: Any) -> dict[str, Any]:
        assert await self.push(["1", "1", topic, "phx_join", params]) == {"status": 200}
        return await self.reply("1")

    async def reply(self, ref: str) -> dict[str, Any]:
        payload: dict[str, Any] = await self.until(lambda frame: frame[1] == ref and frame[3] == "phx_reply")
        return payload

    async def until(self, wanted: Callable[[Frame], bool]) -> Any:
        while True:
            for frame in self.frames:
                if wanted(frame):
                    return frame[4]
            await self.answer()

    async def say(self, text: str, ref: str = "9") -> dict[str, Any]:
        """Send a message, and return the answer to the push."""
        assert await self.push(["1", ref, "class:7", "message:send", {"text": text}]) == {"status": 200}
        return await self.reply(ref)

    def texts(self) -> list[str]:
        return [frame[4]["text"] for frame in self.frames if frame[3] == "message:sent"]


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(15):
        while not true():
            await asyncio.sleep(0.005)
