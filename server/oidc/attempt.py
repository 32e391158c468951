"""One sign-in of one browser, from the button to the way back; the browser keeps it in a cookie.

The cookie has one secret. The state, the nonce and the PKCE verifier are hashes of it, so that none of them gives the
others away: the state and the hash of the verifier travel in addresses. Nothing is kept on the server, which strangers
could fill, and every worker can finish what another one has begun.
"""

import base64
import hashlib
import hmac
import secrets
from typing import NamedTuple, Self
from urllib.parse import quote, unquote

from server.clock import MINUTE

# Enough to type a password, find the phone and confirm there.
ATTEMPT_MS = 10 * MINUTE
# Longer addresses are not ours; a cookie has 4 KB.
MAX_NEXT_CHARACTERS = 1_000


class Attempt(NamedTuple):
    """A sign-in that was begun. `next_page` is where the browser goes afterwards; its reader checks it again."""

    provider: str
    begun_at: int
    secret: str
    next_page: str

    @classmethod
    def begin(cls, provider: str, now: int, next_page: str) -> Self:
        """Begin a new one."""
        kept = next_page if len(quote(next_page)) <= MAX_NEXT_CHARACTERS else "/"
        return cls(provider, now, secrets.token_urlsafe(32), kept)

    @classmethod
    def read(cls, cookie: str) -> Self | None:
        """Return the attempt that a browser has kept; None for anything else."""
        parts = cookie.split("|")
        if len(parts) != 4 or not (parts[1].isascii() and parts[1].isdecimal() and len(parts[1]) <= 15):
            return None
        return cls(parts[0], int(parts[1]), parts[2], unquote(parts[3]))

    @property
    def cookie(self) -> str:
        """What the browser keeps."""
        return f"{self.provider}|{self.begun_at}|{self.secret}|{quote(self.next_page)}"

    def is_answered_by(self, provider: str, state: str, now: int) -> bool:
        """Return whether an answer of this provider with this state is the one that this browser waits for."""
        in_time = 0 <= now - self.begun_at <= ATTEMPT_MS
        return in_time and self.provider == provider and hmac.compare_digest(self.state.encode(), state.encode())

    @property
    def state(self) -> str:
        """Binds the answer to this browser (RFC 6749, section 10.12)."""
        return self._derived("state")

    @property
    def nonce(self) -> str:
        """Binds the ID token to this browser (OpenID Connect Core 1.0, section 15.5.2)."""
        return self._derived("nonce")

    @property
    def verifier(self) -> str:
        """Binds the code to this browser (RFC 7636, section 4.1)."""
        return self._derived("verifier")

    @property
    def challenge(self) -> str:
        """The hash of the verifier (RFC 7636, section 4.2)."""
        return _text(hashlib.sha256(self.verifier.encode()).digest())

    def _derived(self, what: str) -> str:
        return _text(hmac.digest(self.secret.encode(), what.encode(), "sha256"))


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
