"""Long-polling as stock clients do it, byte for byte, with one worker and with four that share the requests."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from tests.interop.conftest import OpenPoll
from tests.interop.pages import PageServer
from tests.interop.poller import Body, Poller, request
from tests.lousa import Lousa

# `slow` starts its futures here; test_silence checks them later.
pytestmark = [pytest.mark.interop, pytest.mark.usefixtures("slow")]

DEAD: Body = {"status": 410, "token": None, "messages": []}
HEARTBEAT = '[null,"h","phoenix","heartbeat",{}]'
ANSWERED = '[null,"h","phoenix","phx_reply",{"status":"ok","response":{}}]'


def door(server: Lousa, role: str = "students", query: str = "vsn=2.0.0") -> str:
    """Return the URL of a role's long-poll endpoint."""
    return f"{server.url}/{role}/socket/longpoll?{query}"


# Poll answers


def test_first_poll_returns_410_and_the_session_token(server: Lousa, tokens: dict[str, str]) -> None:
    poller = Poller(server.url, "students", access_token=tokens["ana"])
    with closing(poller):
        body = poller.open()
    assert body == {"status": 410, "token": poller.token, "messages": []}
    assert poller.token is not None


def test_get_returns_messages_as_json_strings(open_poll: OpenPoll) -> None:
    ana = open_poll("ana")
    before = ana.token
    assert ana.post(HEARTBEAT) == {"status": 200}
    body = ana.poll()
    assert body == {"status": 200, "token": ana.token, "messages": [ANSWERED]}
    assert ana.token != before


def test_poll_answer_is_kept_until_the_next_token_acknowledges_it(open_poll: OpenPoll) -> None:
    ana = open_poll("ana")
    first = ana.token
    ana.post(HEARTBEAT)
    answer = ana.poll()
    assert [ana.poll(first) for _ in range(3)] == [answer] * 3
    ana.post(HEARTBEAT.replace('"h"', '"i"'))
    assert ana.poll(first) == answer, "what came later is not mixed into it"
    assert ana.poll()["messages"] == [ANSWERED.replace('"h"', '"i"')]
    assert ana.poll(first) == DEAD, "nobody waits for that one any more"
    assert ana.post(HEARTBEAT) == {"status": 200}, "and the session goes on"
    assert ana.poll()["messages"] == [ANSWERED]


def test_waiting_poll_returns_as_soon_as_a_message_arrives(open_poll: OpenPoll) -> None:
    ana, bruno = open_poll("ana"), open_poll("bruno")
    topic = ana.class_topic()
    ana.join(topic)
    bruno.join(topic)
    with ThreadPoolExecutor() as threads:
        received = threads.submit(ana.wait_for_event, topic, "message:sent")
        seq = bruno.push(topic, "message:send", {"text": "Oi, Ana!"})["response"]["seq"]
        assert (received.result()["text"], received.result()["seq"]) == ("Oi, Ana!", seq)


def test_newest_of_concurrent_polls_waits_and_no_message_is_lost(open_poll: OpenPoll) -> None:
    ana = open_poll("ana")
    with ThreadPoolExecutor() as threads:
        polls = [threads.submit(ana.poll, ana.token) for _ in range(3)]
        ana.post(HEARTBEAT)
        bodies = [poll.result() for poll in polls]
    silent: Body = {"status": 204, "token": ana.token, "messages": []}
    received = [body for body in bodies if body != silent]
    assert received, "the poll that no other overtook gets the answer"
    assert [body["messages"] for body in received] == [[ANSWERED]] * len(received)
    assert ana.poll(ana.token) == received[0]


def test_every_answer_has_cache_control_no_store(server: Lousa, open_poll: OpenPoll) -> None:
    ana = open_poll("ana")
    named = {"X-Phoenix-Longpoll-Token": str(ana.token)}
    for answer in (
        request(door(server)),
        request(ana.url, "POST", HEARTBEAT.encode(), named),
        request(ana.url, "GET", None, named),
        request(ana.url, "OPTIONS"),
        request(ana.url, "DELETE", None, named),
    ):
        assert answer.http_status == 200
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-type"].startswith("application/json")


def test_unsupported_method_gets_an_empty_400(server: Lousa) -> None:
    answer = request(door(server), "PUT", b"{}")
    assert (answer.http_status, answer.data) == (400, b"")


# Handshake


