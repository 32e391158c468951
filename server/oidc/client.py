"""The sign-ins of one worker through the school's providers: to the provider, back from it, and out again."""

import base64
import logging
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any, NamedTuple, Self
from urllib.parse import quote, urlencode

from server.accounts.fair_queue import Client, FairQueue, QueueFull
from server.clock import SECOND, Clock, now_ms
from server.oidc.attempt import Attempt
from server.oidc.errors import ProviderRefused
from server.oidc.fetch import Fetcher
from server.oidc.provider import Provider, SchoolSettings
from server.oidc.published import AGAIN_SECONDS, Metadata, Published
from server.oidc.token import (
    Claims,
    Ended,
    Identity,
    check_id_token,
    check_logout_token,
    names,
    read_header,
    shown_name,
    verify,
)

log = logging.getLogger(__name__)

# Codes that are exchanged at once, and those that wait: anybody can send made-up ones, and each is a request to the
# provider. Networks take turns.
AT_ONCE = 10
MAX_WAITING = 200
# Google's codes have some 80 characters, Entra's up to 2,000.
MAX_CODE_CHARACTERS = 4_096
# Errors of the OAuth standards are such words; anything else is not repeated in a log.
_ERROR = re.compile(r"[a-z_]{1,40}")


class SignedIn(NamedTuple):
    """Somebody whom a provider has signed in. `names` are what to look for at the first time, in this order.

    `shown` names the account for its owner, `once` is the sign-in's number.
    """

    identity: Identity
    names: tuple[str, ...]
    shown: str
    once: str


class Providers:
    """The school's providers in a running worker; made inside the event loop, and closed at the end."""

    def __init__(
        self,
        settings: SchoolSettings | None = None,
        clock: Clock = now_ms,
        *,
        fetcher: Fetcher | None = None,
        again_seconds: float = AGAIN_SECONDS,
    ) -> None:
        self.settings = settings or SchoolSettings()
        self._fetcher = fetcher or Fetcher()
        queue = FairQueue(AT_ONCE, MAX_WAITING)
        self._clients = {
            provider.name: ProviderClient(
                provider,
                self.settings.callback(provider),
                self._fetcher,
                Published(provider, self._fetcher, again_seconds=again_seconds),
                queue,
                clock,
            )
            for provider in self.settings.providers.values()
        }

    def client(self, name: str) -> "ProviderClient | None":
        """Return the client of a provider; None if the school has none of this name."""
        return self._clients.get(name)

    def close(self) -> None:
        """Close the connections to providers."""
        self._fetcher.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()


