"""python-socketio: a room for each class, in an ASGI application that uvicorn serves."""

import sys
import time
from typing import Any

import socketio
import uvicorn

# Pings are the server's, and would come in the middle of a measurement.
HOUR_SECONDS = 3600

server = socketio.AsyncServer(async_mode="asgi", ping_interval=HOUR_SECONDS, cors_allowed_origins=[])
seq = 0


@server.on("phx_join")  # type: ignore[untyped-decorator]
async def join(client: str, topic: str) -> dict[str, Any]:
    """Let a client into the room of a class."""
    await server.enter_room(client, topic)
    return {}


@server.on("message:send")  # type: ignore[untyped-decorator]
async def send(client: str, topic: str, payload: dict[str, Any]) -> dict[str, Any]:
    """Pass a message on to all of its class."""
    global seq  # noqa: PLW0603  # the program is one file
    seq += 1
    stamp = {"seq": seq, "at": time.time_ns() // 1_000_000}
    author = {"id": 1234, "name": "Student00001 Silva", "role": "student"}
    await server.emit("message:sent", {"topic": topic, **payload, "author": author, **stamp}, room=topic)
    return stamp


if __name__ == "__main__":
    application = socketio.ASGIApp(server)
    uvicorn.run(
        application,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        ws_ping_interval=None,
        access_log=False,
        log_level="warning",
        backlog=4096,
    )
