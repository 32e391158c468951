"""Hashes and checks passwords and one-time codes with argon2id, in a bounded number of threads.

One hash takes about 20 ms of a core and 19 MiB (one of the choices that OWASP's password storage cheat sheet holds
equal): a class of 30 that signs in at once waits a third of a second, a school of 1,000 ten seconds. `fair_queue` says
whose turn it is.
"""

import asyncio
import unicodedata
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from secrets import token_bytes
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION

from server.accounts.fair_queue import NOBODY, Client, FairQueue, QueueFull
from server.accounts.refusals import PasswordRefused, SignInRefused

R = TypeVar("R")

# Memory (KiB), passes, lanes. One lane: parallelism comes from the threads below.
MEMORY_KIB, PASSES, LANES = 19_456, 2, 1
# At most two cores: the event loop must get its share, and memory stays below 40 MiB.
THREADS = 2
# Sign-ins under way, so that the threads do not wait while the database counts a guess. Fewer than the guesses that an
# account has (throttle.ACCOUNT_FAILURES): right passwords that come at once are not refused.
AT_ONCE = 6
# A school of 1,000 that comes at once waits ten seconds in turn. Past that "try again" is the better answer.
MAX_WAITING = 1_000
RETRY_AFTER_SECONDS = 5

MIN_PASSWORD_CHARACTERS = 8
# Nobody types more, and hashing time grows with the length.
MAX_PASSWORD_CHARACTERS = 256

# The most often guessed passwords, in Brazil and elsewhere, of those that are long enough.
_COMMON_TEXT = """
12345678 123456789 1234567890 01234567 87654321 987654321 12341234 11223344 123123123
password password1 passw0rd qwertyui qwertyuiop asdfghjk 1q2w3e4r abcd1234 abc12345 iloveyou
senha123 senha1234 minhasenha brasil123 flamengo corinthians palmeiras saopaulo vascodagama escola123
estudante professor professora
"""
_COMMON = frozenset(_COMMON_TEXT.split())


class Passwords:
    """Hashes passwords in threads; one object for a process."""

    def __init__(self, *, max_waiting: int = MAX_WAITING, memory_kib: int = MEMORY_KIB, passes: int = PASSES) -> None:
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=LANES)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="password")
        self._queue = FairQueue(AT_ONCE, max_waiting)
        self._is_closed = False
        # An unknown login is checked against this hash, so that it takes as long as a known one.
        self._nobody = make_unmatched(self._hasher)

    @asynccontextmanager
    async def slot(self, client: Client = NOBODY) -> AsyncIterator[None]:
        """Wait for one of AT_ONCE places; raise SignInRefused (throttled) when too many wait."""
        try:
            async with self._queue.place(client):
                yield
        except QueueFull:
            raise SignInRefused("throttled", RETRY_AFTER_SECONDS) from None

    async def verify(self, stored: str | None, given: str) -> bool:
        """Return whether this password has the stored hash; without a hash return False after the same time."""
        matches = await self._in_thread(self._matches, stored or self._nobody, _normal(given))
        return matches and stored is not None

    async def hash(self, password: str) -> str:
        """Return the hash to store."""
        return await self._in_thread(self._hasher.hash, _normal(password))

    def close(self) -> None:
        """End the threads, after the hashes under way: at most 20 ms each. Later calls raise SignInRefused."""
        self._is_closed = True
        self._threads.shutdown()

    def _matches(self, stored: str, given: str) -> bool:
        try:
            return self._hasher.verify(stored, given)
        except (VerificationError, InvalidHashError):
            return False

    async def _in_thread(self, work: Callable[..., R], *arguments: str) -> R:
        if self._is_closed:
            # The process stops while a client that hung up still waits for its slot.
            raise SignInRefused("throttled", RETRY_AFTER_SECONDS)
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)


def make_unmatched(hasher: PasswordHasher) -> str:
    """Return a hash that no password has and that takes as long to check as the hasher's own: its digest is random."""
    costs = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    salt, digest = (b64encode(token_bytes(size)).decode().rstrip("=") for size in (hasher.salt_len, hasher.hash_len))
    return f"$argon2id$v={ARGON2_VERSION}${costs}${salt}${digest}"


def check_new_password(login: str, password: str) -> None:
    """Raise PasswordRefused for an easily guessed password; there are no composition rules (NIST SP 800-63B)."""
    folded = password.casefold()
    if len(password) < MIN_PASSWORD_CHARACTERS:
        raise PasswordRefused("short")
    if len(password) > MAX_PASSWORD_CHARACTERS:
        raise PasswordRefused("long")
    if folded == login.casefold():
        raise PasswordRefused("login")
    if folded in _COMMON or len(set(folded)) == 1:
        raise PasswordRefused("common")


def _normal(password: str) -> str:
    # Keyboards send the same accented letter composed or decomposed.
    return unicodedata.normalize("NFKC", password[:MAX_PASSWORD_CHARACTERS])
