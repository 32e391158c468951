"""Where the server listens: its sockets, the HTTP server on them, and the address to type into a browser.

Several workers listen on one address, each on a socket of its own (SO_REUSEPORT): the kernel deals out who connects.
"""

import asyncio
import errno
import resource
from collections import deque
from socket import AF_INET6, SO_SNDBUF, SOL_SOCKET, gaierror, socket
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from server.settings import Settings, SettingsError

# How long a connection that was accepted just before the end may take to send its request and have its answer.
LAST_REQUESTS_SECONDS = 1.0

# Connections that wait to be accepted: a school that comes back all at once (the kernel's own bound is 4096).
BACKLOG = 4096


# What the kernel may hold for one client that does not read, about twice of this with its own bookkeeping. By itself it
# takes up to 4 MiB, and has a bound for all connections together: past it, those who do read would wait as well.
SEND_BUFFER_BYTES = 128 * 1024

# Connections whose requests are begun in one turn of the event loop: those who are connected already wait 20 ms longer
# for theirs, however many come. The others are accepted meanwhile, so that the backlog takes in whoever comes: what it
# cannot hold, the kernel drops, and clients try again only after 1, 3, 7 … seconds.
BEGUN_AT_ONCE = 32


class Server(HTTPServer):
    """Tornado's HTTP server, with a bound on what is begun at once, and an end that answers whom it has accepted."""

    def initialize(self, *args: Any, **kwargs: Any) -> None:
        """Begin with nobody."""
        super().initialize(*args, **kwargs)
        self._waiting: deque[tuple[socket, Any]] = deque()

    def _handle_connection(self, connection: socket, address: Any) -> None:
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._begin)
        self._waiting.append((connection, address))

    def _begin(self) -> None:
        for _ in range(min(len(self._waiting), BEGUN_AT_ONCE)):
            super()._handle_connection(*self._waiting.popleft())
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._begin)

    async def drain(self) -> None:
        """Accept nobody any more, and answer those who were; connections that only wait are closed after a moment."""
        self.stop()
        try:
            async with asyncio.timeout(LAST_REQUESTS_SECONDS):
                # Those of WebSockets have left it. Polled: this happens once in a worker's life.
                while self._waiting or self._connections:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        except TimeoutError:
            await self.close_all_connections()


def allow_connections() -> None:
    """Let this process and its children have as many connections open as the system allows at all.

    Each is an open file. The usual bound of 1024 is for programs that use select(2); it is the lower one of two, which
    a process may raise up to the other by itself.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def listen(settings: Settings, workers: int = 1) -> list[list[socket]]:
    """Listen on the settings' address: a list of sockets for each worker. Raise SettingsError where that fails."""
    try:
        if workers == 1:
            return [_bind(settings.port, settings.host)]
        return _listen_together(settings, workers)
    except gaierror as error:
        raise SettingsError(f"--host {settings.host} is not an address of this machine ({error.strerror}).") from error
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL:
            raise SettingsError(
                f"--host {settings.host} is not an address of this machine: give one of its own, "
                "127.0.0.1 for this machine only, or 0.0.0.0 for all of them."
            ) from error
        raise SettingsError(
            f"Cannot listen on port {settings.port} of {settings.host} ({error.strerror}). "
            "Another program may have it, perhaps another Lousa: choose another with --port."
        ) from error


def _listen_together(settings: Settings, workers: int) -> list[list[socket]]:
    # Bound alone first: SO_REUSEPORT would share the port with another Lousa, too.
    alone = _bind(settings.port, settings.host)
    port = alone[0].getsockname()[1]
    close(alone)
    return [_bind(port, settings.host, shared=True) for _ in range(workers)]


def _bind(port: int, host: str, *, shared: bool = False) -> list[socket]:
    sockets = bind_sockets(port, host, backlog=BACKLOG, reuse_port=shared)
    for each in sockets:
        each.setsockopt(SOL_SOCKET, SO_SNDBUF, SEND_BUFFER_BYTES)  # those that it accepts have the same
    return sockets


def close(sockets: list[socket]) -> None:
    """Close this process' hold on sockets; a connection that waits there is lost when nobody else has them."""
    for each in sockets:
        each.close()


def address(host: str, sockets: list[socket]) -> str:
    """Return what to type into a browser on this machine."""
    anywhere = host in ("", "0.0.0.0", "::")  # noqa: S104 (compared, not bound)
    name = "localhost" if anywhere or host == "localhost" else host
    port = sockets[0].getsockname()[1]
    return f"http://[{name}]:{port}" if sockets[0].family == AF_INET6 and ":" in name else f"http://{name}:{port}"
