"""A line to a server that a test can cut, and mend: what goes over it ends, and nobody gets through meanwhile."""

import socket
from contextlib import suppress
from functools import partial
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import Any, Self

from tests.lousa import Lousa


class Cable:
    """A line to `server`; it is whole until `cut`."""

    def __init__(self, server: Lousa) -> None:
        self.is_cut = False
        self.ends: set[socket.socket] = set()
        self._server = _Server(("127.0.0.1", 0), partial(_Line, self, server.port))
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    @property
    def url(self) -> str:
        """Where clients go instead of to the server."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def cut(self) -> None:
        """End all connections."""
        self.is_cut = True
        for end in list(self.ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """Let clients come back."""
        self.is_cut = False

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Cut for good."""
        self._server.shutdown()
        self._thread.join()
        self.cut()
        self._server.server_close()


class _Server(ThreadingTCPServer):
    daemon_threads = True

    def handle_error(self, *args: Any) -> None:
        """Say nothing of connections that end: that is what a cable is for."""


class _Line(BaseRequestHandler):
    def __init__(self, cable: Cable, port: int, *args: Any) -> None:
        self._cable = cable
        self._port = port
        super().__init__(*args)

    def handle(self) -> None:
        if self._cable.is_cut:
            return
        with socket.create_connection(("127.0.0.1", self._port)) as server:
            ends = {self.request, server}
            self._cable.ends |= ends
            back = Thread(target=_carry, args=(server, self.request), daemon=True)
            back.start()
            _carry(self.request, server)
            back.join()
            self._cable.ends -= ends


def _carry(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
    for end in (one, other):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
