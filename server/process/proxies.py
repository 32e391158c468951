"""The proxies that stand before the server, and what they say of a request: the browser's address and scheme.

    browser -> proxy 1 -> proxy 2 -> us        X-Forwarded-For: <what the browser wrote>, browser, proxy 1
                                                                                       <- read from the right

Each proxy adds the address that it was called from. So the chain is read from the right, as long as the address that
wrote an entry is a trusted proxy's; what stands further left may be forged. `X-Forwarded-Proto` is the last proxy's.
All other headers of this kind are ignored, and all are removed, so that no part of the server can trust one by mistake.
"""

import ipaddress
from collections.abc import Collection, Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import NamedTuple

from tornado.httputil import HTTPHeaders

Network = IPv4Network | IPv6Network

# As proxies name them; the last ones are read by Tornado's `xheaders`, and by others.
FORWARDED = (
    "X-Forwarded-For",
    "X-Forwarded-Proto",
    "X-Forwarded-Host",
    "X-Forwarded-Port",
    "X-Real-Ip",
    "X-Scheme",
    "Forwarded",
)


class Caller(NamedTuple):
    """Who has sent a request: the address, and the scheme (http or https) that it used."""

    address: str
    scheme: str


class Proxies:
    """The networks of the trusted proxies."""

    def __init__(self, networks: Collection[Network] = ()) -> None:
        self._networks = tuple(networks)

    def trusts(self, address: str) -> bool:
        """Tell whether an address is a trusted proxy's."""
        if not self._networks:
            return False
        found = _read_address(address)
        return found is not None and any(found in network for network in self._networks)

    def caller(self, peer: Caller, headers: HTTPHeaders) -> Caller:
        """Return who has sent the request that came from `peer`; removes the headers that say so."""
        found = self.read_caller(peer, headers)
        for name in FORWARDED:
            headers.pop(name, None)
        return found

    def read_caller(self, peer: Caller, headers: Mapping[str, str]) -> Caller:
        """Return who has sent the request that came from `peer`; the headers stay as they are."""
        if not self.trusts(peer.address):
            return peer
        address = peer.address
        for entry in reversed(headers.get("X-Forwarded-For", "").split(",")):
            found = _read_address(entry.strip())
            if found is None:
                break
            address = str(found)
            if not self.trusts(address):
                break
        scheme = headers.get("X-Forwarded-Proto", "").rpartition(",")[2].strip().lower()
        return Caller(address, scheme if scheme in ("http", "https") else peer.scheme)


def read_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Read addresses and networks (10.0.0.0/8); raises ValueError that names the one that is neither."""
    return tuple(_read_network(text) for text in texts)


def _read_network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise ValueError(text) from error


def _read_address(text: str) -> IPv4Address | IPv6Address | None:
    # Some proxies add the port: 192.0.2.7:50112, [2001:db8::7]:50112.
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
