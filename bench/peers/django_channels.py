"""Django Channels: a consumer for each client, a group for each class, served by uvicorn.

    django_channels.py PORT [REDIS_URL]

Without a Redis the layer is the one in memory, which its documentation has for tests and for one process only.
"""

import json
import sys
import time
from typing import Any

import django
import uvicorn
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.urls import path

# A layer drops what a client has not taken beyond its capacity (100 unless told otherwise): enough that nothing is.
CAPACITY = 100_000

seq = 0


class Chat(AsyncWebsocketConsumer):
    """One client."""

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Answer, and pass a message on to all of its class."""
        join_ref, ref, topic, event, payload = json.loads(text_data or "")
        response: dict[str, Any] = {}
        if event == "phx_join":
            await self.channel_layer.group_add(group(topic), self.channel_name)
        elif event == "message:send":
            response = await self.send_to_all(topic, payload)
        await self.send(json.dumps([join_ref, ref, topic, "phx_reply", {"status": "ok", "response": response}]))

    async def send_to_all(self, topic: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Hand the message to the layer."""
        global seq  # noqa: PLW0603  # the program is one file
        seq += 1
        stamp = {"seq": seq, "at": time.time_ns() // 1_000_000}
        author = {"id": 1234, "name": "Student00001 Silva", "role": "student"}
        frame = json.dumps([None, None, topic, "message:sent", {**payload, "author": author, **stamp}])
        await self.channel_layer.group_send(group(topic), {"type": "chat.message", "frame": frame})
        return stamp

    async def chat_message(self, event: dict[str, str]) -> None:
        """Take a message from the layer."""
        await self.send(event["frame"])


def group(topic: str) -> str:
    """Name the group of a class; a colon is not allowed there."""
    return topic.replace(":", ".")


def main(port: int, redis: str | None) -> None:
    """Serve until killed."""
    layer: dict[str, Any] = {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": {"capacity": CAPACITY}}
    if redis:
        # Its blocking reads last 5 s, which is also redis-py's own patience since version 8.
        hosts = [{"address": redis, "socket_timeout": None}]
        layer = {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            "CONFIG": {"hosts": hosts, "capacity": CAPACITY},
        }
    settings.configure(SECRET_KEY="none", ALLOWED_HOSTS=["*"], CHANNEL_LAYERS={"default": layer})
    django.setup()
    application = ProtocolTypeRouter({"websocket": URLRouter([path("socket/websocket", Chat.as_asgi())])})
    uvicorn.run(
        application,
        host="127.0.0.1",
        port=port,
        lifespan="off",
        ws_ping_interval=None,
        access_log=False,
        log_level="warning",
        backlog=4096,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None)
