"""Finds the credential of a connecting client in an HTTP request.

A page's credential is its cookie. Browsers send it automatically, so such a request must come from our own origin.
A program's credential is a bearer token: the header `Authorization`, the parameter `access_token` (not `token`, which
stock long-poll clients use for their session), or where Phoenix' client puts it: the subprotocol that it offers for a
WebSocket, or the header `X-Phoenix-AuthToken` of a poll.
"""

import base64
from collections.abc import Mapping
from typing import NamedTuple

SIGN_IN_COOKIE = "lousa_session"

_SUBPROTOCOL = "base64url.bearer.phx."


class Credential(NamedTuple):
    """A secret, and whether the browser sent it automatically (`ambient`)."""

    secret: str
    ambient: bool


def find_credential(headers: Mapping[str, str], access_token: str | None, cookie: str | None) -> Credential | None:
    """Return the credential of a request; a bearer token takes precedence over the cookie."""
    bearer = _from_header(headers) or access_token or headers.get("X-Phoenix-AuthToken") or _from_subprotocol(headers)
    if bearer:
        return Credential(bearer, ambient=False)
    return Credential(cookie, ambient=True) if cookie else None


def _from_header(headers: Mapping[str, str]) -> str | None:
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _from_subprotocol(headers: Mapping[str, str]) -> str | None:
    for offered in headers.get("Sec-WebSocket-Protocol", "").split(","):
        name = offered.strip()
        if name.startswith(_SUBPROTOCOL):
            return _decoded(name.removeprefix(_SUBPROTOCOL))
    return None


def _decoded(text: str) -> str | None:
    # Standard alphabet despite the name, unpadded. Browsers refuse "/" in a subprotocol, so the URL-safe alphabet is
    # accepted as well.
    standard = text.replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(standard + "=" * (-len(text) % 4), validate=True).decode()
    except ValueError:  # neither base64 nor ASCII nor UTF-8
        return None
