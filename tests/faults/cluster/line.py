"""A pupil's connection: requests and their answers, a heartbeat, and a deadline after which silence counts as death."""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self

import msgspec

from tests.faults.cluster.socket import Socket

Payload = dict[str, Any]

# A server that does not answer in this time is given up, and another worker tried. The journal answers within 5 s even
# where its database is away.
ANSWER_SECONDS = 6.0
OPEN_SECONDS = 5.0

# Much more often than browsers (30 s): a schedule is short, and what a client notices late delays only itself.
HEARTBEAT_SECONDS = (3.0, 5.0)


class Gone(Exception):
    """The line ended before the answer came."""


class ErrorReply(Exception):
    """The server answered with an error; `response` has its code."""

    def __init__(self, response: Payload) -> None:
        super().__init__(f"{response.get('code')}: {response.get('message')}")
        self.response = response


Taken = Callable[[Payload], None]


class Line:
    """One connection. What is no reply goes to `on_event(topic, event, payload)`, in order."""

    def __init__(self, on_event: Callable[[str, str, Payload], None]) -> None:
        self.ended = asyncio.Event()
        self.code: int | None = None
        self.is_cut = False
        self._on_event = on_event
        self._socket: Socket | None = None
        self._refs = 0
        self._join_refs: dict[str, str] = {}
        self._waiting: dict[str, tuple[asyncio.Future[Payload], Taken | None]] = {}
        self._beating: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, port: int, path: str, on_event: Callable[[str, str, Payload], None]) -> Self:
        """Connect; raises `socket.Refused`."""
        self = cls(on_event)
        self._socket = await Socket.open(port, path, self._receive, self._lose, OPEN_SECONDS)
        self._beating = asyncio.create_task(self._beat())
        return self

    async def _beat(self) -> None:
        with suppress(Gone):
            while True:
                await asyncio.sleep(random.uniform(*HEARTBEAT_SECONDS))
                await self.request("phoenix", "heartbeat", {})

    def _receive(self, text: bytes) -> None:
        _, ref, topic, event, payload = msgspec.json.decode(text)
        if event == "phx_reply" and ref is not None:
            self._answer(ref, payload)
        elif not self.ended.is_set():
            self._on_event(topic, event, payload)

    def _answer(self, ref: str, payload: Payload) -> None:
        future, taken = self._waiting.pop(ref, (None, None))
        if future is None or future.done():
            return
        if payload["status"] != "ok":
            future.set_exception(ErrorReply(payload["response"]))
            return
        if taken is not None:
            taken(payload["response"])
        future.set_result(payload["response"])

    def _lose(self, code: int | None) -> None:
        self.code = code
        self._end()

    def _end(self) -> None:
        self.ended.set()
        if self._beating is not None:
            self._beating.cancel()
        for future, _ in self._waiting.values():
            if not future.done():
                future.set_exception(Gone("the line ended"))
        self._waiting.clear()

    async def join(self, topic: str, payload: Payload, taken: Taken) -> Payload:
        """Join a topic; later requests carry this join's ref."""
        self._join_refs[topic] = str(self._refs + 1)
        return await self.request(topic, "phx_join", payload, taken)

    async def request(self, topic: str, event: str, payload: Payload, taken: Taken | None = None) -> Payload:
        """Ask; `taken` gets the answer at the moment in which it comes. Raises `ErrorReply` or `Gone`."""
        answer = self.start(topic, event, payload, taken)
        done, _ = await asyncio.wait([answer], timeout=ANSWER_SECONDS)
        if not done:
            self.give_up()
        return await answer

    def start(self, topic: str, event: str, payload: Payload, taken: Taken | None = None) -> "asyncio.Future[Payload]":
        """Send a request, and return its answer to come."""
        answer: asyncio.Future[Payload] = asyncio.get_running_loop().create_future()
        # Whoever hung up does not look at it.
        answer.add_done_callback(lambda done: done.cancelled() or done.exception())
        if self._socket is None or self.ended.is_set():
            answer.set_exception(Gone("the line has ended"))
            return answer
        self._refs += 1
        ref = str(self._refs)
        self._waiting[ref] = (answer, taken)
        self._socket.send(msgspec.json.encode([self._join_refs.get(topic), ref, topic, event, payload]))
        return answer

    def give_up(self) -> None:
        """Take the line for dead. One that was cut stays as it is: the server must find out by itself."""
        if not self.is_cut:
            self.drop()
        self._end()

    def drop(self) -> None:
        """Hang up without a word."""
        if self._socket is not None:
            self._socket.drop()
        self._end()

    def cut(self) -> None:
        """Let nothing pass any more; the pupil notices when an answer is overdue."""
        self.is_cut = True
        if self._socket is not None:
            self._socket.cut()
