"""Who has sent a request, as trusted proxies say it, and nobody else."""

import pytest
from tornado.httputil import HTTPHeaders

from server.process.proxies import FORWARDED, Caller, Proxies, read_networks

PROXIES = Proxies(read_networks(["127.0.0.1", "::1", "10.0.0.0/8"]))
PEER = Caller("127.0.0.1", "http")


def headers(**given: str) -> HTTPHeaders:
    return HTTPHeaders({name.replace("_", "-"): value for name, value in given.items()})


@pytest.mark.parametrize(
    ("chain", "address"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("6.6.6.6, 192.0.2.7", "192.0.2.7"),
        ("6.6.6.6, 192.0.2.7, 10.1.2.3", "192.0.2.7"),
        ("10.9.9.9, 10.1.2.3", "10.9.9.9"),
        ("192.0.2.7:50112", "192.0.2.7"),
        ("[2001:db8::7]:50112", "2001:db8::7"),
        ("2001:DB8::7", "2001:db8::7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("6.6.6.6, x", "127.0.0.1"),
        ("6.6.6.6, ", "127.0.0.1"),
        ("6.6.6.6, unknown, 10.1.2.3", "10.1.2.3"),
        ("", "127.0.0.1"),
    ],
)
def test_chain_is_read_from_the_right_through_trusted_proxies(chain: str, address: str) -> None:
    assert PROXIES.caller(PEER, headers(X_Forwarded_For=chain)).address == address


@pytest.mark.parametrize(
    ("proto", "scheme"),
    [("https", "https"), ("http, https", "https"), ("https, http", "http"), ("HTTPS", "https"), ("wss", "http")],
)
def test_scheme_is_the_last_proxys(proto: str, scheme: str) -> None:
    assert PROXIES.caller(PEER, headers(X_Forwarded_Proto=proto)).scheme == scheme


def test_other_headers_of_the_kind_are_ignored_and_all_are_removed() -> None:
    given = HTTPHeaders({**dict.fromkeys(FORWARDED, "6.6.6.6"), "X-Scheme": "https", "X-Forwarded-For": "192.0.2.7"})
    assert PROXIES.caller(PEER, given) == Caller("192.0.2.7", "http")
    assert not given.keys()


@pytest.mark.parametrize("peer", ["192.0.2.9", "0.0.0.0", "not an address"])
def test_headers_from_another_address_are_ignored(peer: str) -> None:
    given = headers(X_Forwarded_For="192.0.2.7", X_Forwarded_Proto="https", X_Real_Ip="6.6.6.6", Accept="x")
    assert PROXIES.caller(Caller(peer, "http"), given) == Caller(peer, "http")
    assert list(given.keys()) == ["Accept"]


def test_nobody_is_trusted_unless_named() -> None:
    assert not Proxies().trusts("127.0.0.1")
    assert PROXIES.trusts("::ffff:10.0.0.1")


@pytest.mark.parametrize("text", ["1", "true", "10.0.0.1/8", "proxy.example", "", "10.0.0.0/33"])
def test_anything_but_addresses_and_networks_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=f"^{text}$"):
        read_networks(["127.0.0.1", text])
