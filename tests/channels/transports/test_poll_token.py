"""The tokens of long-poll sessions: our own are read back, all others are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.transports.poll_token import MAX_TOKEN_CHARACTERS, PollToken, TokenSigner

SIGNER = TokenSigner("a key")
TOKEN = PollToken("3ad75888a77f", "3db8b5fb73c07eca898bf7c297596327", 12)


def test_a_token_is_read_back_unchanged() -> None:
    assert SIGNER.read(SIGNER.write(TOKEN)) == TOKEN


def test_token_is_url_safe_and_within_the_length_limit() -> None:
    text = SIGNER.write(TOKEN._replace(answer=2**63))
    assert text.replace(".", "").replace("-", "").replace("_", "").isalnum()
    assert len(text) < MAX_TOKEN_CHARACTERS


def test_only_workers_with_the_same_key_read_a_token() -> None:
    assert TokenSigner("a key").read(SIGNER.write(TOKEN)) == TOKEN
    assert TokenSigner("another key").read(SIGNER.write(TOKEN)) is None


@pytest.mark.parametrize("place", range(len(SIGNER.write(TOKEN)) - 1))
def test_changing_any_character_invalidates_a_token(place: int) -> None:
    # The last character of the signature stands for four bits only and is left out.
    text = SIGNER.write(TOKEN)
    changed = "A" if text[place] != "A" else "B"
    assert SIGNER.read(text[:place] + changed + text[place + 1 :]) is None


@given(st.text())
def test_malformed_token_gives_none(text: str) -> None:
    assert SIGNER.read(text) is None


def test_overlong_token_is_refused_unread() -> None:
    assert SIGNER.read(SIGNER.write(TOKEN._replace(session="x" * 200))) is None
