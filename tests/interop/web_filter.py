"""A school's web filter in front of a server: it does to WebSockets what such filters do, and may lose answers.

    client -> WebFilter(server, websockets="hang") -> server

Plain requests pass, each on a connection of its own.
"""

import socket
from contextlib import suppress
from functools import partial
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from threading import Lock, Thread
from typing import Any, Literal, Self

from tests.lousa import Lousa

# Longer than a poll is held.
SECONDS = 30.0

WebSockets = Literal["refuse", "hang", "starve"]


class WebFilter:
    """A filter in front of `server`.

    `websockets`: *refuse* answers 403; *hang* answers nothing; *starve* lets them open, and keeps what the server says.
    `lose`: so many of the answers that have messages, or that acknowledge a push, are lost on their way; 0.1 is one in
    ten. Not each tenth: a client that tries again in step with that would lose the same answer for ever.
    """

    def __init__(self, server: Lousa, websockets: WebSockets = "refuse", lose: float = 0) -> None:
        self.websockets: WebSockets = websockets
        self.upgrades = 0  # how many WebSockets were tried
        self.lost = 0  # how many answers
        self._lose = lose
        self._chance = Random(1)
        self._lock = Lock()
        self._server = _Server(("127.0.0.1", 0), partial(_Request, self, server.port))
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    @property
    def url(self) -> str:
        """Where clients go instead of to the server."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def loses(self, answer: bytes) -> bool:
        """Tell whether this answer is to be lost."""
        if not answer.startswith(b'{"status":200'):
            return False
        with self._lock:
            lost = self._chance.random() < self._lose
            self.lost += lost
        return lost

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Stop. Requests that hang are let hang: their clients are gone."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *args: Any) -> None:
        """Say nothing of clients that hang up."""


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, web_filter: WebFilter, port: int, *args: Any) -> None:
        self._filter = web_filter
        self._port = port
        super().__init__(*args)

    def do_GET(self) -> None:
        self.close_connection = True
        if self.headers.get("Upgrade", "").lower() != "websocket":
            self._pass_on()
            return
        self._filter.upgrades += 1
        {"refuse": self._refuse, "hang": self._hang, "starve": self._starve}[self._filter.websockets]()

    def _pass_on(self) -> None:
        self.close_connection = True
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        server = HTTPConnection("127.0.0.1", self._port, timeout=SECONDS)
        try:
            server.request(self.command, self.path, body, {**self.headers, "Connection": "close"})
            answer = server.getresponse()
            data = answer.read()
        finally:
            server.close()
        if self._filter.loses(data):
            return
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "content-length"):
                self.send_header(name, value)
        self._finish(data)

    do_POST = do_DELETE = do_OPTIONS = _pass_on  # noqa: N815 (so http.server calls them)

    def _finish(self, data: bytes) -> None:
        self.send_header("Connection", "close")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _refuse(self) -> None:
        self.send_response_only(403)
        self._finish(b"This page is blocked.")

    def _hang(self) -> None:
        self.connection.settimeout(SECONDS)
        self.rfile.read()

    def _starve(self) -> None:
        with socket.create_connection(("127.0.0.1", self._port), timeout=SECONDS) as server:
            head = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
            server.sendall(f"{self.requestline}\r\n{head}\r\n".encode())
            self.wfile.write(_read_head(server))
            Thread(target=_swallow, args=(server,), daemon=True).start()
            while data := self.rfile.read1(65536):
                server.sendall(data)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


def _read_head(server: socket.socket) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += server.recv(1)
    return head


def _swallow(server: socket.socket) -> None:
    with suppress(OSError):
        while server.recv(65536):
            pass
