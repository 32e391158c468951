"""A handshake is read in one step as Tornado reads it, or left to Tornado."""

import re
from http.cookies import CookieError
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tornado.httputil import HTTPHeaders, HTTPInputError, parse_cookie
from tornado.websocket import WebSocketProtocol13

from channels.transports.handshake import Handshake, read_handshake

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
# As Chromium sends it, behind nginx.
HEAD = (
    "GET /students/socket/websocket?vsn=2.0.0&format=json HTTP/1.1\r\nHost: lousa.escola.example\r\n"
    "Connection: keep-alive, Upgrade\r\nPragma: no-cache\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) Chrome/140\r\n"
    "Upgrade: websocket\r\nOrigin: https://lousa.escola.example\r\nSec-WebSocket-Version: 13\r\n"
    f"Cookie: theme=dark; lousa_session=s3cret-_; a=b\r\nSec-WebSocket-Key: {KEY}\r\n"
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n"
).encode("ascii")


def test_handshake_of_a_browser_is_read() -> None:
    found = read_handshake(HEAD)
    assert found is not None
    assert (found.path, found.query) == ("/students/socket/websocket", {"vsn": "2.0.0", "format": "json"})
    assert found.cookie == "s3cret-_"
    assert found.headers.get("origin") == found.headers.get("Origin") == "https://lousa.escola.example"
    assert "X-FORWARDED-FOR" in found.headers
    assert "Authorization" not in found.headers


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [("", None), ("phoenix, base64url.bearer.phx.YW5h", b"phoenix"), ("chat", None), ("chat,phoenix", b"phoenix")],
)
def test_answer_is_the_one_of_the_protocol(offered: str, chosen: bytes | None) -> None:
    line = f"Sec-WebSocket-Protocol: {offered}\r\n\r\n".encode("ascii") if offered else b"\r\n"
    found = read_handshake(HEAD.removesuffix(b"\r\n") + line)
    assert found is not None
    status, *lines = found.answer().removesuffix(b"\r\n\r\n").split(b"\r\n")
    assert status == b"HTTP/1.1 101 Switching Protocols"
    assert lines[:3] == [
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",  # RFC 6455, section 1.3
    ]
    assert lines[3:] == ([] if chosen is None else [b"Sec-WebSocket-Protocol: " + chosen])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"GET", b"POST"),
        (b"GET", b"get"),
        (b"HTTP/1.1", b"HTTP/1.0"),
        (b"HTTP/1.1", b"HTTP/1.1 "),
        (b"/students", b"http://x/students"),
        (b"?vsn", b"?vsn=1&vsn"),
        (b"2.0.0", b"2%2E0.0"),
        (b"2.0.0", b"2+0"),
        (b"2.0.0", b"2.0.0#x"),
        (b"Host: lousa.escola.example\r\n", b""),
        (b"Host: lousa.escola.example\r\n", b"Host: a\r\nhost: b\r\n"),
        (b"Host: lousa.escola.example\r\n", b"Host: a b\r\n"),
        (b"Host: lousa", b"Host : lousa"),
        (b"Pragma: no-cache\r\n", b"Pragma: no\r\n -cache\r\n"),
        (b"Pragma: no-cache\r\n", b"Pragma: no-cache\n"),
        (b"Pragma: no-cache\r\n", b"Pragma: \xc3\xa9\r\n"),
        (b"Pragma: no-cache\r\n", b"Pragma: a\0b\r\n"),
        (b"Pragma: no-cache\r\n", b": no-cache\r\n"),
        (b"Pragma: no-cache\r\n", b"no-cache\r\n"),
        (b"Pragma: no-cache\r\n", b"Content-Length: 0\r\n"),
        (b"Pragma: no-cache\r\n", b"Transfer-Encoding: chunked\r\n"),
        (b"Pragma: no-cache\r\n", b"Expect: 100-continue\r\n"),
        (b"theme=dark", b'theme="dark"'),
        (b"Upgrade: websocket", b"Upgrade: h2c"),
        (b"keep-alive, Upgrade", b"keep-alive"),
        (b"Version: 13", b"Version: 8"),
        (KEY.encode("ascii"), b"c2hvcnQ="),
        (KEY.encode("ascii"), b"dGhlIHNhbXBsZSBub25jZQ"),
    ],
)
def test_anything_unusual_is_left_to_tornado(before: bytes, after: bytes) -> None:
    sent = HEAD.replace(before, after)
    assert sent != HEAD
    assert read_handshake(sent) is None


@pytest.mark.parametrize("sent", [HEAD[:-1], HEAD[:-4], HEAD + b"\x81\x80", b"", b"\r\n\r\n", b"\x16\x03\x01"])
def test_more_or_less_than_a_head_is_left_to_tornado(sent: bytes) -> None:
    assert read_handshake(sent) is None


_PIECES = st.sampled_from(
    [b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b";", b"=", b"&", b"?", b"%41", b"+", b"\0", b"\xff", b'"', b",", b"x"]
)
_EDITS = st.lists(st.tuples(st.integers(0, len(HEAD) - 5), st.integers(0, 3), _PIECES), min_size=1, max_size=3)


@given(_EDITS)
def test_whatever_is_read_is_what_tornado_reads(edits: list[tuple[int, int, bytes]]) -> None:
    sent = HEAD
    for place, removed, piece in edits:
        sent = sent[:place] + piece + sent[place + removed :]
    found = read_handshake(sent)
    if found is not None:
        assert _as_tornado(sent) == (found, True)


def _as_tornado(sent: bytes) -> tuple[Handshake, bool] | str:
    first, _, rest = sent.decode("latin1").partition("\r\n")
    try:
        headers = HTTPHeaders.parse(rest)
        cookie = parse_cookie(headers.get("Cookie", "")).get("lousa_session")
    except (HTTPInputError, CookieError) as error:
        return repr(error)
    request = re.fullmatch(r"GET ([^? ]+)(?:\?(\S*))? HTTP/1\.1", first)
    if request is None:
        return first
    query = {name: values[-1] for name, values in parse_qs(request[2] or "", keep_blank_values=True).items()}
    mine = read_handshake(sent)
    assert mine is not None
    assert {name.lower(): value for name, value in headers.get_all()} == mine.headers
    is_right = WebSocketProtocol13.compute_accept_value(headers["Sec-Websocket-Key"]).encode("ascii") in mine.answer()
    return Handshake(request[1], query, mine.headers, cookie), is_right
