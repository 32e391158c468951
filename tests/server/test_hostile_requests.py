"""Hostile requests are answered, and never logged as errors."""

import asyncio
import base64
import re

from tests.lousa import Lousa

# Sent unchanged, each on a separate connection. `{head}` is the rest of a valid request.
POLL = "/students/socket/longpoll"
SOCKET = "/students/socket/websocket"
UPGRADE = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n" % (
    base64.b64encode(bytes(16))
)
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
MULTIPART = b"Content-Type: multipart/form-data; boundary=x\r\n"


def request(method: str, path: bytes | str, headers: bytes = b"", body: bytes = b"", host: bytes = b"x") -> bytes:
    """Make a raw request; adds a body's length unless the headers contain one."""
    target = path if isinstance(path, bytes) else path.encode()
    if body and b"content-length" not in headers.lower() and b"transfer-encoding" not in headers.lower():
        headers += b"Content-Length: %d\r\n" % len(body)
    return b"%s %s HTTP/1.1\r\nHost: %s\r\n%s\r\n%s" % (method.encode(), target, host, headers, body)


# Header lines to send to any URL.
HEADERS = {
    "origin that is no URL": b"Origin: http://[\r\nCookie: lousa_session=x\r\n",
    "origin in Latin-1": b"Origin: http://caf\xe9\r\nCookie: lousa_session=x\r\n",
    "origin twice": b"Origin: http://a\r\nOrigin: http://b\r\nCookie: lousa_session=x\r\n",
    "cookie of odd bytes": b'Cookie: lousa_session=\xff\xfe; =; ;;; a="b; \x01\r\n',
    "cookie in UTF-8": "Cookie: lousa_session=é\r\n".encode(),
    "form cookie that is none": b"Cookie: _xsrf=2|zz|zz|zz\r\n",
    "form cookie of odd bytes": b"Cookie: _xsrf=\xff\r\n",
    "language cookie": b"Cookie: lousa_language=\xff\r\n",
    "languages": b"Accept-Language: \xff;q=x,;,,en;q=;q=2\r\n",
    "authorization without a token": b"Authorization: Bearer\r\n",
    "authorization of odd bytes": b"Authorization: Bearer \xff\xfe\r\n",
    "authorization that is long": b"Authorization: Bearer " + b"x" * 8_000 + b"\r\n",
    "token of Phoenix in odd bytes": b"X-Phoenix-AuthToken: \xff\r\n",
    "poll token of odd bytes": b"X-Phoenix-Longpoll-Token: a.b.c.\xff\r\n",
    "poll token without parts": b"X-Phoenix-Longpoll-Token: ...\r\n",
    "range": b"Range: bytes=-0\r\n",
    "range that ends before it begins": b"Range: bytes=5-2\r\n",
    "range that is none": b"Range: bytes=\xff-x\r\n",
    "date that is none": b"If-Modified-Since: \xff\r\n",
    "date far away": b"If-Modified-Since: Mon, 99 Foo 99999 99:99:99 GMT\r\n",
    "tag that is none": b'If-None-Match: W/"\xff, \r\n',
    "forwarded": b"X-Forwarded-For: \xff, [::1\r\nX-Forwarded-Proto: \xff\r\n",
    "expectation": b"Expect: 100-continue\r\n",
    "expectation that is none": b"Expect: \xff\r\n",
    "length empty": b"Content-Length: \r\n",
    "length twice in one": b"Content-Length: 5, 5\r\n",
    "length that differs": b"Content-Length: 5\r\nContent-Length: 6\r\n",
    "length twice": b"Content-Length: 0\r\nContent-Length: 0\r\n",
    "length negative": b"Content-Length: -1\r\n",
    "length with a sign": b"Content-Length: +0\r\n",
    "length in words": b"Content-Length: five\r\n",
    "length of odd digits": "Content-Length: ٥\r\n".encode(),
    "length with an underscore": b"Content-Length: 1_0\r\n",
    "length huge": b"Content-Length: 99999999999999999999999\r\n",
    "length of very many digits": b"Content-Length: " + b"9" * 5_000 + b"\r\n",
    "length and chunks": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    "encoding that is none": b"Transfer-Encoding: \xff\r\n",
    "encoding of many": b"Transfer-Encoding: gzip, chunked\r\n",
    "no colon": b"nonsense\r\n",
    "empty name": b": x\r\n",
    "name of odd bytes": b"X\xff: x\r\n",
    "folded": b"X: a\r\n b\r\n",
    "null": b"X: \x00\r\n",
    "preflight": b"Origin: http://[\r\nAccess-Control-Request-Headers: \xff\r\n",
}
PLACES = {
    "poll": ("GET", POLL),
    "post": ("POST", POLL),
    "socket": ("GET", SOCKET),
    "page": ("GET", "/students/"),
    "form": ("GET", "/accounts/sign-in"),
    "sent form": ("POST", "/accounts/sign-in"),
    "file": ("GET", "/static/page.js"),
    "nowhere": ("OPTIONS", "/nowhere"),
    "health": ("GET", "/readyz"),
}
REQUESTS = {
    f"{what}: {header}": request(method, path, (UPGRADE if what == "socket" else b"") + line)
    for what, (method, path) in PLACES.items()
    for header, line in HEADERS.items()
}

