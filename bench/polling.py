"""A long-poll client for load: one kept-alive connection, raw and non-blocking once it has joined."""

import json
import socket
from collections.abc import Iterable, Sequence

from bench.client import PATIENCE_SECONDS

# About the headers that a browser sends with each request: the server must read and store them as well.
_BROWSER = (
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0\r\n"
    "Accept: */*\r\nAccept-Language: pt-BR,pt;q=0.9\r\nAccept-Encoding: gzip, deflate, br\r\n"
)


class Poller:
    """One polling client; `events` counts the requested events that it has received."""

    __slots__ = ("_inbox", "_path", "_token", "events", "socket")

    def __init__(self, port: int, path: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.events = 0
        self._inbox = bytearray()
        self._path = path
        self._token = ""
        self._request("GET")
        self._token = json.loads(self._read_body())["token"]

    def join(self, topics: Sequence[str]) -> None:
        """Join topics, wait for the replies and start to poll without blocking."""
        frames = [json.dumps([str(n), str(n), topic, "phx_join", {}]) for n, topic in enumerate(topics)]
        self._request("POST", "\n".join(frames))
        assert json.loads(self._read_body()) == {"status": 200}
        awaited = {str(n) for n in range(len(topics))}
        while awaited:
            self._request("GET")
            awaited -= self._replied(self._read_body())
        self._request("GET")
        self.socket.setblocking(False)

    def _replied(self, body: bytes) -> set[str]:
        answer = json.loads(body)
        self._token = answer["token"]
        frames = [json.loads(text) for text in answer["messages"]]
        assert all(frame[4]["status"] == "ok" for frame in frames if frame[3] == "phx_reply"), frames
        return {frame[1] for frame in frames if frame[3] == "phx_reply"}

    def read(self, event: bytes) -> int:
        """Read the available data and poll again after a complete answer; return its number of events of a kind."""
        self._inbox += self.socket.recv(256 * 1024)
        body = self._body()
        if body is None:
            return 0
        # Parses only what the loop needs: parsing 5,000 answers completely would cost more than serving them.
        start = body.index(b'"token":"') + 9
        self._token = body[start : body.index(b'"', start)].decode()
        count = body.count(event)
        self.events += count
        self._request("GET")
        return count

    def _request(self, method: str, body: str = "") -> None:
        token = f"X-Phoenix-Longpoll-Token: {self._token}\r\n" if self._token else ""
        content = f"Content-Type: application/x-ndjson\r\nContent-Length: {len(body)}\r\n" if body else ""
        self.socket.sendall(
            f"{method} {self._path} HTTP/1.1\r\nHost: localhost\r\n{_BROWSER}{token}{content}\r\n{body}".encode()
        )

    def _read_body(self) -> bytes:
        while (body := self._body()) is None:
            data = self.socket.recv(256 * 1024)
            if not data:
                raise RuntimeError("the server closed a connection")
            self._inbox += data
        return body

    def _body(self) -> bytes | None:
        head = self._inbox.find(b"\r\n\r\n")
        if head < 0:
            return None
        size = _content_length(bytes(self._inbox[:head]).split(b"\r\n"))
        end = head + 4 + size
        if len(self._inbox) < end:
            return None
        body = bytes(self._inbox[head + 4 : end])
        del self._inbox[:end]
        return body


def _content_length(lines: Iterable[bytes]) -> int:
    return next(int(line[15:]) for line in lines if line.lower().startswith(b"content-length:"))
