"""The token of a long-poll session: its worker, and the last answer that the client has received.

    worker.session.answer.signature

All workers of a school sign with the same key. So each of them can verify a token and find the worker that has the
session, and a forged token causes no request to another worker.
"""

import base64
import hashlib
import hmac
from typing import NamedTuple

# Our tokens have about 70; longer ones are not parsed.
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
        """Parse a token; return None if we did not sign it."""
        unsigned, _, signature = text.rpartition(".")
        if len(text) > MAX_TOKEN_CHARACTERS or not text.isascii():
            return None
        if not hmac.compare_digest(signature, self._signature(unsigned)):
            return None
        worker, session, answer = unsigned.split(".")
        return PollToken(worker, session, int(answer))

    def _signature(self, text: str) -> str:
        made = self._hmac.copy()
        made.update(text.encode())
        return base64.urlsafe_b64encode(made.digest()[:_SIGNATURE_BYTES]).rstrip(b"=").decode()
