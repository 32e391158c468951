"""Requests that a foreign page makes with a signed-in browser's cookie."""

import urllib.request

import pytest

from channels.limit import MAX_CONNECTIONS
from tests.lousa import Lousa
from tests.phoenix import Connection

# As Chromium sends them: an image or a link of another site, a page of another port, the same over plain HTTP.
REQUESTS = [
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
    {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"},
    {"Referer": "http://elsewhere.example/"},
    {},
]


@pytest.mark.parametrize("headers", REQUESTS)
async def test_foreign_requests_leave_the_users_own_socket(
    target: Lousa, tokens: dict[str, str], headers: dict[str, str]
) -> None:
    url = f"{target.url}/students/socket/longpoll?vsn=2.0.0"
    for _ in range(MAX_CONNECTIONS):
        sent = urllib.request.Request(url, headers={"Cookie": f"lousa_session={tokens['bruno']}", **headers})
        with urllib.request.urlopen(sent) as answer:
            assert answer.read().startswith(b'{"status":403')
    connection = await Connection.open(target.socket_url("students", tokens["bruno"]), lambda *_: None)
    await connection.join("user:me")
    connection.close()
    await connection.closed.wait()