@pytest.mark.parametrize(
    ("role", "query", "headers"),
    [
        ("students", "vsn=2.0.0", {}),
        ("students", "vsn=2.0.0&access_token=no-such-token", {}),
        ("teachers", "vsn=2.0.0&access_token={ana}", {}),
        ("principal", "vsn=2.0.0&access_token={paula}", {}),
        ("students", "vsn=3.0.0&access_token={ana}", {}),
        ("students", "vsn=2.0.0&access_token={ana}&format=msgpack", {}),
        ("students", "vsn=2.0.0", {"Cookie": "lousa_session={ana}", "Origin": "https://elsewhere.example"}),
    ],
    ids=["nobody", "a stranger", "student", "teacher", "version", "MessagePack", "a foreign page with a cookie"],
)
def test_invalid_handshake_gets_403(
    server: Lousa, tokens: dict[str, str], role: str, query: str, headers: dict[str, str]
) -> None:
    filled = {name: value.format(**tokens) for name, value in headers.items()}
    body = request(door(server, role, query.format(**tokens)), headers=filled).body
    assert body["status"] == 403
    assert "token" not in body


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("access_token={ana}", {}),
        ("", {"Authorization": "Bearer {ana}"}),
        ("", {"X-Phoenix-AuthToken": "{ana}"}),
        ("", {"Cookie": "lousa_session={ana}", "Sec-Fetch-Site": "same-origin"}),
        ("", {"Cookie": "lousa_session={ana}", "Origin": "{origin}"}),
        ("access_token={ana}", {"Origin": "https://elsewhere.example"}),
    ],
    ids=["parameter", "Authorization", "X-Phoenix-AuthToken", "cookie", "cookie, own page", "token, foreign page"],
)
def test_credential_is_accepted_in_each_of_these_places(
    server: Lousa, tokens: dict[str, str], query: str, headers: dict[str, str]
) -> None:
    filled = {name: value.format(**tokens, origin=server.url) for name, value in headers.items()}
    poller = Poller(server.url, "students")
    poller.url = door(server, query=f"vsn=2.0.0&{query.format(**tokens)}")
    body = request(poller.url, headers=filled).body
    poller.token = body["token"]
    with closing(poller):
        assert body["status"] == 410
        assert poller.join("user:me")["user"]["role"] == "student"


def test_sessions_per_user_are_bounded_on_each_worker(server: Lousa, tokens: dict[str, str]) -> None:
    with ExitStack() as pollers:
        mine = []
        while True:
            poller = pollers.enter_context(closing(Poller(server.url, "principal", access_token=tokens["diretora"])))
            body = poller.open()
            if body["status"] != 410:
                break
            mine.append(poller)
        assert (body["status"], body["code"], body["retry_after"]) == (500, "unavailable", 2000)
        assert 50 <= len(mine) <= 4 * 50
        assert mine[0].post(HEARTBEAT) == {"status": 200}, "those who are in stay in"


# Session token


def test_token_is_read_from_header_or_last_query_parameter(open_poll: OpenPoll) -> None:
    ana, bruno = open_poll("ana"), open_poll("bruno")
    ana.post(HEARTBEAT)
    with_ana, with_both = f"{ana.url}&token={ana.token}", f"{ana.url}&token=mine&token={ana.token}"
    answer = request(with_ana).body
    assert answer["messages"] == [ANSWERED]
    assert request(with_both).body == answer, "the page's own parameter comes first, and is not meant for us"
    bruno.post(HEARTBEAT.replace('"h"', '"b"'))
    received = request(with_ana, headers={"X-Phoenix-Longpoll-Token": str(bruno.token)}).body
    assert received["messages"] == [ANSWERED.replace('"h"', '"b"')], "the header goes before the parameter"


def test_token_alone_authenticates_at_its_own_role_only(open_poll: OpenPoll) -> None:
    ana = open_poll("ana")
    ana.url = ana.url.partition("&access_token")[0]
    assert ana.post(HEARTBEAT) == {"status": 200}
    elsewhere = ana.url.replace("/students/", "/teachers/")
    named = {"X-Phoenix-Longpoll-Token": str(ana.token)}
    assert request(elsewhere, headers=named).body == DEAD
    assert request(elsewhere, "POST", HEARTBEAT.encode(), named).body == DEAD
    assert request(elsewhere, "DELETE", None, named).body == DEAD
    assert ana.poll()["messages"] == [ANSWERED]


@pytest.mark.parametrize("token", ["mine", "a.b.1.c", "é", "x" * 5000])
def test_invalid_token_gets_410(server: Lousa, tokens: dict[str, str], token: str) -> None:
    named = {"X-Phoenix-Longpoll-Token": token.encode().decode("latin-1")}
    url = door(server, query=f"vsn=2.0.0&access_token={tokens['ana']}")
    for method, body in (("GET", None), ("POST", HEARTBEAT.encode()), ("DELETE", None)):
        assert request(url, method, body, named).body == DEAD


# Pushes


