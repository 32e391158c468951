"""Compression of answers: which encoding a client wants, and the compression of pages and long-poll answers.

Static files are compressed once, as small as they get (views/static.py). What is made for each request is compressed by
gzip only, at a level that costs 0.1 ms for a page.

A compressed answer's length tells something of its contents, also through TLS. An attack (BREACH, 2013) needs a secret
in the answer, words of the attacker beside it, and many answers to compare. Pages carry Tornado's XSRF token, which is
masked anew in each answer. A poll's token stands in its answers beside what others write: it is stored as it is, in a
block that the compression before and after it does not know. The sign-in is in no body. For what remains, names and
messages beside messages of others, each answer has up to 100 random bytes in its header, as Django's have.
"""

import re
import secrets
import struct
import zlib
from http import HTTPStatus

from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.web import OutputTransform

# Under this size an answer fits into one packet with its headers, and compressing it saves nothing.
MIN_BYTES = 1024
# Level 6 makes a page 3 % smaller than 4, and takes twice as long.
_LEVEL = 4
_MAX_BLUR = 100
# The first that a poll's answer has is its own: it stands before the messages.
_TOKEN = re.compile(rb'"token":"([^"]{1,128})"')
_TEXTS = ("text/", "application/json", "application/javascript", "application/manifest+json", "image/svg+xml")


def is_text(content_type: str) -> bool:
    """Tell whether something of this type becomes smaller; images and fonts are compressed already."""
    return content_type.startswith(_TEXTS)


def choose(accepted: str, offered: tuple[str, ...]) -> str | None:
    """Return the encoding that an Accept-Encoding header prefers (RFC 9110, section 12.5.3), or None for no encoding.

    `offered` are ours, the best first: it decides between those that the client likes as well.
    """
    weights = dict(_weighted(item) for item in accepted.split(","))
    weight, best = max(((weights.get(each, weights.get("*", 0.0)), -at) for at, each in enumerate(offered)))
    return offered[-best] if weight > 0 else None


def _weighted(item: str) -> tuple[str, float]:
    coding, _, parameter = item.partition(";")
    name, _, value = parameter.partition("=")
    try:
        return coding.strip().lower(), float(value) if name.strip().lower() == "q" else 1.0
    except ValueError:
        return coding.strip().lower(), 0.0


def blurred_gzip(data: bytes) -> bytes:
    """Compress all but the token of a poll's answer; the header (RFC 1952) has a file name of random length."""
    name = secrets.token_hex(_MAX_BLUR // 2)[: secrets.randbelow(_MAX_BLUR + 1)].encode()
    header = b"\x1f\x8b\x08\x08" + bytes(4) + b"\x00\xff" + name + b"\x00"  # gzip, deflate, a name; no time; unknown OS
    found = _TOKEN.search(data)
    start, end = found.span(1) if found else (0, 0)
    body = _deflated(data[:start], zlib.Z_FULL_FLUSH) + _stored(data[start:end]) + _deflated(data[end:], zlib.Z_FINISH)
    return header + body + struct.pack("<LL", zlib.crc32(data), len(data) & 0xFFFFFFFF)


def _deflated(data: bytes, flush: int) -> bytes:
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush(flush)


def _stored(data: bytes) -> bytes:
    """Return a block without compression (RFC 1951, section 3.2.4); a token has at most 128 bytes."""
    return b"\x00" + struct.pack("<HH", len(data), len(data) ^ 0xFFFF) + data


class Compressed(OutputTransform):
    """Compresses an answer that is text, whole and large enough, for clients that accept it."""

    def __init__(self, request: HTTPServerRequest) -> None:
        self._accepted = request.headers.get("Accept-Encoding", "")

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        """Compress the body of a whole answer, and say that it depends on what the client accepts."""
        if "Content-Encoding" in headers or not is_text(headers.get("Content-Type", "")):
            return status_code, headers, chunk
        if status_code != HTTPStatus.SWITCHING_PROTOCOLS:
            _vary(headers)
        if not finishing or len(chunk) < MIN_BYTES or choose(self._accepted, ("gzip",)) is None:
            return status_code, headers, chunk
        packed = blurred_gzip(chunk)
        headers["Content-Encoding"] = "gzip"
        headers["Content-Length"] = str(len(packed))
        _weaken(headers)
        return status_code, headers, packed


def _vary(headers: HTTPHeaders) -> None:
    given = headers.get("Vary", "")
    if "accept-encoding" not in given.lower():
        headers["Vary"] = f"{given}, Accept-Encoding" if given else "Accept-Encoding"


def _weaken(headers: HTTPHeaders) -> None:
    """Mark the tag as weak: a strong one promises the same bytes (RFC 9110, section 8.8.1), and these differ."""
    tag = headers.get("Etag", "")
    if tag and not tag.startswith("W/"):
        headers["Etag"] = f"W/{tag}"
