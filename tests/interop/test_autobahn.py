"""Autobahn's cases for WebSocket servers (by kosoku) against an echo over our own transport: RFC 6455, to the letter.

Left out are the cases of limits (9.*: messages of megabytes, which no client of ours sends) and of compression (12.*
and 13.*: it is not offered).
"""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, cast

import kosoku
import pytest
from tornado.web import Application
from tornado.websocket import WebSocketHandler, WebSocketProtocol, WebSocketProtocol13

from channels.engine.engine import Engine
from channels.limit import Limits
from channels.sessions.session import Session
from channels.transports.tornado_reading import SocketProtocol
from channels.transports.websocket import SocketTransport
from channels.wire.codec import JSON
from channels.wire.frames import BINARY, TEXT, as_frame
from server.process.tornado_http_server import Server
from tests.channels.support import ANA

LEFT_OUT = ["9.*", "12.*", "13.*"]
# Case 2.* and 5.* have at most 64 KiB in a message; so has a frame of ours.
MAX_BYTES = 128 * 1024


class Echo:
    """An engine that sends each message back, without a budget."""

    def connect(self) -> Session:
        return Session(ANA, JSON, Limits(push_rate=0), 0.0, self)

    def handle(self, session: Session, message: str | bytes) -> None:
        is_text = isinstance(message, str)
        session.offer(as_frame(TEXT if is_text else BINARY, message.encode() if isinstance(message, str) else message))

    def wake(self, session: Session) -> None:
        if session.transport is not None:
            asyncio.get_running_loop().call_soon(session.transport.flush)

    def place(self, session: Session) -> None:
        """Broadcasts are not tested here."""

    def touch(self, session: Session) -> None:
        session.touch(time.monotonic())

    def spend(self, session: Session, cost: float) -> None:
        session.spend(cost, time.monotonic())

    def settle(self, session: Session) -> None:
        """Nothing waits: each message is answered at once."""

    def disconnect(self, session: Session) -> None:
        session.transport = None


class EchoSocket(WebSocketHandler):
    """Does what `ChannelSocket` does, without a credential."""

    max_message_size = MAX_BYTES

    def get_websocket_protocol(self) -> WebSocketProtocol | None:
        protocol = super().get_websocket_protocol()
        return SocketProtocol(self, False, protocol.params) if isinstance(protocol, WebSocketProtocol13) else None

    def open(self, *args: str, **kwargs: str) -> None:
        assert isinstance(self.ws_connection, SocketProtocol)
        engine = Echo()
        session = engine.connect()
        transport = SocketTransport(cast(Engine, engine), session, self.ws_connection)
        self.ws_connection.handler = session.transport = transport


@pytest.fixture
async def echo() -> AsyncIterator[str]:
    """Serve an echo, and return its address."""
    server = Server(Application([("/", EchoSocket)], log_function=lambda handler: None))
    server.listen(0, "127.0.0.1")
    port = next(iter(server._sockets.values())).getsockname()[1]
    yield f"ws://127.0.0.1:{port}"
    await server.drain()


async def test_every_case_of_autobahn_passes_strictly(echo: str) -> None:
    results = await verdicts(echo)
    others = {case: verdict for case, verdict in results.items() if set(verdict) - {"OK", "INFORMATIONAL"}}
    assert others == {}
    assert len(results) == 247


async def verdicts(url: str) -> dict[str, tuple[str, str]]:
    """Run the cases, and return what Autobahn says of each: of the messages, and of the close."""
    found: list[Any]
    try:
        found = await kosoku.run_fuzzingclient(url, None, LEFT_OUT, concurrency=8)
    except kosoku.FailureError as failure:
        found = failure.results
    return {each.case_id: (each.behavior.value, each.behavior_close.value) for each in found}
