"""The address where pages have formulas read."""

import json
from collections.abc import Awaitable, Callable

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPResponse

from tests.server.views.conftest import School
from tests.server.views.visitor import Visitor

SignIn = Callable[[str], Awaitable[Visitor]]


async def ask(visitor: Visitor, body: str, *, xsrf: str | None = None) -> HTTPResponse:
    if xsrf is None:
        xsrf = (await visitor.get("/students/")).fields["_xsrf"]
    cookies = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
    headers = {"Cookie": cookies, "X-Xsrftoken": xsrf, "Content-Type": "application/json"}
    return await AsyncHTTPClient().fetch(
        f"{visitor.url}/formulas", method="POST", body=body, headers=headers, raise_error=False
    )


async def test_formulas_are_answered_in_order_and_kept_by_nobody(signed_in: SignIn) -> None:
    ana = await signed_in("ana")
    answer = await ask(ana, json.dumps({"formulas": [{"source": "x", "block": True}, {"source": r"\frac"}]}))
    assert answer.code == 200
    assert json.loads(answer.body) == {"formulas": [["math", {"display": "block"}, ["mi", {}, "x"]], None]}
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        '{"formulas": [1]}',
        json.dumps({"formulas": [{"source": "x"}] * 51}),
        json.dumps({"formulas": [{"source": "x" * 1001}]}),
    ],
    ids=["empty", "list", "number", "too many", "too long"],
)
async def test_anything_else_is_refused(signed_in: SignIn, body: str) -> None:
    assert (await ask(await signed_in("ana"), body)).code == 400


async def test_only_who_has_signed_in_and_sends_the_token_of_the_page_may_ask(
    school: School, visitor: Visitor, signed_in: SignIn
) -> None:
    body = json.dumps({"formulas": []})
    token = (await visitor.get("/accounts/sign-in")).fields["_xsrf"]
    assert (await ask(visitor, body, xsrf=token)).code == 403
    assert (await ask(await signed_in("ana"), body, xsrf="")).code == 403
