"""Requests to providers: short, small, without redirects, and with no secret in an error."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec
from tornado.httpclient import AsyncHTTPClient, HTTPError, HTTPRequest
from tornado.httputil import HTTPInputError
from tornado.iostream import StreamClosedError

from server.oidc.errors import ProviderRefused

# Providers answer in a few hundred ms; a person waits before the page, and others for the connection.
CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 6.0
# Entra's keys with their certificates have 15 KB, a token with many groups as much.
MAX_ANSWER_BYTES = 256 * 1024
# As many as sign in at once (client.AT_ONCE), and a few for metadata and keys.
MAX_CONNECTIONS = 16


class Fetcher:
    """An HTTP client for the providers of one worker; made inside the event loop."""

    def __init__(self, *, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._answer_seconds = answer_seconds
        # A client of its own: its bounds are not those of others. Uncompressed answers cannot grow after they came.
        self._client = AsyncHTTPClient(
            force_instance=True,
            max_clients=MAX_CONNECTIONS,
            max_body_size=MAX_ANSWER_BYTES,
            max_buffer_size=MAX_ANSWER_BYTES,
        )

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return the JSON object at an address; raise ProviderRefused (`away`) if there is none."""
        status, found = await self._ask(HTTPRequest(url, headers={"Accept": "application/json", **(headers or {})}))
        if status != 200 or found is None:
            raise ProviderRefused("away", f"{_host(url)} answers {status}" + ("" if status != 200 else " without JSON"))
        return found

    async def post(
        self, url: str, fields: Mapping[str, str], headers: Mapping[str, str]
    ) -> tuple[int, dict[str, Any] | None]:
        """Send a form, and return the status and the JSON object of the answer, None if it is none."""
        sent = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json", **headers}
        return await self._ask(HTTPRequest(url, "POST", headers=sent, body=urlencode(fields)))

    async def _ask(self, request: HTTPRequest) -> tuple[int, dict[str, Any] | None]:
        request.follow_redirects = False
        request.decompress_response = False
        request.connect_timeout, request.request_timeout = CONNECT_SECONDS, self._answer_seconds
        try:
            response = await self._client.fetch(request, raise_error=False)
        except (HTTPError, HTTPInputError, StreamClosedError, OSError, ValueError) as error:
            raise ProviderRefused("away", f"{_host(request.url)}: {error}") from error
        return response.code, _object(response.body)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return found if isinstance(found, dict) else None


def _host(url: str) -> str:
    return "/".join(url.split("/")[:3])
