import gzip
import json

import pytest
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine

from server.compression import MIN_BYTES, Compressed, blurred_gzip, choose

BOTH = ("br", "gzip")


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, deflate", "gzip"),
        ("GZIP", "gzip"),
        ("br;q=0.5, gzip;q=0.8", "gzip"),
        ("br;q=0.5, gzip;q=0.5", "br"),
        ("br;q=0, gzip", "gzip"),
        ("*", "br"),
        ("*;q=0.1, gzip;q=0", "br"),
        ("br;q=0, *", "gzip"),
        ("gzip;q=0", None),
        ("gzip;q=high", None),
        ("identity", None),
        ("zstd", None),
        ("", None),
        (";,q=;;=", None),
    ],
)
def test_client_gets_the_encoding_that_it_prefers(accepted: str, chosen: str | None) -> None:
    assert choose(accepted, BOTH) == chosen


@pytest.mark.parametrize(
    "data", [b"", b"a", "é você\n".encode() * 900, b'{"status":200,"token":"a.b.7.c","messages":[]}']
)
def test_compressed_answer_unpacks_to_the_same(data: bytes) -> None:
    assert gzip.decompress(blurred_gzip(data)) == data


def test_equal_answers_have_unequal_lengths() -> None:
    assert len({len(blurred_gzip(b"the same" * 200)) for _ in range(50)}) > 10


def _length(guess: str) -> int:
    """Return the shortest of many lengths: the random part of the header is 0 bytes in one of them."""
    messages = [{"text": f"{guess}{number}"} for number in range(40)]
    body = json.dumps({"status": 200, "token": TOKEN, "messages": messages}, separators=(",", ":")).encode()
    return min(len(blurred_gzip(body)) for _ in range(800))


TOKEN = "w1.3f9ac27e55b04d1e8a7760c91d2e4b38.12.Zm9vYmFyYmF6cXV4"


def test_right_guess_of_a_token_makes_an_answer_no_shorter() -> None:
    right, wrong = TOKEN[3:35], "d2e4b383f9ac27e55b04d1e8a7760c91"
    assert _length(right) > _length(wrong) - 10  # one that the compression finds makes it 30 bytes shorter


def _transform(accepted: str, body: bytes, *, finishing: bool = True, **headers: str) -> tuple[HTTPHeaders, bytes]:
    start = RequestStartLine("GET", "/", "HTTP/1.1")
    request = HTTPServerRequest(start_line=start, headers=HTTPHeaders({"Accept-Encoding": accepted, "Host": "school"}))
    given = HTTPHeaders({"Content-Type": "text/html; charset=UTF-8", **headers})
    _, sent, chunk = Compressed(request).transform_first_chunk(200, given, body, finishing)
    return sent, chunk


def test_page_is_compressed_for_clients_that_accept_it() -> None:
    page = b"<p>" + b"words " * 400
    headers, body = _transform("gzip, br", page, Vary="Cookie", Etag='"tag"')
    assert gzip.decompress(body) == page
    assert headers["Content-Encoding"] == "gzip"
    assert headers["Content-Length"] == str(len(body))
    assert headers["Vary"] == "Cookie, Accept-Encoding"
    assert headers["Etag"] == 'W/"tag"'


@pytest.mark.parametrize(
    ("accepted", "length", "finishing", "headers"),
    [
        ("br", 5000, True, {}),
        ("gzip", MIN_BYTES - 1, True, {}),
        ("gzip", 5000, False, {}),
        ("gzip", 5000, True, {"Content-Type": "image/png"}),
        ("gzip", 5000, True, {"Content-Encoding": "br"}),
    ],
)
def test_other_answers_stay_as_they_are(accepted: str, length: int, finishing: bool, headers: dict[str, str]) -> None:
    body = b"x" * length
    sent, chunk = _transform(accepted, body, finishing=finishing, **headers)
    assert chunk == body
    assert sent.get("Content-Encoding") == headers.get("Content-Encoding")
