"""The ways in, as the document tells them: a server for each role's route, the credentials, the query.

Which there are is read off the routes; the words are here.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import Any, NamedTuple

from channels.lesson.rules import Role
from channels.member import RoleName
from channels.roles import routes
from channels.transports.credential import SIGN_IN_COOKIE

Part = dict[str, Any]


class WayIn(NamedTuple):
    """A route by which a role comes in."""

    name: str
    role: RoleName
    path: str
    is_socket: bool


def ways_in(roles: Iterable[Role]) -> Iterator[WayIn]:
    """Return the routes of these roles."""
    for role in roles:
        for path, _ in routes(role):
            transport = path.rpartition("/")[2]
            yield WayIn(f"{role.name}.{transport}", role.name, path, transport == "websocket")


def servers_of(names: Collection[RoleName], roles: Iterable[Role]) -> list[str]:
    """Return the names of the servers of those of the roles that have these names."""
    return [way.name for way in ways_in(roles) if way.role in names]


def servers(url: str, roles: Iterable[Role]) -> dict[str, Part]:
    """Return the servers of a school at this address."""
    return {way.name: _server(way, url) for way in ways_in(roles)}


def _server(way: WayIn, url: str) -> Part:
    scheme, _, host = url.partition("://")
    return {
        "host": host,
        "pathname": way.path,
        "protocol": scheme.replace("http", "ws") if way.is_socket else scheme,
        "description": _SOCKET if way.is_socket else _LONG_POLL,
        "security": [{"$ref": f"#/components/securitySchemes/{name}"} for name in SECURITY_SCHEMES],
        "tags": [{"name": way.role}],
    }


_SOCKET = "A frame of the protocol in each WebSocket frame: text, or binary with `format=msgpack`."

_LONG_POLL = """\
Where WebSockets do not get through. Every answer is a JSON object with the real code in `status`. A GET opens a session
and tells its `token`; a GET with the token (header `X-Phoenix-Longpoll-Token`, or parameter `token`) waits for
`messages`, a list of frames as JSON texts; a POST with it carries frames to the server, one a line
(`application/x-ndjson`).
"""

SECURITY_SCHEMES: dict[str, Part] = {
    "cookie": {
        "type": "httpApiKey",
        "in": "cookie",
        "name": SIGN_IN_COOKIE,
        "description": "What a browser gets when somebody signs in; good from the school's own pages only.",
    },
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "For programs: what `python server.py token create LOGIN` prints. It may also come as Phoenix' "
        "clients send it: as a subprotocol of the WebSocket, in a poll's header `X-Phoenix-AuthToken`.",
    },
    "access_token": {
        "type": "httpApiKey",
        "in": "query",
        "name": "access_token",
        "description": "The same token, where a client can set no headers.",
    },
}

SOCKET_BINDING: Part = {
    "ws": {
        "method": "GET",
        "query": {
            "type": "object",
            "properties": {
                "vsn": {
                    "type": "string",
                    "pattern": r"^[12]\.",
                    "description": "The version of Phoenix' protocol: 2.0.0, frames as arrays, or 1.0.0, as objects.",
                },
                "format": {"enum": ["json", "msgpack"], "default": "json"},
                "access_token": {"type": "string"},
            },
        },
    }
}
