"""An OpenID provider that says whatever a test wants: what honest providers never do, dishonest ones may.

It checks codes, PKCE and the client's secret as the standards ask for, and signs any claims with any key. Providers
that others have written are in tests/oidc.
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from joserfc import jws
from joserfc.jwk import RSAKey
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application, RequestHandler

from server.clock import Clock
from server.oidc.provider import Provider
from server.oidc.token import ALGORITHMS

CLIENT = "lousa"
SECRET = "a secret: with + and %"
# Making a key takes a tenth of a second: all tests share them.
KEYS = [RSAKey.generate_key(2048, {"kid": f"key-{number}", "use": "sig", "alg": "RS256"}) for number in range(2)]


@dataclass
class Liar:
    """A provider at `url`. What a test sets is what it says: `metadata` and `claims` go over the honest ones."""

    clock: Clock
    keys: list[RSAKey] = field(default_factory=lambda: KEYS[:1])
    issuer_path: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    key_fields: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    answer: tuple[int, str] | None = None
    port: int = 0

    def start(self) -> None:
        """Listen."""
        self._codes: dict[str, tuple[dict[str, str], str]] = {}
        given = {"liar": self}
        self._server = HTTPServer(
            Application([(r".*/openid-configuration", _Metadata, given), (r"/(\w+)", _Endpoint, given)])
        )
        socket, self.port = bind_unused_port()
        self._server.add_socket(socket)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """Listen for the length of a block."""
        self.start()
        yield self
        await self.stop()

    async def stop(self) -> None:
        """Listen no more."""
        self._server.stop()
        await self._server.close_all_connections()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def issuer(self) -> str:
        """The issuer that it claims to be."""
        return self.url + self.issuer_path

    def consent(self, location: str, token: str | None = None, **claims: Any) -> dict[str, str]:
        """Answer an authorization request as if the user had signed in; return the parameters of the way back.

        The ID token will have these claims (None: leaves one out), or is `token`.
        """
        asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        made = token or self.sign({**self.honest(asked["nonce"]), **claims})
        code = secrets.token_urlsafe(8)
        self._codes[code] = (asked, made)
        return {"code": code, "state": asked["state"]}

    def honest(self, nonce: str = "") -> dict[str, Any]:
        """Return the claims of an honest ID token."""
        now = self.clock() // 1000
        times = {"iat": now, "exp": now + 300}
        return {"iss": self.issuer, "sub": "1001", "aud": CLIENT, "nonce": nonce, "preferred_username": "ana", **times}

    def sign(self, claims: dict[str, Any], key: RSAKey | None = None, **header: Any) -> str:
        """Return a token with these claims, but for those that are None."""
        key = key or self.keys[-1]
        stated = {"alg": "RS256", "kid": key.kid, **header}
        return jws.serialize_compact(stated, _payload(claims), key, algorithms=["RS256"])

    def token(self, fields: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """Answer the token endpoint (RFC 6749, section 4.1.3; RFC 7636, section 4.6)."""
        pair = base64.b64decode(authorization.removeprefix("Basic ")).decode().split(":")
        if [unquote(each) for each in pair] != [CLIENT, SECRET]:
            return 401, {"error": "invalid_client"}
        asked, token = self._codes.pop(fields["code"], ({}, ""))
        digest = base64.urlsafe_b64encode(hashlib.sha256(fields["code_verifier"].encode()).digest()).rstrip(b"=")
        if asked.get("code_challenge") != digest.decode() or asked["redirect_uri"] != fields["redirect_uri"]:
            return 400, {"error": "invalid_grant", "error_description": "secrets"}
        return 200, {"access_token": "access", "token_type": "Bearer", "id_token": token}


class _Handler(RequestHandler):
    liar: Liar

    def initialize(self, liar: Liar) -> None:
        self.liar = liar

    def say(self, status: int, found: dict[str, Any]) -> None:
        self.liar.asked.append(self.request.path)
        if self.liar.answer is not None:
            status, text = self.liar.answer
        else:
            text = json.dumps(found)
        self.set_status(status)
        self.finish(text)


class _Metadata(_Handler):
    def get(self) -> None:
        url = self.liar.url
        addresses = {f"{name}_endpoint": f"{url}/{name}" for name in ("authorization", "token", "userinfo")}
        self.say(200, {"issuer": self.liar.issuer, **addresses, "jwks_uri": f"{url}/jwks", **self.liar.metadata})


class _Endpoint(_Handler):
    def get(self, name: str) -> None:
        if name == "jwks":
            self.say(200, {"keys": [{**key.as_dict(private=False), **self.liar.key_fields} for key in self.liar.keys]})
        elif name == "userinfo" and self.request.headers["Authorization"] == "Bearer access":
            self.say(200, self.liar.userinfo)

    def post(self, name: str) -> None:
        assert name == "token"
        fields = {name: self.get_body_argument(name) for name in self.request.body_arguments}
        self.say(*self.liar.token(fields, self.request.headers["Authorization"]))


def provider(name: str, liar: Liar, **others: Any) -> Provider:
    """Return what a school says of this provider."""
    usual: dict[str, Any] = {
        "kind": "other",
        "title": name.title(),
        "issuer": liar.issuer,
        "client_id": CLIENT,
        "client_secret": SECRET,
        "claim": "preferred_username",
        "finds": "login",
        "domains": (),
        "tenants": (),
        "scopes": ("openid",),
        "algorithms": ALGORITHMS,
        "prompt": "",
        "prompt_choose": "login",
    }
    return Provider(name=name, **{**usual, **others})


def unsigned(claims: dict[str, Any]) -> str:
    """Return a token that nobody has signed (alg none)."""
    return f"{_text({'alg': 'none'})}.{_text(claims)}."


def signed_with_public_key(claims: dict[str, Any], key: RSAKey) -> str:
    """Return a token whose HMAC has the provider's public key as its secret: everybody has that."""
    head = f"{_text({'alg': 'HS256', 'kid': key.kid})}.{_text(claims)}"
    digest = hmac.digest(key.as_pem(private=False), head.encode(), "sha256")
    return f"{head}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def back(answer: dict[str, str], name: str = "school") -> str:
    """Return the address at which a browser comes back with an answer."""
    return f"/accounts/through/{name}/back?{urlencode(answer)}"


def _payload(claims: dict[str, Any]) -> bytes:
    return json.dumps({name: value for name, value in claims.items() if value is not None}).encode()


def _text(found: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(_payload(found)).rstrip(b"=").decode()
