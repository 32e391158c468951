"""What a provider publishes: its metadata and its keys, kept for a while and fetched anew when keys rotate.

A provider that begins to sign with a new key publishes it first. So a token with an unknown key is a reason to fetch
the keys once more; not more often than every AGAIN_SECONDS, because strangers can send tokens with made-up keys.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Generic, NamedTuple, TypeVar
from urllib.parse import urlsplit

import msgspec
from joserfc import jwk
from joserfc.errors import JoseError
from joserfc.jwk import Key, RSAKey

from server.oidc.errors import ProviderRefused
from server.oidc.fetch import Fetcher
from server.oidc.provider import Provider
from server.oidc.token import Header

# Google's keys change every few days and Entra's every few weeks, each published days before; a key that was withdrawn
# must not count for long.
KEPT_SECONDS = 3600.0
# A browser that is sent to a provider which is away shows an error of its own, in nobody's words.
ALIVE_SECONDS = 20.0
# How soon after an attempt, good or bad, the next is made: a class whose thirty pupils press the button at once waits
# for one.
AGAIN_SECONDS = 10.0
# NIST SP 800-131A: shorter ones can be broken.
MIN_RSA_BITS = 2048
# Google publishes 2, Entra some 10; each costs a little to read.
MAX_KEYS = 64

T = TypeVar("T")


class Metadata(msgspec.Struct, frozen=True):
    """What we need of it (OpenID Connect Discovery 1.0, section 3; RFC 9207, section 3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


class SigningKey(NamedTuple):
    """A key, and for which issuer it signs: Entra's keys for all tenants say so, those of others leave it empty."""

    key: Key
    issuer: str


class Published:
    """What one provider publishes. Every coroutine raises ProviderRefused (`away`) if it cannot be had."""

    def __init__(
        self,
        provider: Provider,
        fetcher: Fetcher,
        clock: Callable[[], float] = time.monotonic,
        *,
        again_seconds: float = AGAIN_SECONDS,
    ) -> None:
        self._provider = provider
        self._fetcher = fetcher
        self._metadata = _Kept(self._fetch_metadata, clock, again_seconds)
        self._keys = _Kept(self._fetch_keys, clock, again_seconds)

    async def metadata(self) -> Metadata:
        """Return the metadata."""
        return await self._metadata.get()

    async def alive(self) -> Metadata:
        """Return the metadata of a provider that has answered a moment ago: a browser is to be sent there."""
        return await self._metadata.get(ALIVE_SECONDS)

    async def key(self, header: Header) -> SigningKey:
        """Return the key that a token names; raise ProviderRefused (`invalid`) where the provider has none such."""
        found = _matching(await self._keys.get(), header) or _matching(await self._keys.renewed(), header)
        if found is None:
            raise ProviderRefused("invalid", "the token is signed with an unknown key")
        return _import(found)

    async def _fetch_metadata(self) -> Metadata:
        found = await self._fetcher.get(self._provider.metadata_url)
        try:
            metadata = msgspec.convert(found, Metadata)
        except msgspec.ValidationError as error:
            raise ProviderRefused("away", f"its metadata are incomplete: {error}") from error
        if metadata.issuer not in (self._provider.published_issuer, self._provider.issuer):
            raise ProviderRefused("away", "its metadata name another issuer; the settings must have the same")
        for url in (metadata.authorization_endpoint, metadata.token_endpoint, metadata.jwks_uri):
            self._check_encrypted(url)
        if metadata.userinfo_endpoint:
            self._check_encrypted(metadata.userinfo_endpoint)
        return metadata

    def _check_encrypted(self, url: str) -> None:
        # As well encrypted as its issuer (provider_file.py).
        parts = urlsplit(url)
        if not parts.hostname or parts.scheme not in ("https", urlsplit(self._provider.issuer).scheme):
            raise ProviderRefused("away", "its metadata have an address that is not https://")

    async def _fetch_keys(self) -> list[dict[str, Any]]:
        found = await self._fetcher.get((await self.metadata()).jwks_uri)
        keys = found.get("keys")
        if not isinstance(keys, list):
            raise ProviderRefused("away", "its keys are none")
        return [key for key in keys[:MAX_KEYS] if isinstance(key, dict)]


class _Kept(Generic[T]):
    """Something that is fetched when it is needed, and once for all who wait for it."""

    def __init__(self, fetch: Callable[[], Awaitable[T]], clock: Callable[[], float], again_seconds: float) -> None:
        self._fetch = fetch
        self._clock = clock
        self._again_seconds = again_seconds
        self._lock = asyncio.Lock()
        self._value: T | None = None
        self._fetched_at = self._tried_at = self._renewed_at = float("-inf")
        self._failure = ""

    async def get(self, seconds: float = KEPT_SECONDS) -> T:
        """Return it, at most so old."""
        async with self._lock:
            if self._age > seconds and self._clock() - self._tried_at > self._again_seconds:
                await self._try()
            return self._current(seconds)

    async def renewed(self) -> T:
        """Return it fetched anew, or as somebody else has renewed it a moment ago."""
        async with self._lock:
            if self._clock() - self._renewed_at > self._again_seconds:
                self._renewed_at = self._clock()
                await self._try()
            return self._current(KEPT_SECONDS)

    @property
    def _age(self) -> float:
        return self._clock() - self._fetched_at

    def _current(self, seconds: float) -> T:
        if self._value is None or self._age > seconds:
            raise ProviderRefused("away", self._failure)
        return self._value

    async def _try(self) -> None:
        try:
            self._value = await self._fetch()
            self._fetched_at = self._clock()
        except ProviderRefused as refused:
            self._failure = str(refused)
        finally:
            self._tried_at = self._clock()


def _matching(keys: list[dict[str, Any]], header: Header) -> dict[str, Any] | None:
    usable = [
        key for key in keys if key.get("use", "sig") == "sig" and key.get("alg", header.algorithm) == header.algorithm
    ]
    if header.kid is None:
        # The key may be left out where there is no choice (OpenID Connect Core 1.0, section 10.1).
        return usable[0] if len(usable) == 1 else None
    return next((key for key in usable if key.get("kid") == header.kid), None)


def _import(found: dict[str, Any]) -> SigningKey:
    try:
        key = jwk.import_key(found)
        is_weak = isinstance(key, RSAKey) and key.raw_value.key_size < MIN_RSA_BITS
    except (JoseError, ValueError, TypeError) as error:
        raise ProviderRefused("invalid", "the provider's key cannot be read") from error
    if is_weak or key.key_type == "oct":
        raise ProviderRefused("invalid", "the provider's key is too weak")
    issuer = found.get("issuer", "")
    return SigningKey(key, issuer if isinstance(issuer, str) else "")
