"""The way of browsers: a request through the public address, as Lousa gets it, and the places of nginx.

The request has forged headers, as a stranger's might: none of them may reach Lousa. `/requestz` answers with what did.
"""

import http.client
import json
import os
import re
import ssl
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from server.checks.finding import Finding, error, ok, warning

_PART = "proxy"
ANSWER_SECONDS = 10
# An address for documentation (RFC 5737): nobody comes from there.
_FORGED = "203.0.113.77"
# Of /requestz: three short words. A page of an error may be longer, and is not read.
_MAX_BYTES = 64 * 1024
CLOCK_SECONDS = 5.0

_UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",  # the example of RFC 6455
}


def check_proxy(url: str) -> Iterator[Finding]:
    """Check how a request to the public address of a server that runs arrives there."""
    try:
        status, headers, body = _get(url, "/requestz", {"X-Forwarded-For": _FORGED, "X-Real-IP": _FORGED})
    except (OSError, http.client.HTTPException) as problem:
        yield error(_PART, f"{url} does not answer: {problem}", _what_helps(problem))
        return
    received = _read(body) if status == http.HTTPStatus.OK else None
    if received is None:
        advice = "Does the proxy lead to Lousa's --port, and does this version of Lousa run?"
        yield error(_PART, f"{url}/requestz is answered with {status}, and not by Lousa.", advice)
        return
    yield from _judge(url, received)
    yield from _check_upgrade(url)
    yield from _check_time(headers.get("Date"))


def _get(url: str, path: str, headers: dict[str, str]) -> tuple[int, http.client.HTTPMessage, bytes]:
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port
    connection = (
        http.client.HTTPSConnection(host, port, timeout=ANSWER_SECONDS, context=ssl.create_default_context())
        if parts.scheme == "https"
        else http.client.HTTPConnection(host, port, timeout=ANSWER_SECONDS)
    )
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        return response.status, response.headers, response.read(_MAX_BYTES)
    finally:
        connection.close()


def _read(body: bytes) -> dict[str, Any] | None:
    try:
        received = json.loads(body)
    except ValueError:
        return None
    return received if isinstance(received, dict) and received.keys() >= {"address", "scheme", "host"} else None


def _what_helps(problem: Exception) -> str:
    if isinstance(problem, ssl.SSLCertVerificationError):
        return "Give the proxy a certificate for this name that browsers trust, with its whole chain."
    return "Does the name lead to the proxy, and does the proxy run?"


def _judge(url: str, received: dict[str, Any]) -> Iterator[Finding]:
    wanted, scheme = urlsplit(url).netloc.lower(), urlsplit(url).scheme
    text = f"Lousa gets this request from {received['address']}, by {received['scheme']}, for {received['host']}."
    problems = list(_problems(received, wanted, scheme))
    yield from problems
    if not problems:
        yield ok(_PART, text)


def _problems(received: dict[str, Any], host: str, scheme: str) -> Iterator[Finding]:
    if received["address"] == _FORGED:
        text = "Anybody can say where they come from: Lousa believes an X-Forwarded-For of the browser's."
        yield error(_PART, text, "Let the proxy replace it: proxy_set_header X-Forwarded-For $remote_addr;")
    if received["scheme"] != scheme:
        text = f"Lousa takes this request by {scheme} for one by {received['scheme']}."
        advice = "Start Lousa with --behind-proxy and the proxy's address; proxy_set_header X-Forwarded-Proto $scheme;"
        yield error(_PART, text, advice)
    if str(received["host"]).lower() != host:
        text = f"Lousa gets the name {received['host']} instead of {host}, so that no page may open a socket."
        yield error(_PART, text, "proxy_set_header Host $http_host;")


def _check_upgrade(url: str) -> Iterator[Finding]:
    """Ask for a socket without a sign-in: Lousa refuses that with 403 if all of the handshake arrives."""
    try:
        status, _, _ = _get(url, "/students/socket/websocket?vsn=2.0.0", _UPGRADE)
    except (OSError, http.client.HTTPException) as problem:
        yield error("WebSocket", f"The proxy ends the request for a WebSocket: {problem}", "See deploy/nginx.conf.")
        return
    if status == http.HTTPStatus.FORBIDDEN:
        yield ok("WebSocket", "The proxy lets WebSockets through.")
    else:
        advice = (
            "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; and Connection, as deploy/nginx.conf has"
        )
        yield warning("WebSocket", f"WebSockets do not get through ({status}): all clients poll.", advice)


def _check_time(date: str | None) -> Iterator[Finding]:
    away = abs(parsedate_to_datetime(date).timestamp() - time.time()) if date else 0.0
    if away > CLOCK_SECONDS:
        yield warning("clock", f"The server's clock and this machine's differ by {away:.0f} s.", "Set both by NTP.")


def check_nginx(configuration: Path, clients: int) -> Iterator[Finding]:
    """Check that nginx has places for so many clients, if it runs on this machine: each takes two."""
    try:
        text = re.sub(r"#.*", "", configuration.read_text(errors="replace"))
    except OSError:
        return
    # nginx's own defaults.
    places = _number(text, "worker_connections", 512) * _number(text, "worker_processes", 1)
    said = f"nginx has {places} places, and {clients} clients need {2 * clients}, one to them and one to Lousa."
    if places < 2 * clients:
        wanted = -(-2 * clients // _number(text, "worker_processes", 1))
        advice = f"In {configuration}: events {{ worker_connections {wanted}; }} and worker_rlimit_nofile {2 * wanted};"
        yield warning("nginx", said, advice)
    else:
        yield ok("nginx", said)


def _number(text: str, name: str, default: int) -> int:
    found = re.search(rf"\b{name}\s+(\w+)\s*;", text)
    if found is None:
        return default
    return int(found[1]) if found[1].isdigit() else os.cpu_count() or default
