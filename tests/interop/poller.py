"""A long-poll client with `urllib` only: the protocol without a Phoenix library.

Every request opens its own connection, so that any worker may answer it.
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

# Longer than the server holds a poll.
SECONDS = 20.0


class Answer(NamedTuple):
    """An HTTP response: status, headers by lower-case name, and the body as bytes and as JSON."""

    http_status: int
    headers: dict[str, str]
    data: bytes
    body: Body


def request(
    url: str, method: str = "GET", body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """Make one request and return the response, whatever its status."""
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
    """A long-poll session of a role; `token` is the newest, which acknowledges everything received."""

    def __init__(self, url: str, role: str, **parameters: str) -> None:
        self.url = f"{url}/{role}/socket/longpoll?{urlencode({'vsn': '2.0.0', **parameters})}"
        self.token: str | None = None
        self._ref = 0
        self._join_refs: dict[str, str] = {}
        self._waiting: list[Frame] = []

    # Requests

    def ask(self, method: str, body: bytes | None = None, *, token: str | None = None, **headers: str) -> Body:
        """Make a request with the session's token or another one, and return the body of the response."""
        named = token or self.token
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if named is not None:
            sent["X-Phoenix-Longpoll-Token"] = named
        return request(self.url, method, body, sent).body

    def open(self) -> Body:
        """Open a session."""
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
        """Post lines and return the response; replies to the lines come with a later poll."""
        data = b"\n".join(line.encode() if isinstance(line, str) else line for line in lines)
        return self.ask("POST", data, token=token, Content_Type="application/x-ndjson")

    def close(self) -> None:
        """Delete the session, if there is one."""
        if self.token is not None:
            self.ask("DELETE")

    # Frames

    def line(self, topic: str, event: str, payload: Body) -> str:
        """Return a frame as a line for a POST; its ref is `ref`."""
        self._ref += 1
        if event == "phx_join":
            self._join_refs[topic] = self.ref
        return json.dumps([self._join_refs.get(topic), self.ref, topic, event, payload])

    @property
    def ref(self) -> str:
        """The ref of the newest line."""
        return str(self._ref)

    def push(self, topic: str, event: str, payload: Body) -> Body:
        """Push an event, poll for its reply and return the reply's payload."""
        assert self.post(self.line(topic, event, payload)) == {"status": 200}
        ref = self.ref
        reply: Body = self.wait_for(lambda frame: frame[1] == ref and frame[3] == "phx_reply")[4]
        return reply

    def join(self, topic: str, **payload: Any) -> Body:
        """Join a topic and return the response."""
        reply = self.push(topic, "phx_join", payload)
        assert reply["status"] == "ok", reply
        response: Body = reply["response"]
        return response

    def class_topic(self, title: str = MATHS) -> str:
        """Join `user:me` and return the topic of the class with this title."""
        topics = self.join("user:me")["topics"]
        return next(str(entry["topic"]) for entry in topics if entry["title"] == title)

    def wait_for_event(self, topic: str, event: str) -> Body:
        """Poll until a topic's event arrives, and return its payload."""
        payload: Body = self.wait_for(lambda frame: frame[2] == topic and frame[3] == event)[4]
        return payload

    def wait_for(self, wanted: Callable[[Frame], bool]) -> Frame:
        """Poll up to the first frame that matches, and return it; earlier frames are dropped."""
        while not wanted(frame := self._next()):
            pass
        return frame

    def _next(self) -> Frame:
        while not self._waiting:
            body = self.poll()
            assert body["status"] in (200, 204), body
            self._waiting += [json.loads(message) for message in body["messages"]]
        return self._waiting.pop(0)
