"""Somebody who writes much in a class, without a browser."""

import json
from collections.abc import Iterable

from tornado.websocket import websocket_connect

from tests.lousa import Lousa

# The mathematics class of 6º A is the demo school's first.
TOPIC = "class:1"


async def write(lousa: Lousa, login: str, texts: Iterable[str], *, role: str = "teachers") -> None:
    """Send these texts to the class, in order, and return when all are stored. The server must not bound the rate."""
    token = lousa.tokens(login)[login]
    socket = await websocket_connect(lousa.socket_url(role, token))
    await socket.write_message(json.dumps(["1", "1", TOPIC, "phx_join", {"present": False}]))
    refs = set()
    for number, text in enumerate(texts, start=2):
        refs.add(str(number))
        await socket.write_message(json.dumps(["1", str(number), TOPIC, "message:send", {"text": text}]))
    while refs:
        message = await socket.read_message()
        assert message is not None, "the server closed the connection"
        _, ref, _, event, payload = json.loads(message)
        if event == "phx_reply" and ref in refs:
            assert payload["status"] == "ok", payload
            refs.remove(ref)
    socket.close()
