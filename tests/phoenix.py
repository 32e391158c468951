"""A small asyncio client of the Phoenix Channels protocol, for tests: one WebSocket, replies to whoever asked.

It keeps no state of topics and does not reconnect: that is what the tests that use it are about.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any, Self

from tornado.httpclient import HTTPError, HTTPRequest
from tornado.websocket import WebSocketClientConnection, WebSocketClosedError, websocket_connect

Payload = dict[str, Any]

# Generous: a reply that takes longer is treated as lost, and the connection with it.
REPLY_SECONDS = 20.0


class Gone(Exception):
    """The connection ended, or did not come about, before what was asked for was answered."""


class ErrorReply(Exception):
    """The server answered with an error."""

    def __init__(self, response: Payload) -> None:
        super().__init__(f"{response.get('code')}: {response.get('message')}")
        self.response = response


class Connection:
    """One connection. Everything that is not a reply goes to `on_event(topic, event, payload)`, in order."""

    def __init__(self, on_event: Callable[[str, str, Payload], None]) -> None:
        self._on_event = on_event
        self._socket: WebSocketClientConnection | None = None
        self._ref = 0
        self._waiting: dict[str, tuple[asyncio.Future[Payload], Callable[[Payload], None] | None]] = {}
        self._join_refs: dict[str, str] = {}
        self.ended = asyncio.Event()  # for us: nothing of it is seen any more
        self.closed = asyncio.Event()  # for the network: Tornado lets the other side say goodbye, for at most 5 s

    @classmethod
    async def open(cls, url: str, on_event: Callable[[str, str, Payload], None]) -> Self:
        """Connect; raises `Gone` where nobody listens or the server refuses."""
        self = cls(on_event)
        try:
            request = HTTPRequest(url, connect_timeout=REPLY_SECONDS, request_timeout=REPLY_SECONDS)
            self._socket = await websocket_connect(request, on_message_callback=self._receive)
        except (OSError, HTTPError, WebSocketClosedError) as error:
            self.closed.set()
            raise Gone(str(error)) from error
        if self.ended.is_set():
            self._end()
        return self

    def _receive(self, frame: str | bytes | None) -> None:
        if frame is None:
            self.closed.set()
            self._end()
        if self.ended.is_set() or frame is None:
            return  # we have hung up: what still comes is not ours any more
        _, ref, topic, event, payload = json.loads(frame)
        if event == "phx_reply" and ref is not None:
            self._answer(ref, payload)
        else:
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
        for future, _ in self._waiting.values():
            if not future.done():
                future.set_exception(Gone("the connection ended"))
        self._waiting.clear()
        if self._socket is not None:
            self._socket.close()  # Tornado wants to be told even where the other side has gone

    async def join(
        self, topic: str, payload: Payload | None = None, on_ok: Callable[[Payload], None] | None = None
    ) -> Payload:
        """Join a topic; its pushes then carry this join's ref."""
        self._join_refs[topic] = str(self._ref + 1)
        return await self.request(topic, "phx_join", payload or {}, on_ok)

    async def request(
        self, topic: str, event: str, payload: Payload, on_ok: Callable[[Payload], None] | None = None
    ) -> Payload:
        """Push and return the response; raises `ErrorReply`, or `Gone` where no answer came.

        `on_ok` is called with the response at the moment in which it comes, before any later frame is looked at.
        """
        self._ref += 1
        ref = str(self._ref)
        future: asyncio.Future[Payload] = asyncio.get_running_loop().create_future()
        self._write([self._join_refs.get(topic), ref, topic, event, payload])
        self._waiting[ref] = (future, on_ok)
        try:
            return await asyncio.wait_for(future, REPLY_SECONDS)
        except TimeoutError:
            raise Gone(f"no answer to {event} within {REPLY_SECONDS} s") from None

    def _write(self, frame: list[Any]) -> None:
        if self._socket is None or self.ended.is_set():
            raise Gone("the connection ended")
        try:
            # The future only tells when it was flushed; a failure shows as the end of the connection.
            self._socket.write_message(json.dumps(frame)).add_done_callback(lambda future: future.exception())
        except WebSocketClosedError as error:
            self._end()
            raise Gone(str(error)) from error

    @property
    def close_code(self) -> int | None:
        """The code with which the server closed the connection, if it did."""
        return self._socket.close_code if self._socket is not None else None

    @property
    def local_port(self) -> int:
        """Our port, by which the connection can be told from others."""
        assert self._socket is not None
        assert self._socket.protocol is not None
        assert self._socket.protocol.stream is not None
        port: int = self._socket.protocol.stream.socket.getsockname()[1]
        return port

    def close(self) -> None:
        """End the connection: from here on nothing of it is seen. Await `closed` before the event loop ends."""
        self._end()
