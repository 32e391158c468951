"""Opens WebSockets from handshakes that `handshake` has read, without Tornado's HTTP.

    Handshake -> Gate.admit -> 101 -> SocketProtocol -> SocketTransport <-> Session        refused: the status

What `ChannelSocket` does for all other handshakes, with the same gate and the same answers.
"""

import logging
import math
import socket
from collections.abc import Iterable
from http import HTTPStatus

from channels.lesson.rules import Role
from channels.transports.gate import Admitted, Gate, Place, Request, TurnedAway
from channels.transports.handshake import Handshake, read_handshake
from channels.transports.tornado_reading import SocketProtocol
from channels.transports.websocket import connect, find_wires, socket_path
from channels.wire.codec import Wire

log = logging.getLogger(__name__)


class Upgrades:
    """Opens the WebSockets of one worker's roles."""

    def __init__(self, gate: Gate, roles: Iterable[Role]) -> None:
        self._gate = gate
        self._roles = {socket_path(role): role for role in roles}

    def read(self, data: bytes) -> Handshake | None:
        """Read a connection's first bytes; None unless they are a whole handshake for one of these roles."""
        found = read_handshake(data)
        return found if found is not None and found.path in self._roles else None

    def waits_in_line(self, handshake: Handshake) -> bool:
        """Tell whether a handshake is for a role of which a whole class connects at once."""
        return self._roles[handshake.path].waits_in_line

    async def answer(self, connection: socket.socket, handshake: Handshake, scheme: str) -> HTTPStatus:
        """Open a WebSocket or refuse it, and return the status; `scheme` is what the browser used, http or https."""
        try:
            wires = find_wires(handshake.query.get("format"))
            admitted = await self._gate.admit(self._asked(handshake, scheme))
            if _has_left(connection):
                connection.close()
                return HTTPStatus.SWITCHING_PROTOCOLS
            return self._open(connection, handshake, admitted, wires)
        except Exception as error:
            return _refused(connection, handshake, error)

    def answer_at_once(
        self, connection: socket.socket, handshake: Handshake, scheme: str, *, waited: bool
    ) -> HTTPStatus | None:
        """Do what `answer` does where it would await nothing, or return None; `waited`: the client may have left.

        In a task of its own, with a turn of the event loop before and after it, a handshake takes 40 µs more.
        """
        try:
            wires = find_wires(handshake.query.get("format"))
            if waited and _has_left(connection):
                connection.close()
                return HTTPStatus.SWITCHING_PROTOCOLS
            admitted = self._gate.admit_at_once(self._asked(handshake, scheme))
            return None if admitted is None else self._open(connection, handshake, admitted, wires)
        except Exception as error:
            return _refused(connection, handshake, error)

    def _asked(self, handshake: Handshake, scheme: str) -> Request:
        role, place = self._roles[handshake.path], Place(scheme, handshake.headers["host"])
        return Request(role, place, handshake.headers, handshake.query.get, handshake.cookie)

    def _open(
        self, connection: socket.socket, handshake: Handshake, admitted: Admitted, wires: tuple[Wire, Wire]
    ) -> HTTPStatus:
        if not _send(connection, handshake.answer()):
            connection.close()
        else:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            protocol = SocketProtocol.on(connection)
            connect(self._gate.engine, protocol, admitted, wires)
            protocol.begin()
        return HTTPStatus.SWITCHING_PROTOCOLS


def _refused(connection: socket.socket, handshake: Handshake, error: Exception) -> HTTPStatus:
    if not isinstance(error, TurnedAway):
        log.error("%s could not be served", handshake.path, exc_info=error)
        error = TurnedAway(HTTPStatus.INTERNAL_SERVER_ERROR, "an error of the server")
    _refuse(connection, error)
    return error.status


def _has_left(connection: socket.socket) -> bool:
    # While it waited, nobody has read from the connection.
    try:
        return not connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True


def _send(connection: socket.socket, data: bytes) -> bool:
    """Send the first bytes of a connection, for which there is always room; return False if the client has left."""
    try:
        return connection.send(data) == len(data)
    except OSError:
        return False


def _refuse(connection: socket.socket, away: TurnedAway) -> None:
    body = away.message.encode()
    retry = "" if away.retry_after is None else f"Retry-After: {math.ceil(away.retry_after / 1000)}\r\n"
    head = (
        f"HTTP/1.1 {away.status.value} {away.status.phrase}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\n{retry}Connection: close\r\n\r\n"
    )
    _send(connection, head.encode("ascii") + body)
    connection.close()
