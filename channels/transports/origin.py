"""Tells by a browser's headers whether a request that carries a cookie comes from a page that may use it.

A browser attaches a cookie to requests of foreign pages, too: to links, and whatever SameSite says to all requests from
other ports and names of the same site. No page can forge these headers:

* `Origin`: with every WebSocket, every request to another origin by a script, every POST;
* `Sec-Fetch-Site`: with every request by browsers since 2023, except over plain HTTP to another machine;
* `Referer`: with every request of our own pages, whose Referrer-Policy says so.

A request with none of them is not from a page of ours. A program has a token, which needs no such check; or it opens
a WebSocket with a cookie: one without an `Origin` is no browser's, and no script can set `Sec-WebSocket-Key`.
"""

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

_PORTS = {"http": ":80", "https": ":443"}

# The page's own origin, or a URL that the user has typed.
_OWN_SITES = ("same-origin", "none")


def origin_of(scheme: str, host: str) -> str:
    """Return the origin of pages of this Host header, as a browser writes it (RFC 6454, section 6.2)."""
    return f"{scheme}://{host}".lower().removesuffix(_PORTS.get(scheme, ""))


def comes_from(headers: Mapping[str, str], allows: Callable[[str], bool]) -> bool:
    """Tell whether a request comes from a page whose origin is allowed."""
    origin, site, referer = (headers.get(name) for name in ("Origin", "Sec-Fetch-Site", "Referer"))
    if origin is not None:
        return allows(origin)
    if site is not None:
        return site in _OWN_SITES
    if referer is not None:
        return allows(_origin_of_url(referer))
    return "Sec-WebSocket-Key" in headers


def _origin_of_url(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""  # as of "http://["
    return origin_of(parts.scheme, parts.netloc.rpartition("@")[2])
