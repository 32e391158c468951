"""A OneRoster REST provider for tests: it serves an export as JSON, and misbehaves as a seed says."""

import csv
import io
import random
import re
from collections.abc import Mapping
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application, RequestHandler

KEY, SECRET, TOKEN = "the-key", "the-secret", "the-token"
LISTS = ("orgs", "academicSessions", "courses", "classes", "users", "enrollments")

# What a provider may do instead of its answer; it does so once, somewhere, or each time.
FAULTS = (
    "html",
    "no-envelope",
    "cut-json",
    "not-a-list",
    "redirect",
    "forbidden",
    "lost-rows",
    "same-page",
    "busy",
    "gone",
)
PASSING = ("busy-once", "unauthorized-once", "no-count", "small-pages")


def lists_of(files: Mapping[str, str]) -> dict[str, list[dict[str, Any]]]:
    """Return what a provider has of an export."""
    return {name: _records(name, files) for name in LISTS}


class RestProvider:
    """Serves the files of an export; `fault` happens from the request with the number that `seed` gives on."""

    def __init__(self, files: Mapping[str, str], fault: str = "", seed: int = 0, page: int = 3) -> None:
        self.lists = lists_of(files)
        self.fault, self.page = fault, 1 if fault == "small-pages" else page
        self.requests: list[str] = []
        self.fails_at = random.Random(seed).randrange(1, len(LISTS))
        self._server = HTTPServer(
            Application([(r"/token", _Token, {"provider": self}), (r"/v1p1/(\w+)", _List, {"provider": self})])
        )
        socket, self.port = bind_unused_port()
        self._server.add_socket(socket)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def stop(self) -> None:
        self._server.stop()
        await self._server.close_all_connections()

    @property
    def is_failing(self) -> bool:
        return len(self.requests) >= self.fails_at


class _Token(RequestHandler):
    def initialize(self, provider: RestProvider) -> None:
        self.provider = provider

    def post(self) -> None:
        assert self.get_body_argument("grant_type") == "client_credentials"
        assert self.request.headers["Authorization"].startswith("Basic ")
        self.write({"access_token": TOKEN, "token_type": "bearer"})


class _List(RequestHandler):
    def initialize(self, provider: RestProvider) -> None:
        self.provider = provider

    def get(self, name: str) -> None:
        provider = self.provider
        provider.requests.append(name)
        given = self.request.headers.get("Authorization", "")
        if given != f"Bearer {TOKEN}" and not re.search(f'oauth_consumer_key="{KEY}".*oauth_signature=', given):
            self.send_error(401)
        elif not (provider.is_failing and self._misbehave(name)):
            self._answer(name, provider.lists[name])

    def _answer(self, name: str, records: list[Any]) -> None:
        offset = int(self.get_query_argument("offset"))
        if self.provider.fault not in ("no-count", "small-pages", "same-page"):
            self.set_header("X-Total-Count", str(len(records)))
        if self.provider.fault == "same-page":
            offset = 0
        self.write({name: records[offset : offset + self.provider.page]})

    def _misbehave(self, name: str) -> bool:
        fault, provider = self.provider.fault, self.provider
        if fault in ("busy-once", "unauthorized-once"):
            provider.fault = ""
            self.set_header("Retry-After", "0")
            self.send_error(429 if fault == "busy-once" else 401)
        elif fault in ("busy", "gone", "forbidden", "redirect"):
            self.set_header("Retry-After", "0")
            self.set_header("Location", "https://elsewhere.example/")
            self.set_status({"busy": 429, "gone": 500, "forbidden": 403, "redirect": 302}[fault])
        elif fault == "html":
            self.write("<!doctype html><p>Sign in</p>")
        elif fault == "no-envelope":
            self.write({"status": "ok"})
        elif fault == "not-a-list":
            self.write({name: {"1": {}}})
        elif fault == "cut-json":
            self.write(f'{{"{name}": [{{"sourcedId": "x"')
        elif fault == "lost-rows":
            self.set_header("X-Total-Count", str(len(provider.lists[name]) + 1))
            self.write({name: [] if int(self.get_query_argument("offset")) else provider.lists[name]})
        else:
            return False
        return True


def _records(name: str, files: Mapping[str, str]) -> list[dict[str, Any]]:
    rows = [{key: value for key, value in row.items() if value} for row in _rows(files, name)]
    roles = list(_rows(files, "roles"))
    for row in rows:
        for column in [each for each in row if each.endswith("SourcedId")]:
            row[column.removesuffix("SourcedId").removesuffix("primaryOrg") or "primaryOrg"] = {
                "sourcedId": row.pop(column)
            }
        for column, key in (("termSourcedIds", "terms"), ("orgSourcedIds", "orgs")):
            if column in row:
                row[key] = [{"sourcedId": each} for each in row.pop(column).split(",")]
        if "grades" in row:
            row["grades"] = row["grades"].split(",")
        if name == "users" and roles:
            row["roles"] = [
                {"roleType": each["roleType"], "role": each["role"], "org": {"sourcedId": each["orgSourcedId"]}}
                for each in roles
                if each["userSourcedId"] == row["sourcedId"]
            ]
    return rows


def _rows(files: Mapping[str, str], name: str) -> list[dict[str, Any]]:
    return list(csv.DictReader(io.StringIO(files.get(f"{name}.csv", ""))))
