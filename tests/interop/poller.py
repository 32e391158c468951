"""Long-polling as it goes over the wire, with `urllib` and nothing else: what a program in any language would do.

Every request has a connection of its own, so that any worker may be the one that answers it.
"""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

Frame = list[Any]
Body = dict[str, Any]

MATHS = "6º A · Matemática"  # the class of ana, bruno, andre.nogueira and paula

# Longer than a poll is held.
SECONDS = 20.0


class Answer(NamedTuple):
    """An answer: HTTP's status, the headers by their names in small letters, the body as it came and as JSON."""

    http_status: int
    headers: dict[str, str]
    data: bytes
    body: Body


def request(
    url: str, method: str = "GET", body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """Make one request, and return whatever is answered."""
    asked = urllib.request.Request(url, body, headers=dict(headers or {}), method=method)
    try:
        answered = urllib.request.urlopen(asked, timeout=SECONDS)
    except urllib.error.HTTPError as error:
        answered = error
    with answered:
        data = answered.read()
        names = {name.lower(): value for name, value in answered.headers.items()}
        return Answer(answered.status, names, data, json.loads(data) if data else {})


class Poller:
    """One session of a role's long-poll. `token` is the newest: the one that says that everything has arrived."""

    def __init__(self, url: str, role: str, **parameters: str) -> None:
        self.url = f"{url}/{role}/socket/longpoll?{urlencode({'vsn': '2.0.0', **parameters})}"
        self.token: str | None = None
        self._ref = 0
        self._join_refs: dict[str, str] = {}
        self._waiting: list[Frame] = []

    # As it goes over the wire

    def ask(self, method: str, body: bytes | None = None, *, token: str | None = None, **headers: str) -> Body:
        """Make a request of this session, or of the one that a token names, and return the answer's body."""
        named = token or self.token
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if named is not None:
            sent["X-Phoenix-Longpoll-Token"] = named
        return request(self.url, method, body, sent).body

    def open(self) -> Body:
        """Begin a session."""
        body = self.ask("GET")
        self.token = body.get("token")
        return body

    def poll(self, token: str | None = None) -> Body:
        """Poll once, with the newest token or an older one."""
        body = self.ask("GET", token=token)
        if token is None:
            self.token = body.get("token")
        return body

    def post(self, *lines: str | bytes, token: str | None = None) -> Body:
        """Post lines, and return the answer, which tells nothing of what came of them."""
        data = b"\n".join(line.encode() if isinstance(line, str) else line for line in lines)
        return self.ask("POST", data, token=token, Content_Type="application/x-ndjson")

    def close(self) -> None:
        """Say goodbye, if there is a session."""
        if self.token is not None:
            self.ask("DELETE")

    # As a conversation

    def line(self, topic: str, event: str, payload: Body) -> str:
        """Return a frame as the line of a POST; its ref is `ref`."""
        self._ref += 1
        if event == "phx_join":
            self._join_refs[topic] = self.ref
        return json.dumps([self._join_refs.get(topic), self.ref, topic, event, payload])

    @property
    def ref(self) -> str:
        """The ref of the newest line."""
        return str(self._ref)

    def push(self, topic: str, event: str, payload: Body) -> Body:
        """Push, and return the payload of the reply, which a poll brings."""
        assert self.post(self.line(topic, event, payload)) == {"status": 200}
        ref = self.ref
        reply: Body = self.wait_for(lambda frame: frame[1] == ref and frame[3] == "phx_reply")[4]
        return reply

    def join(self, topic: str, **payload: Any) -> Body:
        """Join, and return the response."""
        reply = self.push(topic, "phx_join", payload)
        assert reply["status"] == "ok", reply
        response: Body = reply["response"]
        return response

    def class_topic(self, title: str = MATHS) -> str:
        """Join the user's own topic, and return that of one of their classes."""
        topics = self.join("user:me")["topics"]
        return next(str(entry["topic"]) for entry in topics if entry["title"] == title)

    def wait_for_event(self, topic: str, event: str) -> Body:
        """Poll until an event of a topic comes, and return its payload."""
        payload: Body = self.wait_for(lambda frame: frame[2] == topic and frame[3] == event)[4]
        return payload

    def wait_for(self, wanted: Callable[[Frame], bool]) -> Frame:
        """Poll until a frame is wanted; those before it are not seen again."""
        while not wanted(frame := self._next()):
            pass
        return frame

    def _next(self) -> Frame:
        while not self._waiting:
            body = self.poll()
            assert body["status"] in (200, 204), body
            self._waiting += [json.loads(message) for message in body["messages"]]
        return self._waiting.pop(0)
