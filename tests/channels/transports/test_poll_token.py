"""The tokens of long-poll sessions: what is ours is read back, what is not is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.transports.poll_token import MAX_TOKEN_CHARACTERS, PollToken, TokenSigner

SIGNER = TokenSigner("a key")
TOKEN = PollToken("3ad75888a77f", "3db8b5fb73c07eca898bf7c297596327", 12)


def test_a_token_says_what_was_written_into_it() -> None:
    assert SIGNER.read(SIGNER.write(TOKEN)) == TOKEN


def test_it_needs_no_quoting_and_is_shorter_than_what_is_looked_at() -> None:
    text = SIGNER.write(TOKEN._replace(answer=2**63))
    assert text.replace(".", "").replace("-", "").replace("_", "").isalnum()
    assert len(text) < MAX_TOKEN_CHARACTERS


def test_every_worker_with_the_same_key_can_read_it_and_nobody_else() -> None:
    assert TokenSigner("a key").read(SIGNER.write(TOKEN)) == TOKEN
    assert TokenSigner("another key").read(SIGNER.write(TOKEN)) is None


@pytest.mark.parametrize("place", range(len(SIGNER.write(TOKEN)) - 1))
def test_whoever_changes_a_character_has_no_token_any_more(place: int) -> None:
    # The last character of the signature stands for four bits only and is left out.
    text = SIGNER.write(TOKEN)
    changed = "A" if text[place] != "A" else "B"
    assert SIGNER.read(text[:place] + changed + text[place + 1 :]) is None


@given(st.text())
def test_anything_else_is_none(text: str) -> None:
    assert SIGNER.read(text) is None


def test_a_very_long_one_is_not_looked_at() -> None:
    assert SIGNER.read(SIGNER.write(TOKEN._replace(session="x" * 200))) is None
