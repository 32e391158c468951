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
from channels.transports.gate import Gate, Place, TurnedAway
from channels.transports.handshake import Handshake, read_handshake
from channels.transports.tornado_reading import SocketProtocol
from channels.transports.websocket import connect, find_wires, socket_path

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
            return await self._answer(connection, handshake, scheme)
        except TurnedAway as away:
            refusal = away
        except Exception:
            log.exception("%s could not be served", handshake.path)
            refusal = TurnedAway(HTTPStatus.INTERNAL_SERVER_ERROR, "an error of the server")
        _refuse(connection, refusal)
        return refusal.status

    async def _answer(self, connection: socket.socket, handshake: Handshake, scheme: str) -> HTTPStatus:
        query, headers = handshake.query.get, handshake.headers
        wires = find_wires(query("format"))
        place = Place(scheme, headers["host"])
        admitted = await self._gate.admit(self._roles[handshake.path], place, headers, query, handshake.cookie)
        if _has_left(connection) or not _send(connection, handshake.answer()):
            connection.close()
        else:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            protocol = SocketProtocol.on(connection)
            connect(self._gate.engine, protocol, admitted, wires)
            protocol.begin()
        return HTTPStatus.SWITCHING_PROTOCOLS


def _has_left(connection: socket.socket) -> bool:
    # During its time in the queue nobody has read from the connection.
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
