"""A student whose messages must arrive: it retries each push under the same id and rejoins from its position.

It records everything that it sees in its diary and judges nothing.
"""

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass

from tests.carrier import Gone
from tests.faults.diary import Acknowledged, Diary, Joined, Message, Read, Received, Sent
from tests.phoenix import Connection, ErrorReply, Payload

# Delay between two attempts to connect while the server is down; shorter than in a browser, to keep rounds short.
RETRY_SECONDS = (0.02, 0.2)
HISTORY_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Habits:
    """How a student behaves, so that rounds differ: probabilities for each message that it sends."""

    hang_up: float = 0.0  # drop the connection right after the push, and retry on the next one
    repeat: float = 0.0  # push again although it was acknowledged
    pause_seconds: float = 0.0  # the longest pause between two messages


class Student:
    """One client of one topic."""

    def __init__(self, name: str, url: str, topic: str, *, seed: int, habits: Habits | None = None) -> None:
        self.diary = Diary(name)
        self.position: int | None = None
        self.acknowledged = 0
        self.pushes_again = 0
        self.holes = 0
        self._epoch: str | None = None
        self._url = url
        self._topic = topic
        self._random = random.Random(seed)
        self._habits = habits or Habits()
        self._pushed: set[str] = set()
        self._prefix = f"{name}-{seed}"
        self._connection: Connection | None = None
        self._opened: list[Connection] = []
        self._moved = asyncio.Event()

    async def connect(self) -> Connection:
        """Return a connection that has joined the topic; retry while the server is down."""
        while True:
            if self._connection is not None and not self._connection.ended.is_set():
                return self._connection
            try:
                self._connection = await self._come_back()
            except Gone:
                await asyncio.sleep(self._random.uniform(*RETRY_SECONDS))
            except ErrorReply as error:
                await self._wait_if_it_may_pass(error)

    async def _come_back(self) -> Connection:
        connection = await Connection.open(self._url, self._receive)
        self._opened.append(connection)
        since = self.position
        payload: Payload = {} if since is None else {"since": since, "epoch": self._epoch}
        try:
            await connection.join(self._topic, payload, lambda response: self._join(since, response))
        except BaseException:
            connection.close()
            raise
        return connection

    def _join(self, since: int | None, response: Payload) -> None:
        messages = [_message(event["payload"]) for event in response["events"]]
        self._epoch = response["epoch"]
        self.holes += not response["complete"]
        self.diary.entries.append(Joined(since, response["epoch"], response["seq"], response["complete"], messages))
        self._move(response["seq"])

    def _receive(self, topic: str, event: str, payload: Payload) -> None:
        if topic == self._topic and event == "message:sent":
            self.diary.entries.append(Received(_message(payload)))
            self._move(payload["seq"])

    def _move(self, position: int) -> None:
        self.position = position
        self._moved.set()

    async def send(self, count: int) -> None:
        """Send `count` messages, each until it is acknowledged."""
        for number in range(count):
            push_id = f"{self._prefix}-{number}"
            text = f"{push_id}: {'lousa ' * self._random.randrange(1, 20)}".strip()
            if self._random.random() < self._habits.hang_up:
                await self._push_and_hang_up(push_id, text)
            await self._push_until_acknowledged(push_id, text)
            if self._random.random() < self._habits.repeat:
                await self._push_until_acknowledged(push_id, text)
            await asyncio.sleep(self._random.uniform(0, self._habits.pause_seconds))

    async def _push_until_acknowledged(self, push_id: str, text: str) -> None:
        while True:
            connection = await self.connect()
            try:
                await self._push(connection, push_id, text)
                return
            except Gone:
                connection.close()
            except ErrorReply as error:
                await self._wait_if_it_may_pass(error)

    async def _push(self, connection: Connection, push_id: str, text: str) -> None:
        self.pushes_again += push_id in self._pushed
        self._pushed.add(push_id)
        self.diary.entries.append(Sent(push_id, text))
        payload = {"id": push_id, "text": text}
        await connection.request(self._topic, "message:send", payload, lambda reply: self._acknowledge(push_id, reply))

    async def _push_and_hang_up(self, push_id: str, text: str) -> None:
        connection = await self.connect()
        push = asyncio.ensure_future(self._push(connection, push_id, text))
        await asyncio.sleep(0)  # the push is written
        connection.close()
        with suppress(Gone, ErrorReply):
            await push

    def _acknowledge(self, push_id: str, response: Payload) -> None:
        self.diary.entries.append(Acknowledged(push_id, response["seq"]))
        self.acknowledged += 1

    async def _wait_if_it_may_pass(self, error: ErrorReply) -> None:
        if error.response["code"] not in ("overloaded", "unavailable", "too_fast"):
            raise error
        await asyncio.sleep(error.response.get("retry_after", 100) / 1000)

    async def follow_to(self, position: int) -> None:
        """Wait until this client has reached a position; reconnect whenever the connection ends."""
        while (self.position or 0) < position:
            connection = await self.connect()
            self._moved.clear()
            if (self.position or 0) >= position:
                return
            ended = asyncio.ensure_future(connection.ended.wait())
            moved = asyncio.ensure_future(self._moved.wait())
            await asyncio.wait((ended, moved), return_when=asyncio.FIRST_COMPLETED)
            ended.cancel()
            moved.cancel()

    async def read_after(self, after: int) -> None:
        """Read the history from a position to its end, as a client does after an incomplete join."""
        connection = await self.connect()
        more = True
        while more:
            response = await connection.request(self._topic, "history:read", {"after": after, "limit": HISTORY_LIMIT})
            messages = [_message(event["payload"]) for event in response["events"]]
            self.diary.entries.append(Read(after, messages))
            more = response["more"]
            after = messages[-1].seq if messages else after

    def stay_away_from(self, position: int, epoch: str) -> None:
        """Start from a position, like a client that has been offline since."""
        self.position, self._epoch = position, epoch

    async def close(self) -> None:
        """Close every connection and wait until its socket is closed."""
        for connection in self._opened:
            connection.close()
        await asyncio.gather(*(connection.closed.wait() for connection in self._opened))


def _message(payload: Payload) -> Message:
    return Message(payload["seq"], payload["id"], payload["author"]["name"].split()[0].lower(), payload["text"])
