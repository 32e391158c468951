"""A small asyncio client of the Phoenix Channels protocol, for tests: one connection with awaitable replies.

    ws://…/websocket      ws://…/websocket?format=msgpack      http://…/longpoll

It keeps no topic state and does not reconnect: tests do this themselves.
"""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

import msgspec

from tests.carrier import Carrier, Gone, OnEnd, OnFrame
from tests.poll import Poll
from tests.websocket import WebSocket

Payload = dict[str, Any]
OnEvent = Callable[[str, str, Payload], None]
OnOk = Callable[[Payload], None]


@dataclass(frozen=True, slots=True)
class Patience:
    """A client's timeouts in seconds: after `reply` the connection counts as lost.

    `heartbeat`: the bounds of the random heartbeat interval, None for no heartbeats. `poll_pause`: the longest pause
    between a poll's answer and the next poll.
    """

    open: float = 20.0
    reply: float = 20.0
    heartbeat: tuple[float, float] | None = None
    poll_pause: float = 0.0


class ErrorReply(Exception):
    """The server replied with an error."""

    def __init__(self, response: Payload) -> None:
        super().__init__(f"{response.get('code')}: {response.get('message')}")
        self.response = response


class Connection:
    """One connection. Frames other than replies go to `on_event(topic, event, payload)`, in order."""

    def __init__(self, on_event: OnEvent, patience: Patience, *, in_message_pack: bool) -> None:
        self.ended = asyncio.Event()  # for the client: no callback runs after that
        self.is_cut = False
        self._on_event = on_event
        self._patience = patience
        self._format = msgspec.msgpack if in_message_pack else msgspec.json
        self._carrier: Carrier | None = None
        self._refs = 0
        self._waiting: dict[str, tuple[asyncio.Future[Payload], OnOk | None]] = {}
        self._join_refs: dict[str, str] = {}
        self._beating: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, url: str, on_event: OnEvent, patience: Patience | None = None) -> Self:
        """Connect to an address; raises `Refused`."""
        patience = patience or Patience()
        self = cls(on_event, patience, in_message_pack="format=msgpack" in url)
        self._carrier = await _carry(url, self._receive, lambda code: self._end(), patience)
        if patience.heartbeat is not None:
            self._beating = asyncio.create_task(self._beat(*patience.heartbeat))
        return self

    async def _beat(self, least: float, most: float) -> None:
        with suppress(Gone):
            while True:
                await asyncio.sleep(random.uniform(least, most))
                await self.request("phoenix", "heartbeat", {})

    def _receive(self, frame: bytes) -> None:
        _, ref, topic, event, payload = self._format.decode(frame)
        if event == "phx_reply" and ref is not None:
            self._answer(ref, payload)
        elif not self.ended.is_set():
            self._on_event(topic, event, payload)

    def _answer(self, ref: str, payload: Payload) -> None:
        future, on_ok = self._waiting.pop(ref, (None, None))
        if future is None or future.done():
            return
        if payload["status"] != "ok":
            future.set_exception(ErrorReply(payload["response"]))
            return
        if on_ok is not None:
            on_ok(payload["response"])
        future.set_result(payload["response"])

    def _end(self) -> None:
        self.ended.set()
        if self._beating is not None:
            self._beating.cancel()
        for future, _ in self._waiting.values():
            if not future.done():
                future.set_exception(Gone("the connection ended"))
        self._waiting.clear()

    # Requests

    async def join(self, topic: str, payload: Payload | None = None, on_ok: OnOk | None = None) -> Payload:
        """Join a topic; its pushes then carry this join's ref."""
        self._join_refs[topic] = str(self._refs + 1)
        return await self.request(topic, "phx_join", payload or {}, on_ok)

    async def request(self, topic: str, event: str, payload: Payload, on_ok: OnOk | None = None) -> Payload:
        """Push and return the response; raises `ErrorReply`, or `Gone` without a reply.

        `on_ok` is called with the response when it arrives, before any later frame is handled.
        """
        answer = self.start(topic, event, payload, on_ok)
        done, _ = await asyncio.wait([answer], timeout=self._patience.reply)
        if not done:
            self._give_up()
        return await answer

    def start(self, topic: str, event: str, payload: Payload, on_ok: OnOk | None = None) -> "asyncio.Future[Payload]":
        """Push and return a future of the response."""
        answer: asyncio.Future[Payload] = asyncio.get_running_loop().create_future()
        # Retrieves the exception: after a hang-up nobody awaits the future.
        answer.add_done_callback(lambda done: done.cancelled() or done.exception())
        if self._carrier is None or self.ended.is_set():
            answer.set_exception(Gone("the connection has ended"))
            return answer
        self._refs += 1
        self._waiting[str(self._refs)] = answer, on_ok
        self._carrier.send(self._format.encode([self._join_refs.get(topic), str(self._refs), topic, event, payload]))
        return answer

    def _give_up(self) -> None:
        # A cut connection stays open: the server must detect it by itself.
        if self.is_cut:
            self._end()
        else:
            self.drop()

    # Ending

    @property
    def close_code(self) -> int | None:
        """The server's close code, if it closed the connection."""
        return self._carrier.code if self._carrier is not None else None

    @property
    def closed(self) -> asyncio.Event:
        """Set when the transport is closed, after the closing handshake."""
        assert self._carrier is not None
        return self._carrier.gone

    @property
    def local_port(self) -> int:
        """The client's port, which identifies the WebSocket."""
        assert isinstance(self._carrier, WebSocket)
        return self._carrier.local_port

    def close(self) -> None:
        """Close in good order; no callback runs after that. Await `closed` before the event loop ends."""
        self._end()
        if self._carrier is not None:
            self._carrier.close()

    def drop(self) -> None:
        """Abort the connection without a close frame."""
        self._end()
        if self._carrier is not None:
            self._carrier.drop()

    def cut(self) -> None:
        """Stop all data in both directions; the client notices when a reply is overdue."""
        self.is_cut = True
        if self._carrier is not None:
            self._carrier.cut()


async def _carry(url: str, on_frame: OnFrame, on_end: OnEnd, patience: Patience) -> Carrier:
    address = urlsplit(url)
    assert address.hostname is not None
    assert address.port is not None
    where = (address.port, f"{address.path}?{address.query}", on_frame, on_end, patience.open)
    if address.scheme == "ws":
        return await WebSocket.open(*where, binary="format=msgpack" in address.query, host=address.hostname)
    return await Poll.open(*where, pause_seconds=patience.poll_pause, host=address.hostname)
