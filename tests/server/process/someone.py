"""A user in a class: records received messages in order, and reconnects."""

from typing import Any

from tests.crew import Crew
from tests.phoenix import Connection

Payload = dict[str, Any]

ROLES = {"ana": "students", "bruno": "students", "paula": "teachers", "diretora": "principal"}


class Someone:
    """One user with one connection at a time."""

    def __init__(self, crew: Crew, login: str, token: str) -> None:
        self.received: list[str] = []
        self.events: list[tuple[str, Payload]] = []
        self.topic = ""
        self.connection: Connection | None = None
        self._seq = 0
        self._crew, self._login, self._token = crew, login, token

    async def come(self, worker: int | None = None) -> None:
        """Join the class of ana, bruno and paula from the last position."""
        self.connection = await self._crew.connect(ROLES[self._login], self._token, self._on_event, worker)
        if not self.topic:
            joined = await self.connection.join("user:me")
            self.topic = next(each["topic"] for each in joined["topics"] if each["topic"].startswith("class:"))
        await self.connection.join(self.topic, {"since": self._seq} if self._seq else {}, self._catch_up)

    def _catch_up(self, joined: Payload) -> None:
        assert joined["complete"]
        for event in joined["events"]:
            self._on_event(self.topic, event["event"], event["payload"])

    def _on_event(self, topic: str, event: str, payload: Payload) -> None:
        self.events.append((event, payload))
        if event == "message:sent" and topic == self.topic:
            assert payload["seq"] == self._seq + 1, (self._login, self._seq, payload)
            self._seq = payload["seq"]
            self.received.append(payload["text"])

    async def say(self, text: str, push_id: str | None = None) -> Payload:
        """Send a message, and return its receipt."""
        assert self.connection is not None
        payload = {"text": text, **({"id": push_id} if push_id else {})}
        return await self.connection.request(self.topic, "message:send", payload)

    async def stay(self) -> None:
        """Reconnect whenever the connection ends."""
        while self.connection is not None:
            await self.connection.closed.wait()
            await self.come()

    async def leave(self) -> None:
        """Hang up."""
        if self.connection is not None:
            self.connection.close()
            await self.connection.closed.wait()

    def present(self) -> set[str]:
        """Return the names of those present in the class, by the events that this client received."""
        who: dict[str, str] = {}
        for event, payload in self.events:
            if event == "presence_state":
                who = {key: entry["user"]["name"] for key, entry in payload.items()}
            elif event == "presence_diff":
                for key in payload["leaves"]:
                    who.pop(key, None)
                who |= {key: entry["user"]["name"] for key, entry in payload["joins"].items()}
        return set(who.values())
