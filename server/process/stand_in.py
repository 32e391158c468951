"""Accepts in place of a worker that stands still, and hands its new connections to the others.

    the supervisor: listening socket of the worker -> accept -> one byte and the descriptor -> another worker: take
                    until TAKEN comes back, the supervisor keeps the connection: that worker may stand still as well

The kernel gives each worker its share of new connections for as long as its socket listens, whether it accepts or not.
A worker that stands still is killed only after some 10 s, since it may come back; until then its share would wait.
The supervisor has all the sockets open, so it accepts there meanwhile, also what has been waiting. It serves nothing.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from socket import AF_UNIX, SOCK_STREAM, recv_fds, send_fds, socket
from typing import Any

log = logging.getLogger(__name__)

# When a worker counts as standing still for new connections: three of its reports are missing. A wrong guess costs
# nothing, because it goes on accepting beside the supervisor.
STILL_SECONDS = 1.5

# Connections handed over in one turn: what a worker starts in one (tornado_http_server) is no more.
AT_ONCE = 32

# The byte that a worker writes to its pipe for each connection that it has taken.
TAKEN = b"t"

Give = Callable[[socket], bool]


class StandIn:
    """Accepts on a worker's sockets while it is told to; `give` hands a connection to another one, if it can."""

    def __init__(self, sockets: Sequence[socket], give: Give) -> None:
        self._sockets = sockets
        self._give = give
        self._is_on = False

    def switch(self, *, on: bool) -> bool:
        """Begin to accept, or stop; return whether that is a change."""
        if on == self._is_on:
            return False
        self._is_on = on
        loop = asyncio.get_running_loop()
        for each in self._sockets:
            if on:
                loop.add_reader(each, self._accept, each)
            else:
                loop.remove_reader(each)
        return True

    def _accept(self, listening: socket) -> None:
        for _ in range(AT_ONCE):
            try:
                connection, _ = listening.accept()
            except (BlockingIOError, ConnectionError):  # nothing waits any more, or the client has gone
                return
            except OSError as error:  # no descriptors, say: it is tried again with the next beat
                log.warning("New connections of a worker that stands still wait: %s", error)
                self.switch(on=False)
                return
            with connection:
                if not self._give(connection):
                    self.switch(on=False)
                    return


class Hand:
    """The supervisor's end of the pipe to a worker that takes connections."""

    def __init__(self, pipe: socket) -> None:
        self._pipe = pipe
        self._handed: deque[socket] = deque()  # at most what the pipe holds: some 280

    def give(self, connection: socket) -> bool:
        """Hand a connection over; return whether the pipe has room for one more. The caller's stays the caller's."""
        try:
            send_fds(self._pipe, [b"c"], [connection.fileno()])
            self._handed.append(connection.dup())
        except OSError:  # it takes none at the moment, or has ended
            return False
        return True

    def taken(self, count: int) -> None:
        """Note that the worker has taken the next `count`."""
        for _ in range(count):
            self._handed.popleft().close()

    def untaken(self) -> list[socket]:
        """Return what a worker that has ended never took, to be given to another."""
        left, self._handed = list(self._handed), deque()
        return left


class Taker:
    """A worker's end: takes what is handed over through its pipe."""

    def __init__(self, pipe: int, take: Callable[[socket, Any], object]) -> None:
        """Call `take` with each connection and its client's address; the pipe stays the caller's."""
        self._pipe = socket(AF_UNIX, SOCK_STREAM, fileno=pipe)
        self._take = take
        self._untold = 0
        asyncio.get_running_loop().add_reader(self._pipe, self._receive)

    def close(self) -> None:
        """Take no more; what has been handed over by now is taken."""
        self._receive()
        asyncio.get_running_loop().remove_reader(self._pipe)
        self._pipe.detach()

    def _receive(self) -> None:
        for _ in range(AT_ONCE):
            try:
                data, descriptors, _, _ = recv_fds(self._pipe, 1, 1)
            except BlockingIOError:
                return
            if not data:  # the supervisor has ended
                asyncio.get_running_loop().remove_reader(self._pipe)
                return
            for each in descriptors:
                self._begin(socket(fileno=each))
                self._untold += 1
                self._tell()

    def _tell(self) -> None:
        try:
            self._untold -= self._pipe.send(TAKEN * self._untold)
        except BlockingIOError:  # the supervisor stands still: with the next one
            return
        except OSError:  # it has ended
            self._untold = 0

    def _begin(self, connection: socket) -> None:
        try:
            address = connection.getpeername()
        except OSError:  # the client has gone meanwhile
            connection.close()
            return
        connection.setblocking(False)
        self._take(connection, address)
