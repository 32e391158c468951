"""Checks ID tokens (OpenID Connect Core 1.0, section 3.1.3.7) and logout tokens (Back-Channel Logout 1.0, section 2.6).

Without I/O: the token, the key and the time are passed in. The signature is joserfc's part; what must be in the claims
stands here.
"""

import hmac
from collections.abc import Mapping
from typing import Any, NamedTuple

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key

from server.oidc.errors import ProviderRefused
from server.oidc.provider import TENANT, Provider

# Asymmetric ones only: with HS256 the public key, or the client's secret, could sign; with none, anybody.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519")
# Clocks of schools' machines are off by a minute or two. A replay gains nothing by it: code and nonce work once.
LEEWAY_SECONDS = 180
# A token comes straight from the provider, or is sent at once; an older one was kept by somebody.
MAX_AGE_SECONDS = 600
# As wide as the columns; a subject has at most 255 characters (OpenID Connect Core 1.0, section 2).
MAX_CHARACTERS = 255
_LOGOUT = "http://schemas.openid.net/event/backchannel-logout"

Claims = Mapping[str, Any]


class Header(NamedTuple):
    """What a token says of its signature, unverified: only for finding the key."""

    algorithm: str
    kid: str | None


class Identity(NamedTuple):
    """Who has signed in, as the provider says: `issuer` and `subject` never change for a person.

    `sid` is the provider's session, empty where it names none.
    """

    issuer: str
    subject: str
    sid: str
    claims: Claims


class Ended(NamedTuple):
    """Which sign-ins have ended at the provider: those of a subject, or of a session, or both (else empty).

    `jti` is the number of this message, which counts once until the time `until`, s since 1970.
    """

    issuer: str
    subject: str
    sid: str
    jti: str
    until: int


def read_header(token: str, provider: Provider) -> Header:
    """Return the header of a token; raise ProviderRefused unless its algorithm may sign for this provider."""
    registry = jws.JWSRegistry(algorithms=provider.algorithms, strict_check_header=False)
    try:
        header = jws.extract_compact(token.encode(), registry=registry).headers()
    except (JoseError, ValueError) as error:
        raise _invalid("the token is none") from error
    algorithm, kid = header.get("alg"), header.get("kid")
    if algorithm not in provider.algorithms:
        raise _invalid(f"the token is signed with {str(algorithm)[:16]!r}")
    return Header(algorithm, kid if isinstance(kid, str) else None)


def verify(token: str, key: Key, header: Header) -> Claims:
    """Return the claims of a token that this key has signed; raise ProviderRefused for any other."""
    algorithms = [header.algorithm]
    registry = jws.JWSRegistry(algorithms=algorithms, strict_check_header=False)
    try:
        return jwt.decode(token, key, algorithms=algorithms, registry=registry).claims
    except (JoseError, ValueError) as error:
        raise _invalid(f"the signature does not fit ({type(error).__name__})") from error


def check_id_token(claims: Claims, provider: Provider, nonce: str, now: int) -> Identity:
    """Return whose ID token this is, at a time in s since 1970; raise ProviderRefused."""
    _check_times(claims, now)
    issuer = _check_issuer(claims, provider)
    _check_audience(claims, provider)
    if not hmac.compare_digest(_text(claims, "nonce").encode(), nonce.encode()):
        raise _invalid("the nonce is another")
    _check_school(claims, provider)
    subject = _text(claims, "oid") if provider.kind == "entra" else _text(claims, "sub")
    if not subject:
        raise _invalid("the token names nobody")
    return Identity(issuer, subject, _text(claims, "sid"), claims)


def check_logout_token(claims: Claims, provider: Provider, now: int) -> Ended:
    """Return which sign-ins have ended; raise ProviderRefused where the token does not say so."""
    _check_times(claims, now, needs_end=False)
    issuer = _check_issuer(claims, provider)
    _check_audience(claims, provider)
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(_LOGOUT), dict):
        raise _invalid("it is no logout token")
    if "nonce" in claims:
        raise _invalid("a logout token has no nonce: this is an ID token")
    ended = Ended(
        issuer,
        _text(claims, "sub"),
        _text(claims, "sid"),
        _text(claims, "jti"),
        _number(claims, "iat") + MAX_AGE_SECONDS + LEEWAY_SECONDS,
    )
    if not ended.jti or not (ended.subject or ended.sid):
        raise _invalid("the logout token names no session, or has no number")
    return ended


