"""Accepts connections, and keeps a reserve of file descriptors for all that is not a connection.

    readable -> accept() -> below the reserve: a connection        within it: the server makes room, or it is spare

Without a reserve the process cannot open a database, a log or a connection that asks for its health when clients hold
all descriptors; and `accept` then fails in every turn of the event loop while connections wait, which takes a whole
core. The kernel gives the lowest free number, so a connection's own number says how many files are open.
"""

import asyncio
import errno
import logging
import resource
from collections.abc import Callable
from socket import socket
from typing import Any, Protocol

log = logging.getLogger(__name__)

# Connections accepted in one turn of the event loop, from each listening socket: accepting takes 10 µs.
ACCEPTED_AT_ONCE = 128

# File descriptors kept for databases (some 30), Redis, the log, and requests for /healthz; a quarter of a small limit.
RESERVE = 128

# How long nothing is accepted after `accept` has failed for a reason that lasts.
PAUSE_SECONDS = 0.5

# How long the log is silent on the matter after a line.
SILENT_SECONDS = 60.0

_LASTING = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))


class AcceptorListener(Protocol):
    """Takes the connections."""

    def make_room(self) -> bool:
        """Close some connections that nobody misses; return whether there were any."""

    def take(self, connection: socket, address: Any, *, spare: bool) -> None:
        """Take a connection; a `spare` one uses the reserve, and may do what ends soon."""


class Acceptor:
    """Accepts connections on listening sockets until it is told to stop."""

    def __init__(self, listener: AcceptorListener) -> None:
        self._listener = listener
        self._said_at = float("-inf")

    def add(self, listening: socket) -> Callable[[], None]:
        """Accept on a socket; return a function that stops that, and leaves the socket open."""
        accepting = _Accepting(listening, self)
        accepting.start()
        return accepting.stop

    def accepted(self, connection: socket, address: Any) -> bool:
        """Hand a connection over, or close it where nothing makes room; return whether more may follow at once.

        Within the reserve one is accepted in each turn, so that those before it are started, and can make room.
        """
        limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        reserve = min(RESERVE, limit // 4)
        left = limit - connection.fileno()
        if left > reserve:
            self._listener.take(connection, address, spare=False)
            return True
        self._say(f"{limit} files may be open, and {connection.fileno()} are")
        if self._listener.make_room():
            self._listener.take(_renumbered(connection), address, spare=False)
        elif left > reserve // 2:
            self._listener.take(connection, address, spare=True)
        else:
            connection.close()
        return False

    def failed(self, error: OSError) -> None:
        """Note that the system gives no more connections for now."""
        self._say(error.strerror or str(error))

    def _say(self, what: str) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._said_at >= SILENT_SECONDS:
            log.warning("Clients hold all connections that can be open (%s): new ones are refused", what)
            self._said_at = now


def _renumbered(connection: socket) -> socket:
    """Move a connection to the lowest free descriptor, so that the reserve is whole again."""
    with connection:
        return connection.dup()


class _Accepting:
    """Accepts on one listening socket."""

    def __init__(self, listening: socket, acceptor: Acceptor) -> None:
        self._listening = listening
        self._acceptor = acceptor
        self._loop = asyncio.get_running_loop()
        self._pause: asyncio.TimerHandle | None = None
        self._is_stopped = False

    def start(self) -> None:
        self._loop.add_reader(self._listening, self._accept)

    def stop(self) -> None:
        self._is_stopped = True
        self._loop.remove_reader(self._listening)
        if self._pause is not None:
            self._pause.cancel()

    def _accept(self) -> None:
        for _ in range(ACCEPTED_AT_ONCE):
            if self._is_stopped:
                return
            try:
                connection, address = self._listening.accept()
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionError:
                continue  # the client has gone meanwhile
            except OSError as error:
                if error.errno not in _LASTING:
                    raise
                self._wait(error)
                return
            connection.setblocking(False)
            if not self._acceptor.accepted(connection, address):
                return

    def _wait(self, error: OSError) -> None:
        self._acceptor.failed(error)
        self._loop.remove_reader(self._listening)
        self._pause = self._loop.call_later(PAUSE_SECONDS, self.start)