def test_many_posts_are_delivered_in_order(open_poll: OpenPoll) -> None:
    ana, bruno = open_poll("ana"), open_poll("bruno")
    topic = bruno.class_topic()
    first = bruno.join(topic)["seq"] + 1
    ana.join(topic)
    texts = [f"{number}" for number in range(160)]
    with ThreadPoolExecutor() as threads:
        received = threads.submit(lambda: [bruno.wait_for_event(topic, "message:sent") for _ in texts])
        for start in range(0, len(texts), 4):
            lines = [ana.line(topic, "message:send", {"text": text}) for text in texts[start : start + 4]]
            assert ana.post(*lines) == {"status": 200}
        assert [event["text"] for event in received.result()] == texts
        assert [event["seq"] for event in received.result()] == list(range(first, first + len(texts)))
    replies = [ana.wait_for(lambda frame: frame[3] == "phx_reply")[4]["response"]["seq"] for _ in texts]
    assert replies == list(range(first, first + len(texts)))


def test_post_without_ndjson_contains_one_frame(open_poll: OpenPoll) -> None:
    ana = open_poll("ana")
    assert ana.ask("POST", HEARTBEAT.encode(), Content_Type="text/plain") == {"status": 200}
    assert ana.poll()["messages"] == [ANSWERED]


def test_malformed_line_is_refused_and_other_lines_are_processed(open_poll: OpenPoll) -> None:
    ana = open_poll("ana")
    assert ana.post(HEARTBEAT, "[1,2", "!!!", "", HEARTBEAT) == {"status": 200}
    replies = [ana.wait_for(lambda frame: frame[3] == "phx_reply")[4] for _ in range(4)]
    assert [reply["response"].get("code") for reply in replies] == [None, "bad_frame", "bad_frame", None]


def test_post_with_too_many_lines_is_refused_whole(open_poll: OpenPoll) -> None:
    ana = open_poll("ana")
    assert ana.post(*[HEARTBEAT] * 301) == {"status": 413}
    assert ana.post(HEARTBEAT.replace('"h"', '"later"')) == {"status": 200}
    assert ana.poll()["messages"] == [ANSWERED.replace('"h"', '"later"')]


def test_oversized_body_is_refused_before_it_is_read(server: Lousa, open_poll: OpenPoll) -> None:
    ana = open_poll("ana")
    parts = urlsplit(ana.url)
    with closing(HTTPConnection(str(parts.hostname), parts.port, timeout=20)) as connection:
        connection.putrequest("POST", f"{parts.path}?{parts.query}")
        for name, value in (
            ("X-Phoenix-Longpoll-Token", str(ana.token)),
            ("Content-Type", "application/x-ndjson"),
            ("Content-Length", str(256 * 1024 + 1)),
        ):
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())) == (413, {"status": 413})
    assert ana.post(HEARTBEAT) == {"status": 200}
    assert ana.poll()["messages"] == [ANSWERED]


# Cross-origin requests


def test_preflight_allows_requested_headers_from_an_allowed_origin(server: Lousa, pages: PageServer) -> None:
    asked = {
        "Origin": pages.origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,x-phoenix-authtoken",
    }
    answer = request(door(server), "OPTIONS", None, asked)
    assert (answer.http_status, answer.data) == (200, b"")
    assert answer.headers["access-control-allow-origin"] == pages.origin
    assert answer.headers["access-control-allow-headers"] == "content-type,x-phoenix-authtoken"
    assert answer.headers["access-control-allow-methods"] == "GET, POST, DELETE, OPTIONS"
    assert answer.headers["access-control-max-age"] == "3600"
    assert "Origin" in answer.headers["vary"]


def test_response_to_an_unknown_origin_has_no_cors_header(server: Lousa) -> None:
    for method in ("OPTIONS", "GET"):
        answer = request(door(server), method, None, {"Origin": "https://elsewhere.example"})
        assert "access-control-allow-origin" not in answer.headers


# End of a session


def test_delete_closes_the_session_and_removes_its_presence(open_poll: OpenPoll) -> None:
    ana, andre = open_poll("ana"), open_poll("andre.nogueira")
    topic = ana.class_topic()
    ana.join(topic)
    user = andre.join("user:me")["user"]
    andre.join(topic)
    for each in (ana, andre):
        each.wait_for(lambda frame: frame[3] == "presence_diff" and str(user["id"]) in frame[4]["joins"])
    assert andre.ask("DELETE") == {"status": 200}
    ana.wait_for(lambda frame: frame[3] == "presence_diff" and str(user["id"]) in frame[4]["leaves"])
    assert andre.post(HEARTBEAT)["status"] == 410
    gone = andre.poll()
    assert (gone["status"], gone["token"]) == (410, None)
    assert andre.open()["token"] is not None, "without a token there is a new one"


def test_disabled_user_receives_410_with_the_signed_out_code(server: Lousa, open_poll: OpenPoll) -> None:
    kenji = open_poll("kenji.nakamura")
    server.run("user", "disable", "kenji.nakamura")
    body: Body = {"status": 204}
    while body["status"] != 410:
        body = kenji.poll()
    assert (body["token"], body["code"], body["reason"]) == (None, 4001, "signed out")