def _check_times(claims: Claims, now: int, *, needs_end: bool = True) -> None:
    issued_at = _number(claims, "iat")
    if issued_at - now > LEEWAY_SECONDS:
        raise _invalid(f"the token is of the future, by {issued_at - now} s: one of the two clocks is wrong")
    if now - issued_at > MAX_AGE_SECONDS + LEEWAY_SECONDS:
        raise _invalid(f"the token is {now - issued_at} s old")
    if (needs_end or "exp" in claims) and now - _number(claims, "exp") > LEEWAY_SECONDS:
        raise _invalid("the token has expired")
    if "nbf" in claims and _number(claims, "nbf") - now > LEEWAY_SECONDS:
        raise _invalid("the token is not valid yet")


def _check_issuer(claims: Claims, provider: Provider) -> str:
    issuer = _text(claims, "iss")
    if provider.kind == "entra":
        _check_tenant(claims, provider, issuer)
    elif not issuer or issuer != provider.issuer:
        raise _invalid("the issuer is another")
    return issuer


def _check_tenant(claims: Claims, provider: Provider, issuer: str) -> None:
    """Accept the issuer of one of the school's tenants; a logout token names the tenant there only."""
    before, after = provider.issuer.split(TENANT, 1)
    tenant = issuer.removeprefix(before).removesuffix(after)
    if issuer != f"{before}{tenant}{after}" or claims.get("tid", tenant) != tenant:
        raise _invalid("the issuer is another")
    if tenant not in provider.tenants:
        raise ProviderRefused("foreign", "the tenant is another")


def _check_audience(claims: Claims, provider: Provider) -> None:
    """Accept tokens for us alone: those that others may use, too, are not worth the risk."""
    audience = claims.get("aud")
    if audience not in (provider.client_id, [provider.client_id]):
        raise _invalid("the token is for another client")
    if claims.get("azp", provider.client_id) != provider.client_id:
        raise _invalid("the token was made for another client")


def _check_school(claims: Claims, provider: Provider) -> None:
    if provider.kind == "google" and _text(claims, "hd").lower() not in provider.domains:
        # Google names the Workspace of an account; private accounts have none, whatever their address says.
        raise ProviderRefused("foreign", "the Google account is of another Workspace, or of none")
    if provider.kind == "entra":
        if not _text(claims, "tid"):
            raise _invalid("the token names no tenant")
        if claims.get("idp", claims["iss"]) != claims["iss"] or claims.get("acct") in (1, "1"):
            raise ProviderRefused("foreign", "a guest of the tenant, whose name another organisation gives")


def names(claims: Claims, provider: Provider) -> tuple[str, ...]:
    """Return what the school's claim says of a person, in the order in which to look for it; () where it may not count.

    An address counts for one of the school's domains, `email` only if verified; with one domain also without it.
    """
    value = _text(claims, provider.claim)
    if not value or (provider.claim == "email" and claims.get("email_verified") is not True):
        return ()
    local, at, domain = value.rpartition("@")
    if provider.claim == "email" or (at and provider.finds == "login"):
        if not local or domain.lower() not in provider.domains:
            return ()
        return (value, local) if len(provider.domains) == 1 and provider.finds == "login" else (value,)
    return (value,)


def shown_name(claims: Claims) -> str:
    """Return how a page names the account that was used, so that its owner notices which one it was."""
    return next((found for name in ("email", "preferred_username", "name") if (found := _text(claims, name))), "")


def _text(claims: Claims, name: str) -> str:
    value = claims.get(name)
    return value if isinstance(value, str) and len(value) <= MAX_CHARACTERS and "\0" not in value else ""


def _number(claims: Claims, name: str) -> int:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        raise _invalid(f"the token has no {name}")
    return int(value)


def _invalid(message: str) -> ProviderRefused:
    return ProviderRefused("invalid", message)
