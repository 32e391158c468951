"""Plain Tornado, as its own documentation leads to it: a set of clients, and `write_message` to each in a loop."""

import asyncio
import json
import sys
import time
from collections import defaultdict
from typing import Any

from tornado.web import Application
from tornado.websocket import WebSocketHandler


class Chat(WebSocketHandler):
    """One client."""

    classes: defaultdict[str, set["Chat"]] = defaultdict(set)  # noqa: RUF012  # shared on purpose
    seq = 0

    def open(self, *args: str, **kwargs: str) -> None:
        """Let small messages go out at once, as all other servers do."""
        self.set_nodelay(True)

    def on_message(self, message: str | bytes) -> None:
        """Answer, and pass a message on to all of its class."""
        join_ref, ref, topic, event, payload = json.loads(message)
        response: dict[str, Any] = {}
        if event == "phx_join":
            Chat.classes[topic].add(self)
        elif event == "message:send":
            response = self._send_to_all(topic, payload)
        self._write([join_ref, ref, topic, "phx_reply", {"status": "ok", "response": response}])

    def _send_to_all(self, topic: str, payload: dict[str, Any]) -> dict[str, Any]:
        Chat.seq += 1
        stamp = {"seq": Chat.seq, "at": time.time_ns() // 1_000_000}
        author = {"id": 1234, "name": "Student00001 Silva", "role": "student"}
        broadcast = json.dumps([None, None, topic, "message:sent", {**payload, "author": author, **stamp}])
        for member in Chat.classes[topic]:
            member.write_message(broadcast)
        return stamp

    def _write(self, frame: list[Any]) -> None:
        self.write_message(json.dumps(frame))

    def on_close(self) -> None:
        """Forget the client."""
        for members in Chat.classes.values():
            members.discard(self)


async def main(port: int) -> None:
    """Serve until killed."""
    Application([(r"/socket/websocket", Chat)]).listen(port, "127.0.0.1", backlog=4096)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
