"""The token of a long-poll session: which worker has it, and which answer whoever shows the token has had.

    worker.session.answer.signature

Every worker of a school signs with the same key, so that any of them can tell whom a request is meant for, and that
nobody has made the token up, before it troubles another.
"""

import base64
import hashlib
import hmac
from typing import NamedTuple

# Ours have about 70; what is longer is not looked at.
MAX_TOKEN_CHARACTERS = 128

# Bytes of HMAC-SHA256 that are kept (RFC 2104, section 5: not less than half of it).
_SIGNATURE_BYTES = 16


class PollToken(NamedTuple):
    """A session (`session`, unguessable) on a worker, and the number of the last answer that has arrived."""

    worker: str
    session: str
    answer: int


class TokenSigner:
    """Writes tokens and reads them; `key` is known to the workers of one school only."""

    def __init__(self, key: str) -> None:
        self._hmac = hmac.new(key.encode(), digestmod=hashlib.sha256)

    def write(self, token: PollToken) -> str:
        """Return a token as text that needs no quoting in headers and queries."""
        text = f"{token.worker}.{token.session}.{token.answer}"
        return f"{text}.{self._signature(text)}"

    def read(self, text: str) -> PollToken | None:
        """Return what a token says; None where it is not ours."""
        said, _, signature = text.rpartition(".")
        if len(text) > MAX_TOKEN_CHARACTERS or not text.isascii():
            return None
        if not hmac.compare_digest(signature, self._signature(said)):
            return None
        worker, session, answer = said.split(".")
        return PollToken(worker, session, int(answer))

    def _signature(self, text: str) -> str:
        made = self._hmac.copy()
        made.update(text.encode())
        return base64.urlsafe_b64encode(made.digest()[:_SIGNATURE_BYTES]).rstrip(b"=").decode()