class ProviderClient:
    """Lousa as a client of one provider. Every coroutine raises ProviderRefused, and logs why."""

    def __init__(
        self,
        provider: Provider,
        callback: str,
        fetcher: Fetcher,
        published: Published,
        queue: FairQueue,
        clock: Clock,
    ) -> None:
        self.provider = provider
        self._callback = callback
        self._fetcher = fetcher
        self._published = published
        self._queue = queue
        self._clock = clock

    async def begin(self, attempt: Attempt, *, choose: bool = False) -> str:
        """Return where to send a browser; `choose` lets its user take another account than the last one."""
        with self._logging():
            metadata = await self._published.alive()
        prompt = self.provider.prompt_choose if choose else self.provider.prompt
        asked = {
            "response_type": "code",
            "client_id": self.provider.client_id,
            "redirect_uri": self._callback,
            "scope": " ".join(self.provider.scopes),
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": attempt.challenge,
            "code_challenge_method": "S256",
            **({"prompt": prompt} if prompt else {}),
            # Google then offers accounts of the school only. What its token says of the domain is checked all the same.
            **({"hd": self.provider.domains[0]} if self._has_one_workspace else {}),
        }
        sign = "&" if "?" in metadata.authorization_endpoint else "?"
        return f"{metadata.authorization_endpoint}{sign}{urlencode(asked)}"

    @property
    def _has_one_workspace(self) -> bool:
        return self.provider.kind == "google" and len(self.provider.domains) == 1

    async def finish(self, attempt: Attempt, answer: Mapping[str, str], network: str) -> SignedIn:
        """Return who has signed in, from the parameters with which a browser came back to `attempt`'s provider.

        `network` is where it comes from: networks take turns at the provider.
        """
        with self._logging():
            metadata = await self._published.metadata()
            _check_answer(answer, metadata)
            async with self._turn(network):
                tokens = await self._exchange(metadata, answer["code"], attempt.verifier)
                identity = await self._identify(tokens, attempt.nonce)
                claims = await self._all_claims(metadata, identity, tokens)
        return SignedIn(identity, names(claims, self.provider), shown_name(claims), attempt.nonce)

    async def ended(self, logout_token: str) -> Ended:
        """Return which sign-ins a logout token ends."""
        with self._logging():
            claims, issuer = await self._verified(logout_token)
            ended = check_logout_token(claims, self.provider, self._now)
            self._check_key(issuer, ended.issuer)
            return ended

    @asynccontextmanager
    async def _turn(self, network: str) -> AsyncIterator[None]:
        try:
            async with self._queue.place(Client(network)):
                yield
        except QueueFull:
            raise ProviderRefused("busy") from None

    async def _exchange(self, metadata: Metadata, code: str, verifier: str) -> dict[str, Any]:
        """Exchange a code for tokens (RFC 6749, section 4.1.3)."""
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._callback,
            "code_verifier": verifier,
        }
        headers: dict[str, str] = {}
        if "client_secret_basic" in metadata.token_endpoint_auth_methods_supported:
            headers["Authorization"] = f"Basic {self._basic()}"
        else:
            fields |= {"client_id": self.provider.client_id, "client_secret": self.provider.client_secret}
        status, found = await self._fetcher.post(metadata.token_endpoint, fields, headers)
        if status == 200 and found is not None:
            return found
        word = _word((found or {}).get("error"))
        # A code is wrong or used (RFC 6749, section 5.2), the school's settings are wrong, or the provider has failed.
        raise ProviderRefused("away" if status >= 500 else "invalid", f"the token endpoint answers {status} {word}")

    def _basic(self) -> str:
        # Both are form-encoded first (RFC 6749, section 2.3.1).
        pair = ":".join(quote(each, safe="") for each in (self.provider.client_id, self.provider.client_secret))
        return base64.b64encode(pair.encode()).decode()

    async def _identify(self, tokens: dict[str, Any], nonce: str) -> Identity:
        claims, issuer = await self._verified(tokens.get("id_token"))
        identity = check_id_token(claims, self.provider, nonce, self._now)
        self._check_key(issuer, identity.issuer)
        return identity

    async def _verified(self, token: Any) -> tuple[Claims, str]:
        """Return the claims of a signed token, and for which issuer its key signs."""
        if not isinstance(token, str):
            raise ProviderRefused("invalid", "there is no token")
        header = read_header(token, self.provider)
        key, issuer = await self._published.key(header)
        return verify(token, key, header), issuer

    def _check_key(self, signs_for: str, issuer: str) -> None:
        if signs_for not in ("", issuer, self.provider.issuer):
            raise ProviderRefused("invalid", "the key signs for another tenant")

    async def _all_claims(self, metadata: Metadata, identity: Identity, tokens: dict[str, Any]) -> Claims:
        """Ask for the school's claim where the ID token has none (OpenID Connect Core 1.0, section 5.3)."""
        access_token = tokens.get("access_token")
        if (
            self.provider.claim in identity.claims
            or not metadata.userinfo_endpoint
            or not isinstance(access_token, str)
        ):
            return identity.claims
        found = await self._fetcher.get(metadata.userinfo_endpoint, {"Authorization": f"Bearer {access_token}"})
        if found.get("sub") != identity.claims.get("sub"):
            raise ProviderRefused("invalid", "the user's data are another user's")
        return {**found, **identity.claims}

    @property
    def _now(self) -> int:
        return self._clock() // SECOND

    @contextmanager
    def _logging(self) -> Iterator[None]:
        try:
            yield
        except ProviderRefused as refused:
            if refused.reason not in ("busy", "cancelled"):
                log.warning("No sign-in through %s: %s", self.provider.name, refused)
            raise


def _check_answer(answer: Mapping[str, str], metadata: Metadata) -> None:
    """Raise ProviderRefused unless the answer has a code of this provider (RFC 6749, section 4.1.2; RFC 9207)."""
    issuer = answer.get("iss")
    if issuer is None and metadata.authorization_response_iss_parameter_supported:
        raise ProviderRefused("invalid", "the answer names no issuer")
    if issuer is not None and issuer != metadata.issuer:
        raise ProviderRefused("invalid", "the answer is of another issuer")
    if error := answer.get("error"):
        if error in ("access_denied", "interaction_required", "login_required"):
            raise ProviderRefused("cancelled")
        is_away = error in ("server_error", "temporarily_unavailable")
        raise ProviderRefused("away" if is_away else "invalid", f"it answers {_word(error)}")
    if not 0 < len(answer.get("code", "")) <= MAX_CODE_CHARACTERS:
        raise ProviderRefused("invalid", "the answer has no code")


def _word(error: Any) -> str:
    return error if isinstance(error, str) and _ERROR.fullmatch(error) else ""
