"""A visitor with a browser's manners: keeps cookies, sends forms with their XSRF field, follows no redirect."""

import html
import re
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

from tornado.httpclient import AsyncHTTPClient, HTTPRequest, HTTPResponse
from tornado.httputil import HTTPHeaders

_INPUT = re.compile(r'<input[^>]*name="(\w+)"[^>]*value="([^"]*)"')


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: HTTPHeaders
    text: str

    @property
    def location(self) -> str:
        """Where it redirects to."""
        return str(self.headers.get("Location", ""))

    @property
    def fields(self) -> dict[str, str]:
        """The fields of its forms that have a value, by name; of a name that several have, the first."""
        return {name: html.unescape(value) for name, value in reversed(_INPUT.findall(self.text))}

    def has(self, text: str) -> bool:
        """Tell whether a reader sees this text."""
        return text in html.unescape(self.text)


@dataclass
class Visitor:
    """One browser, at the server with this address."""

    url: str
    language: str = "en"
    cookies: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str, **headers: str) -> Answer:
        """Ask for a page."""
        return await self._fetch(path, method="GET", headers=headers)

    async def raw(self, path: str, accepted: str, **headers: str) -> HTTPResponse:
        """Ask for something in one of these encodings, and return it as it came over the network."""
        sent = {"Accept-Encoding": accepted, **headers}
        request = HTTPRequest(self.url + path, headers=sent, decompress_response=False)
        return await AsyncHTTPClient().fetch(request, raise_error=False)

    async def head(self, path: str) -> Answer:
        """Ask for a page's headers."""
        return await self._fetch(path, method="HEAD", headers={})

    async def post(self, path: str, xsrf: str | None = None, **fields: str) -> Answer:
        """Send a form with the XSRF field that every page has, or with another."""
        if xsrf is None:
            xsrf = (await self.get("/any-page")).fields["_xsrf"]
        body = urlencode({"_xsrf": xsrf, **fields})
        return await self._fetch(path, method="POST", body=body, headers={})

    async def put(self, path: str, body: bytes) -> Answer:
        """Send a body as a page's script does."""
        xsrf = (await self.get("/any-page")).fields["_xsrf"]
        return await self._fetch(path, method="PUT", body=body, headers={"X-Xsrftoken": xsrf})

    async def sign_in(self, login: str, password: str) -> Answer:
        """Sign in."""
        return await self.post("/accounts/sign-in", login=login, password=password)

    async def _fetch(self, path: str, headers: dict[str, str], **options: Any) -> Answer:
        sent = {"Accept-Language": self.language, "Cookie": self._cookie_header(), **headers}
        request = HTTPRequest(self.url + path, headers=sent, follow_redirects=False, **options)
        response = await AsyncHTTPClient().fetch(request, raise_error=False)
        self._keep_cookies(response)
        return Answer(response.code, response.headers, response.body.decode(errors="replace"))

    def _cookie_header(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def _keep_cookies(self, response: HTTPResponse) -> None:
        for header in response.headers.get_list("Set-Cookie"):
            for name, morsel in SimpleCookie(header).items():
                self.cookies[name] = morsel.value
                if not morsel.value:
                    del self.cookies[name]
