"""One user on one device: joins, pushes and received events, over any transport and format.

    ana = await Participant.come(lousa, "students", token, way)
    await ana.join(topic)
    await ana.say(topic, "Oi")
    await ana.sees(topic, "message:sent", text="Oi")

A participant keeps its positions, as every client should, and rejoins from them. Wait for an expected event with a
deadline far above its usual time; assert that an event is absent only after a later event has arrived.
"""

import asyncio
from collections.abc import Callable, Collection
from enum import StrEnum
from typing import Self

from tests.lousa import Lousa
from tests.phoenix import Connection, Patience, Payload

SECONDS = 20.0


class Way(StrEnum):
    """A transport with one of its formats."""

    WEBSOCKET = "WebSocket"
    MESSAGE_PACK = "WebSocket, MessagePack"
    LONGPOLL = "long-poll"


def url_of(lousa: Lousa, role: str, token: str, way: Way) -> str:
    """Return the URL of a role's endpoint."""
    if way is Way.LONGPOLL:
        return lousa.poll_url(role, token)
    return lousa.socket_url(role, token, **({"format": "msgpack"} if way is Way.MESSAGE_PACK else {}))


class Participant:
    """A connected user; `events` has all received events in order, as (topic, event, payload), without replies."""

    def __init__(self, url: str) -> None:
        self.events: list[tuple[str, str, Payload]] = []
        self.topics: dict[str, str] = {}
        self.user: Payload = {}
        self.positions: dict[str, int] = {}
        self.epoch = ""
        self._url = url
        self._connection: Connection | None = None

    @classmethod
    async def come(cls, lousa: Lousa, role: str, token: str, way: Way) -> Self:
        """Connect, and read the user and their topics from `user:me`."""
        self = cls(url_of(lousa, role, token, way))
        await self.connect()
        return self

    @property
    def connection(self) -> Connection:
        """The current connection, or the last one."""
        assert self._connection is not None
        return self._connection

    async def connect(self) -> None:
        """Connect and join `user:me`; raises `Refused`."""
        self._connection = await Connection.open(self._url, self._take, Patience(heartbeat=(3.0, 5.0)))
        me = await self.connection.join("user:me")
        self.user = me["user"]
        self.topics = {each["title"] or each["topic"]: each["topic"] for each in me["topics"]}

    def _take(self, topic: str, event: str, payload: Payload) -> None:
        self.events.append((topic, event, payload))
        if "seq" in payload and topic in self.positions:
            assert payload["seq"] == self.positions[topic] + 1, f"{payload} came at {self.positions[topic]}"
            self.positions[topic] = payload["seq"]

    # Topics

    async def join(self, topic: str, /, **parameters: object) -> Payload:
        """Join a topic and keep its position."""
        return await self.connection.join(topic, parameters, lambda reply: self._stand(topic, reply))

    def _stand(self, topic: str, reply: Payload) -> None:
        self.epoch = reply["epoch"]
        self.positions[topic] = reply["seq"]

    async def leave(self, topic: str) -> None:
        """Leave a topic."""
        await self.push(topic, "phx_leave")

    async def push(self, topic: str, event: str, /, **payload: object) -> Payload:
        """Push an event and return the response; raises `ErrorReply`."""
        return await self.connection.request(topic, event, payload)

    async def say(self, topic: str, text: str, /, **more: object) -> Payload:
        """Send a chat message and return the response."""
        return await self.push(topic, "message:send", text=text, **more)

    # Received events

    def seen(self, topic: str, event: str) -> list[Payload]:
        """Return the payloads of all received events of this name."""
        return [payload for its_topic, its_event, payload in self.events if (its_topic, its_event) == (topic, event)]

    def texts(self, topic: str) -> list[str]:
        """Return the texts of all received messages."""
        return [message["text"] for message in self.seen(topic, "message:sent")]

    async def sees(self, topic: str, event: str, /, **having: object) -> Payload:
        """Wait until an event with these values in its payload has been received, and return its payload."""
        found: list[Payload] = []

        def has_come() -> bool:
            found[:] = [each for each in self.seen(topic, event) if having.items() <= each.items()]
            return bool(found)

        await self.until(has_come, f"{event} {having} in {topic}")
        return found[0]

    async def reads(self, topic: str, *texts: str) -> None:
        """Wait until exactly these messages have been received."""
        await self.until(lambda: len(self.texts(topic)) >= len(texts), f"{len(texts)} messages")
        assert self.texts(topic) == [*texts]

    async def until(self, holds: Callable[[], bool], what: str, seconds: float = SECONDS) -> None:
        """Wait until `holds` returns True."""
        deadline = asyncio.get_running_loop().time() + seconds
        while not holds():
            assert asyncio.get_running_loop().time() < deadline, f"{self.user['name']} waits for {what}: {self.events}"
            await asyncio.sleep(0.005)

    def present(self, topic: str) -> dict[str, int]:
        """Return the number of connections by user name that a topic's presence shows."""
        shown: dict[str, tuple[str, set[str]]] = {}
        for its_topic, event, payload in self.events:
            if its_topic == topic and event == "presence_state":
                shown = {key: (entry["user"]["name"], _refs(entry)) for key, entry in payload.items()}
            elif its_topic == topic and event == "presence_diff":
                for key, entry in payload["joins"].items():
                    name, refs = shown.get(key, (entry["user"]["name"], set()))
                    shown[key] = name, refs | _refs(entry)
                for key, entry in payload["leaves"].items():
                    shown[key] = shown[key][0], shown[key][1] - _refs(entry)
        return {name: len(refs) for name, refs in shown.values() if refs}

    async def sees_present(self, topic: str, people: Collection["Participant"], seconds: float = SECONDS) -> None:
        """Wait until a topic's presence shows exactly these participants: a user once for each device."""
        expected: dict[str, int] = {}
        for each in people:
            expected[each.user["name"]] = expected.get(each.user["name"], 0) + 1
        await self.until(lambda: self.present(topic) == expected, f"{expected} to be present", seconds)

    # Disconnect and reconnect

    async def close(self) -> None:
        """Close the connection with a close frame."""
        if self._connection is not None:
            self._connection.close()
            await self._connection.closed.wait()

    def vanish(self) -> None:
        """Drop the connection without a close frame."""
        self.connection.drop()

    async def come_back(self) -> dict[str, Payload]:
        """Reconnect, rejoin each topic from its position, and return the replies by topic."""
        await self.connect()
        positions = self.positions.copy()
        return {topic: await self.join(topic, since=seq, epoch=self.epoch) for topic, seq in positions.items()}

    async def is_ended(self) -> int | None:
        """Wait until the server has closed the connection, and return the close code."""
        async with asyncio.timeout(SECONDS):
            await self.connection.ended.wait()
        return self.connection.close_code


def _refs(entry: Payload) -> set[str]:
    return {meta["phx_ref"] for meta in entry["metas"]}