# Query parameters that the socket URLs read.
QUERIES = [
    b"access_token=%ff%fe",
    b"access_token=\xff",
    b"access_token=%",
    b"token=%ff",
    b"token=a.b.c.d&token=%00",
    b"vsn=%ff",
    b"vsn=" + b"2." * 2_000,
    b"format=%ff",
    b"format=%00",
    b"access_token=%00",
    b"access_token=a%0d%0ab",
    b"=&&=;%&access_token",
    b"&".join([b"access_token=x"] * 2_000),
]
for query in QUERIES:
    name = query[:24]
    REQUESTS[f"poll: {name!r}"] = request("GET", POLL.encode() + b"?" + query)
    REQUESTS[f"post: {name!r}"] = request("POST", POLL.encode() + b"?" + query, b"", b"x")
    REQUESTS[f"socket: {name!r}"] = request("GET", SOCKET.encode() + b"?" + query, UPGRADE)
    REQUESTS[f"form: {name!r}"] = request("GET", b"/accounts/sign-in?next=%ff&ended=%ff&" + query)

for path in [
    b"/static/%00",
    b"/static/%ff",
    b"/static/..%2f..%2fserver.py",
    b"/static/" + b"x" * 5_000,
    b"/static/" + b"a/" * 2_000,
    b"/static/",
    b"/static/client",
    b"/docs/%ff",
    b"/docs/%00",
    b"/students/classes/" + b"9" * 400,
    b"/students/classes/%D9%A5",
    b"//[",
    b"http://[/",
    b"/%",
    b"/\xff",
    b"*",
    b"x",
    b"/accounts/strings/%ff.js",
    b"/students?\xff",
]:
    for method in ("GET", "HEAD", "POST", "BREW"):
        REQUESTS[f"{method} {path[:30]!r}"] = request(method, path)

XSRF = b"Cookie: _xsrf=x\r\n"
for kind, headers, body in [
    ("body that is no UTF-8", FORM, b"_xsrf=x&login=%ff&password=%ff"),
    ("body of odd bytes", FORM, b"_xsrf=x&login=\xff&password=\xff"),
    ("next that is no UTF-8", FORM, b"_xsrf=x&login=a&password=b&next=%ff"),
    ("null", FORM, b"_xsrf=x&login=a%00b&password=%00"),
    ("surrogate", FORM, b"_xsrf=x&login=%ed%a0%80&password=x"),
    ("many fields", FORM, b"&".join([b"a=b"] * 9_000)),
    ("form token that is no UTF-8", FORM, b"_xsrf=%ff"),
    ("long password", FORM, b"_xsrf=x&login=ana&password=" + b"x" * 60_000),
    ("parts that are none", MULTIPART, b"x"),
    ("parts without a name", MULTIPART, b"--x\r\nContent-Disposition: form-data\r\n\r\n\r\n--x--\r\n"),
    ("parts of odd bytes", MULTIPART, b'--x\r\nContent-Disposition: form-data; name="\xff"\r\n\r\n\xff\r\n--x--\r\n'),
    ("parts without a boundary", b"Content-Type: multipart/form-data\r\n", b"x"),
    ("packed", FORM + b"Content-Encoding: gzip\r\n", b"x"),
    ("chunked", FORM + b"Transfer-Encoding: chunked\r\n", b"5\r\n_xsrf\r\n0\r\n\r\n"),
    ("chunks that are none", FORM + b"Transfer-Encoding: chunked\r\n", b"-1\r\n\r\n"),
    ("chunks of odd bytes", FORM + b"Transfer-Encoding: chunked\r\n", b"\xff\r\n\r\n"),
    ("chunks huge", FORM + b"Transfer-Encoding: chunked\r\n", b"fffffffffffffffffffff\r\n"),
]:
    for address in ("/accounts/sign-in", "/accounts/first-sign-in", "/accounts/sign-out", "/accounts/language", POLL):
        REQUESTS[f"{address}: {kind}"] = request("POST", address, XSRF + headers, body)

