"""One HTTP request on a new connection, for tests: any of several workers may receive it.

It uses a plain stream, so that a cancelled request drops its connection at once.
"""

import asyncio
from collections.abc import Mapping
from typing import NamedTuple


class Lost(Exception):
    """No complete answer arrived."""


class Answer(NamedTuple):
    """An HTTP status and a body."""

    status: int
    body: bytes


async def exchange(
    port: int,
    method: str,
    path: str,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    *,
    host: str = "127.0.0.1",
) -> Answer:
    """Send a request to a port of a host; raises `Lost`."""
    try:
        reader, writer = await asyncio.open_connection(host, port)
    except OSError as error:
        raise Lost(f"nobody listens: {error}") from error
    try:
        writer.write(_request(f"{host}:{port}", method, path, headers or {}, body))
        return await _read_answer(reader)
    except (OSError, asyncio.IncompleteReadError, ValueError) as error:
        raise Lost(f"{type(error).__name__}: {error}") from error
    finally:
        writer.transport.abort()


def _request(host: str, method: str, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: {host}",
        "Connection: close",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    if method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


async def _read_answer(reader: asyncio.StreamReader) -> Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
    return Answer(int(head[0].split(" ")[1]), await reader.readexactly(int(headers["content-length"])))
