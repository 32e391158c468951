"""`websockets`, with its own `broadcast`: the frame is made once and written to each client's transport."""

import asyncio
import json
import sys
import time
from collections import defaultdict
from typing import Any

from websockets.asyncio.server import ServerConnection, broadcast, serve

classes: defaultdict[str, set[ServerConnection]] = defaultdict(set)
seq = 0


async def handle(client: ServerConnection) -> None:
    """Serve one client."""
    joined: set[str] = set()
    try:
        async for message in client:
            join_ref, ref, topic, event, payload = json.loads(message)
            response: dict[str, Any] = {}
            if event == "phx_join":
                classes[topic].add(client)
                joined.add(topic)
            elif event == "message:send":
                response = send_to_all(topic, payload)
            await client.send(json.dumps([join_ref, ref, topic, "phx_reply", {"status": "ok", "response": response}]))
    finally:
        for topic in joined:
            classes[topic].discard(client)


def send_to_all(topic: str, payload: dict[str, Any]) -> dict[str, Any]:
    """Pass a message on to all of its class."""
    global seq  # noqa: PLW0603  # the program is one file
    seq += 1
    stamp = {"seq": seq, "at": time.time_ns() // 1_000_000}
    author = {"id": 1234, "name": "Student00001 Silva", "role": "student"}
    frame = json.dumps([None, None, topic, "message:sent", {**payload, "author": author, **stamp}])
    broadcast(classes[topic], frame)
    return stamp


async def main(port: int) -> None:
    """Serve until killed."""
    async with serve(handle, "127.0.0.1", port, ping_interval=None, backlog=4096) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
