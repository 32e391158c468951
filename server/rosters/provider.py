"""Asks a OneRoster REST provider (1.1 and 1.2) for a whole school, page by page, and refuses what is not plainly whole.

    GET …/ims/oneroster/v1p1/users?limit=1000&offset=2000 -> 200 {"users": [...]}

A list ends with a page that is shorter than an earlier one, or empty; where the provider counts (X-Total-Count), the
count must be right. An answer without its envelope, a page of HTML, a page that comes again, a redirect or an error
ends the pull: nothing is imported then. What was read is never in an error, and neither are the secrets.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit

import msgspec
from oauthlib import oauth1
from tornado.httpclient import AsyncHTTPClient, HTTPError, HTTPRequest, HTTPResponse
from tornado.httputil import HTTPInputError
from tornado.iostream import StreamClosedError

from server.rosters.problems import Problem, RosterErrors
from server.rosters.sheet import MAX_ROWS

Kind = Literal["oauth1", "oauth2", "bearer"]
KINDS: tuple[Kind, ...] = ("oauth2", "oauth1", "bearer")
LISTS = ("orgs", "academicSessions", "courses", "classes", "users", "enrollments")
# Records that are asked for at once. Providers may give fewer, and many give no more than so many.
PAGE = 1_000
# A thousand users with all fields have some 2 MB.
MAX_ANSWER_BYTES = 32 * 1024 * 1024
CONNECT_SECONDS = 10.0
# Slow providers take half a minute for a page.
ANSWER_SECONDS = 60.0
# How often one page is asked for: a provider that is busy, or restarts, is given some minutes.
ATTEMPTS = 5
# The longest wait that a provider may ask for before the next attempt.
MAX_WAIT_SECONDS = 60.0
WAIT_SECONDS = 2.0

_BUSY = (429, 500, 502, 503, 504)

Record = Mapping[str, Any]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Access:
    """Where a provider is and how it knows us: OAuth 1.0a, OAuth 2 client credentials, or a bearer token.

    `secret` is the key's secret, or the token itself. `token_url` is where OAuth 2 gives tokens.
    """

    url: str
    kind: Kind
    key: str = ""
    secret: str = field(default="", repr=False)
    token_url: str = ""


class Provider:
    """One pull from a provider; made inside the event loop."""

    def __init__(
        self, access: Access, *, answer_seconds: float = ANSWER_SECONDS, wait_seconds: float = WAIT_SECONDS
    ) -> None:
        self._access = access
        self._answer_seconds = answer_seconds
        self._wait_seconds = wait_seconds
        self._token = access.secret if access.kind == "bearer" else ""
        self._signature = oauth1.SIGNATURE_HMAC_SHA256
        self._client = AsyncHTTPClient(
            force_instance=True, max_body_size=MAX_ANSWER_BYTES, max_buffer_size=MAX_ANSWER_BYTES
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    async def read(self, name: str, tick: Callable[[int], None]) -> list[Record]:
        """Return all records of a list; `tick` gets how many came. Raise RosterErrors where any may be missing."""
        found: list[Record] = []
        seen: set[str] = set()
        longest, total = 0, None
        while len(found) <= MAX_ROWS:
            page, told = await self._page(name, len(found))
            total = told if told is not None else total
            new = {str(each.get("sourcedId", "")) for each in page}
            if not seen.isdisjoint(new):
                raise self._refusal(name, "The provider sends the same records again: its pages cannot be trusted.")
            seen |= new
            found += page
            tick(len(page))
            if len(page) < longest or not page or len(found) == total:
                return self._whole(name, found, total)
            longest = max(longest, len(page))
        raise self._refusal(name, f"There are more than {MAX_ROWS} records.")

    async def sample(self, name: str) -> list[Record]:
        """Return the first page of a list; raise RosterErrors where it is none."""
        return (await self._page(name, 0))[0]

    def _whole(self, name: str, found: list[Record], total: int | None) -> list[Record]:
        if total is not None and len(found) != total:
            raise self._refusal(name, f"{len(found)} of {total} records came: the rest is missing.")
        return found

    async def _page(self, name: str, offset: int) -> tuple[list[Record], int | None]:
        response = await self._get(name, f"{self._access.url.rstrip('/')}/{name}?limit={PAGE}&offset={offset}")
        try:
            body = msgspec.json.decode(response.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise self._refusal(name, "The answer is not JSON; it may be a page for people to sign in.") from None
        page = body.get(name) if isinstance(body, dict) else None
        if not isinstance(page, list) or not all(isinstance(each, dict) for each in page):
            raise self._refusal(name, f"The answer has no list “{name}”.")
        told = response.headers.get("X-Total-Count", "")
        return page, int(told) if told.isascii() and told.isdigit() else None

    async def _get(self, name: str, url: str) -> HTTPResponse:
        renewed = False
        for attempt in range(1, ATTEMPTS + 1):
            response = await self._ask(name, url)
            if response.code == 200:
                return response
            if response.code == 401 and not renewed:
                # A token may have ended, and older providers know the older signature only.
                renewed, self._token = True, self._access.secret if self._access.kind == "bearer" else ""
                self._signature = oauth1.SIGNATURE_HMAC_SHA1
            elif response.code not in _BUSY or attempt == ATTEMPTS:
                raise self._refusal(name, f"The provider answers {response.code}.")
            else:
                await asyncio.sleep(self._wait(response))
        raise self._refusal(name, "The provider does not let us in.")

    def _wait(self, response: HTTPResponse) -> float:
        told = response.headers.get("Retry-After", "")
        return min(float(told), MAX_WAIT_SECONDS) if told.isascii() and told.isdigit() else self._wait_seconds

    async def _ask(self, name: str, url: str) -> HTTPResponse:
        headers = {"Accept": "application/json", "Authorization": await self._authorization(url)}
        return await self._fetch(name, HTTPRequest(url, headers=headers))

    async def _authorization(self, url: str) -> str:
        if self._access.kind == "oauth1":
            signer = oauth1.Client(self._access.key, self._access.secret, signature_method=self._signature)
            return str(signer.sign(url)[1]["Authorization"])
        if not self._token:
            self._token = await self._new_token()
        return f"Bearer {self._token}"

    async def _new_token(self) -> str:
        fields = {"grant_type": "client_credentials", "scope": _SCOPES}
        request = HTTPRequest(
            self._access.token_url,
            "POST",
            auth_username=self._access.key,
            auth_password=self._access.secret,
            headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
            body=urlencode(fields),
        )
        response = await self._fetch("token", request)
        try:
            token = msgspec.json.decode(response.body)["access_token"] if response.code == 200 else ""
        except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError):
            token = ""
        if not isinstance(token, str) or not token:
            raise self._refusal("token", f"The provider gives no token: it answers {response.code}.")
        return token

    async def _fetch(self, name: str, request: HTTPRequest) -> HTTPResponse:
        # A redirect would take the secrets to another host.
        request.follow_redirects = False
        request.connect_timeout, request.request_timeout = CONNECT_SECONDS, self._answer_seconds
        try:
            return await self._client.fetch(request, raise_error=False)
        except (HTTPError, HTTPInputError, StreamClosedError, OSError, ValueError) as error:
            raise self._refusal(name, f"The provider cannot be reached: {type(error).__name__}.") from None

    def _refusal(self, name: str, message: str) -> RosterErrors:
        return RosterErrors([Problem(f"{host(self._access.url)} {name}", 0, "", message)])


_SCOPES = "https://purl.imsglobal.org/spec/or/v1p1/scope/roster-core.readonly https://purl.imsglobal.org/spec/or/v1p2/scope/roster-core.readonly"


def host(url: str) -> str:
    """Return the host of an address, which names it without anything secret."""
    return urlsplit(url).hostname or ""
