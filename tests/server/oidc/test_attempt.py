import base64
import hashlib

import pytest

from server.oidc.attempt import ATTEMPT_MS, Attempt

NOW = 1_800_000_000_000


def test_cookie_keeps_the_attempt() -> None:
    attempt = Attempt.begin("google", NOW, "/students/classes/1?a=ção#x|y")
    assert Attempt.read(attempt.cookie) == attempt
    assert attempt.cookie.isascii()
    assert ";" not in attempt.cookie


def test_what_travels_gives_nothing_else_away() -> None:
    attempt = Attempt.begin("google", NOW, "/")
    derived = {attempt.state, attempt.nonce, attempt.verifier, attempt.challenge, attempt.secret}
    assert len(derived) == 5
    assert len(attempt.verifier) == 43  # the least that RFC 7636 allows
    digest = hashlib.sha256(attempt.verifier.encode()).digest()
    assert attempt.challenge == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert Attempt.begin("google", NOW, "/").state != attempt.state


@pytest.mark.parametrize(
    ("provider", "later", "is_answer"),
    [
        ("google", 0, True),
        ("google", ATTEMPT_MS, True),
        ("google", ATTEMPT_MS + 1, False),
        ("google", -1, False),
        ("x", 0, False),
    ],
)
def test_answer_comes_in_time_and_of_the_same_provider(provider: str, later: int, is_answer: bool) -> None:
    attempt = Attempt.begin("google", NOW, "/")
    assert attempt.is_answered_by(provider, attempt.state, NOW + later) is is_answer
    assert not attempt.is_answered_by(provider, "é" + attempt.state, NOW + later)


def test_long_address_is_not_kept() -> None:
    assert Attempt.begin("google", NOW, "/" + "ç" * 500).next_page == "/"
