"""Reads a WebSocket's handshake in one step, where it is as every client sends it, and writes the answer.

    first bytes of a connection -> read_handshake() -> Handshake        None: Tornado reads and answers it

Tornado's parser, router and handler take 0.4 ms of CPU for a handshake, and this takes 0.02. It is strict instead of
complete: whatever it does not expect, right or wrong, it leaves to Tornado, which then answers as to any request.
RFC 6455, section 4.2.1, says what a handshake is; RFC 9112, sections 3 to 5, what a head is.
"""

import base64
import re
from collections.abc import Mapping
from hashlib import sha1
from typing import Any, NamedTuple

from channels.transports.credential import SIGN_IN_COOKIE

# Of the random value in Sec-WebSocket-Key (RFC 6455, section 4.1).
KEY_BYTES = 16

_VERSION = "13"
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

_ANSWER = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: %b%b\r\n\r\n"
)

# One line for the request and one for each header. Tornado reads escapes in the address and bytes outside ASCII.
_NAME = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_HEAD = re.compile(
    rf"GET (/[a-z_/-]+)(?:\?([!$&-*,-;=?-~]*))? HTTP/1\.1\r\n((?:{_NAME}:[\t -~]*\r\n)+)\r\n".encode("ascii")
)
_HEADER = re.compile(r"([^:]+):([^\r]*)\r\n")
_KEY = re.compile(r"[0-9A-Za-z+/]{22}==")
_HOST = re.compile(r"[0-9A-Za-z.:\[\]_-]+")

# Headers that announce a body, or ask for something before the answer.
_UNEXPECTED = frozenset(("content-length", "transfer-encoding", "expect"))


class Headers(dict[str, str]):
    """Headers by name, which is asked for in any case."""

    def get(self, name: str, default: Any = None) -> Any:
        """Return a header's value."""
        return super().get(name.lower(), default)

    def __contains__(self, name: object) -> bool:
        """Tell whether there is a header of this name."""
        return isinstance(name, str) and super().__contains__(name.lower())


class Handshake(NamedTuple):
    """A handshake: the path, the parameters of the query, the headers, and the sign-in's cookie."""

    path: str
    query: Mapping[str, str]
    headers: Headers
    cookie: str | None

    def answer(self) -> bytes:
        """Return the answer that opens the WebSocket."""
        key = self.headers["sec-websocket-key"].encode("ascii")
        accepted = base64.b64encode(sha1(key + _GUID, usedforsecurity=False).digest())
        offered = self.headers.get("Sec-WebSocket-Protocol")
        chosen = None if offered is None else choose_subprotocol(offered.split(","))
        more = b"" if chosen is None else b"\r\nSec-WebSocket-Protocol: %b" % chosen.encode("ascii")
        return _ANSWER % (accepted, more)


def read_handshake(data: bytes) -> Handshake | None:
    """Read a handshake of which all has come, and nothing after it; None where there is anything unusual."""
    found = _HEAD.fullmatch(data)
    if found is None:
        return None
    lines = _HEADER.findall(found[3].decode("ascii"))
    headers = Headers([(name.lower(), value.strip(" \t")) for name, value in lines])
    query = _read_query(found[2])
    if query is None or len(headers) != len(lines) or not _is_handshake(headers):
        return None
    cookies = headers.get("Cookie")
    if cookies is None:
        return Handshake(found[1].decode("ascii"), query, headers, None)
    if '"' in cookies:
        return None
    return Handshake(found[1].decode("ascii"), query, headers, _find_cookie(cookies))


def _is_handshake(headers: Headers) -> bool:
    try:
        return (
            headers["upgrade"].lower() == "websocket"
            and _asks_to_upgrade(headers["connection"].lower())
            and headers["sec-websocket-version"] == _VERSION
            and _KEY.fullmatch(headers["sec-websocket-key"]) is not None
            and _HOST.fullmatch(headers["host"]) is not None
            and headers.keys().isdisjoint(_UNEXPECTED)
        )
    except KeyError:  # one of them is missing
        return False


def _asks_to_upgrade(connection: str) -> bool:
    # Firefox asks to keep the connection alive as well.
    return connection == "upgrade" or "upgrade" in [each.strip() for each in connection.split(",")]


def _read_query(query: bytes | None) -> dict[str, str] | None:
    if not query:
        return {}
    pairs = [each.partition("=") for each in query.decode("ascii").split("&")]
    found = {name: value for name, _, value in pairs}
    return found if len(found) == len(pairs) else None


def _find_cookie(cookies: str) -> str | None:
    # Of several with one name the last one counts, as in Tornado.
    found = None
    for each in cookies.split(";"):
        name, _, value = each.partition("=")
        if name.strip() == SIGN_IN_COOKIE:
            found = value.strip()
    return found


def is_key(text: str) -> bool:
    """Tell whether this can be a handshake's Sec-WebSocket-Key."""
    try:
        return len(base64.b64decode(text, validate=True)) == KEY_BYTES
    except ValueError:  # neither base64 nor ASCII
        return False


def choose_subprotocol(offered: list[str]) -> str | None:
    """Choose the subprotocol that Phoenix' client offers beside its token; without one, browsers disconnect."""
    return "phoenix" if "phoenix" in (each.strip() for each in offered) else None
