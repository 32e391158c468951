"""A class in which pupils write, for the benchmarks of pages; also what else goes on in a lesson."""

import asyncio
import json
import time
from collections.abc import Sequence
from typing import Any

from tornado.websocket import WebSocketClientConnection, websocket_connect

from bench.page_school import School
from tests.phoenix import Connection, Payload
from tests.roster import TEACHER

WRITERS = 10
HEARTBEAT_SECONDS = 30.0
TEXTS = (
    "Sim!",
    "Professora, não entendi a terceira questão da lista.",
    "Acho que o resultado é 42, mas não tenho certeza de como chegar lá sem a fórmula.",
    "Alguém pode explicar outra vez? Eu cheguei até a parte em que se divide pelos dois lados e depois me perdi, "
    "porque no caderno está diferente do que está no quadro.",
)

# In a lesson: so many hands are up and messages pinned; each message answers one so far back, which gets a reaction.
HANDS, PINS, BACK = 6, 2, 5
MESSAGE = "message:sent"
EMOJI = ("👍", "❤️", "🎉", "💡")
POLL = {"question": "Quanto é 7 × 8?", "options": ["54", "56", "63"]}


class Class:
    """A class in which pupils write: `send` keeps when each message left, by its position."""

    def __init__(self, sockets: Sequence[WebSocketClientConnection], topic: str) -> None:
        self._sockets = sockets
        self._topic = topic
        self.sent = 0
        self.sent_at: dict[int, float] = {}
        self._refs = self._count = 0
        # In a lesson: its teacher, and the positions of the messages that others answer.
        self._teacher: Connection | None = None
        self._answered: list[int] = []
        self._beating = asyncio.create_task(self._beat())

    @classmethod
    async def join(cls, school: School, number: int) -> "Class":
        """Join the class as some of its pupils."""
        topic = f"class:{number}"
        urls = [school.server.socket_url("students", token) for token in list(school.tokens.values())[:WRITERS]]
        sockets = [await websocket_connect(url, on_message_callback=_ignore) for url in urls]
        for socket in sockets:
            await socket.write_message(json.dumps(["1", "1", topic, "phx_join", {}]))
        return cls(sockets, topic)

    async def send(self, count: int, seconds: float = 0.0) -> None:
        """Send so many messages, evenly over a time; one after another without one."""
        begun = time.monotonic()
        for number in range(count):
            wait = begun + seconds * number / count - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            await self._send()

    async def begin_lesson(self, school: School) -> None:
        """Begin a lesson with hands, pins and a poll; from then on each message answers one, which gets a reaction."""
        for socket in self._sockets[:HANDS]:
            await self._push(socket, "hand:raise", {})
        teacher = await Connection.open(school.server.socket_url("teachers", school.tokens[TEACHER]), self._heard)
        joined = await teacher.join(self._topic)
        self._answered = [each["payload"]["seq"] for each in joined["events"] if each["event"] == MESSAGE][-BACK:]
        for target in self._answered[:PINS]:
            await teacher.request(self._topic, "message:pin", {"target": target})
        await teacher.request(self._topic, "lesson:start", {})
        await teacher.request(self._topic, "poll:open", POLL)
        self._teacher = teacher

    def _heard(self, _topic: str, event: str, payload: Payload) -> None:
        # Reactions have positions, too: in a lesson only the server knows which a message has.
        if event == MESSAGE:
            self._answered.append(payload["seq"])
            self.sent = payload["seq"]
            self.sent_at[self.sent] = time.time()

    async def _send(self) -> None:
        # In blocks of three, as people write.
        self._count += 1
        socket = self._sockets[self._count // 3 % len(self._sockets)]
        payload: Payload = {"text": f"{self._count}: {TEXTS[self._count % len(TEXTS)]}"}
        if self._answered:
            payload["reply_to"] = target = self._answered[-BACK]
            await self._push(socket, "message:react", {"target": target, "emoji": EMOJI[self._count % len(EMOJI)]})
        else:
            self.sent += 1
            self.sent_at[self.sent] = time.time()
        await self._push(socket, "message:send", payload)

    async def _push(self, socket: WebSocketClientConnection, event: str, payload: Payload) -> None:
        self._refs += 1
        await socket.write_message(json.dumps(["1", f"push-{self._refs}", self._topic, event, payload]))

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            for socket in self._sockets:
                await socket.write_message(json.dumps([None, "beat", "phoenix", "heartbeat", {}]))

    def close(self) -> None:
        """Close all sockets."""
        self._beating.cancel()
        if self._teacher is not None:
            self._teacher.close()
        for socket in self._sockets:
            socket.close()


def _ignore(*_: Any) -> None:
    # What the others wrote.
    pass
