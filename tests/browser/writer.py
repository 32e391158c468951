"""Somebody who writes much in a class, without a browser."""

import json
from collections.abc import Iterable

from tornado.websocket import WebSocketClientConnection, websocket_connect

from tests.lousa import Lousa

# The mathematics class of 6º A is the demo school's first.
TOPIC = "class:1"
# Messages that wait for their replies: fewer than the server lets one connection queue.
AT_ONCE = 100


async def write(lousa: Lousa, login: str, texts: Iterable[str], *, role: str = "teachers") -> None:
    """Send these texts to the class, in order, and return when all are stored. The server must not bound the rate."""
    token = lousa.tokens(login)[login]
    socket = await websocket_connect(lousa.socket_url(role, token))
    try:
        await _push(socket, "1", "phx_join", {"present": False})
        waiting = {"1"}
        for ref, text in enumerate(texts, start=2):
            while len(waiting) >= AT_ONCE:
                waiting.discard(await _next_reply(socket))
            await _push(socket, str(ref), "message:send", {"text": text})
            waiting.add(str(ref))
        while waiting:
            waiting.discard(await _next_reply(socket))
    finally:
        socket.close()


async def _push(socket: WebSocketClientConnection, ref: str, event: str, payload: object) -> None:
    await socket.write_message(json.dumps(["1", ref, TOPIC, event, payload]))


async def _next_reply(socket: WebSocketClientConnection) -> str:
    while True:
        message = await socket.read_message()
        assert message is not None, "the server closed the connection"
        _, ref, _, event, payload = json.loads(message)
        if event == "phx_reply":
            assert payload["status"] == "ok", payload
            return str(ref)