FOREIGN = b"Origin: http://[\r\nCookie: lousa_session=x\r\n"
for host in [b"", b"\xff", b"[", b"a b", b"x:99999999", b"x, y", b"http://x/", b"x" * 5_000]:
    for address in ("/", POLL, "/docs/protocol", "/students/"):
        REQUESTS[f"{address}: host {host[:12]!r}"] = request("GET", address, FOREIGN, host=host)

TOKEN = b"base64url.bearer.phx."
for offered in [
    b"\xff",
    b"phoenix, " + TOKEN + b"\xff",
    TOKEN,
    TOKEN + b"=",
    b",,,",
    TOKEN + b"_w",
    TOKEN + "é".encode(),
    TOKEN + b"A" * 8_000,
    TOKEN + b"AAAAA",
]:
    lines = UPGRADE + b"Sec-WebSocket-Protocol: " + offered + b"\r\n"
    REQUESTS[f"socket: subprotocol {offered[-9:]!r}"] = request("GET", SOCKET, lines)
for line in [
    b"Sec-WebSocket-Key: \xff",
    b"Sec-WebSocket-Version: \xff",
    b"Sec-WebSocket-Version: 8",
    b"Upgrade: \xff",
    b"Connection: \xff",
    b"Sec-WebSocket-Extensions: permessage-deflate; x=\xff; ;;,",
]:
    REQUESTS[f"socket: {line!r}"] = request("GET", SOCKET, UPGRADE + line + b"\r\n")
REQUESTS["no request"] = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"
REQUESTS["another version"] = b"GET / HTTP/9.9\r\n\r\n"
REQUESTS["no version"] = b"GET /\r\n\r\n"
REQUESTS["spaces"] = b"GET  /  HTTP/1.1\r\nHost: x\r\n\r\n"
REQUESTS["a header that is too long"] = request("GET", "/", b"X: " + b"x" * 70_000 + b"\r\n")


async def status_of(port: int, sent: bytes, *, hangs_up: bool, seconds: float = 3) -> int | None:
    """Return the response's status; None without one in time, as for a body that is announced but not sent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent)
        if hangs_up:
            writer.write_eof()
        async with asyncio.timeout(seconds):
            line = await reader.readline()
        return int(line.split(b" ")[1]) if line else None
    except (TimeoutError, ConnectionError):
        return None
    finally:
        writer.close()


async def statuses_of(port: int, *, hangs_up: bool) -> dict[str, int | None]:
    """Send all requests, many concurrently."""
    line = asyncio.Semaphore(50)

    async def one(sent: bytes) -> int | None:
        async with line:
            return await status_of(port, sent, hangs_up=hangs_up)

    return dict(zip(REQUESTS, await asyncio.gather(*map(one, REQUESTS.values())), strict=True))


async def test_hostile_requests_never_log_an_error(lousa: Lousa) -> None:
    statuses = await statuses_of(lousa.port, hangs_up=False)
    hung_up = await statuses_of(lousa.port, hangs_up=True)
    # Sign-ins continue after their clients have hung up; those of one account are answered one after another.
    last = request("POST", "/accounts/sign-in", XSRF + FORM, b"_xsrf=x&login=ana&password=x")
    assert await status_of(lousa.port, last, hangs_up=False, seconds=60)
    lousa.stop()
    failed = {name: each for found in (statuses, hung_up) for name, each in found.items() if (each or 0) >= 500}
    logged = [line for line in lousa.log.splitlines() if re.search("ERROR|CRITICAL|Traceback", line)]
    assert (failed, logged) == ({}, [])
    assert {200, 302, 400, 403, 404} <= set(statuses.values())
