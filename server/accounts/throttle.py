"""Limits how fast passwords can be guessed: failures are counted for each account and each address.

A guess is counted before it is checked, and taken back if it was right, so that guesses sent at once are all counted.
The counts are in the database, so they survive restarts and apply to all workers.
"""

from ipaddress import IPv6Address, ip_address

from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts.refusals import SignInRefused
from server.clock import MINUTE, SECOND, Clock
from server.databases import DbSessions, reading, writing
from server.databases.failures import (
    Count,
    count_failure,
    failure_counts,
    forget_failures,
    take_back_failure,
)

# Short: a classmate who guesses on purpose locks the owner of an account out for this long.
WINDOW_MS = 5 * MINUTE
# Allows for typing errors; 10 in 5 minutes are 3,000 guesses a day, and a bad password takes a million.
ACCOUNT_FAILURES = 10
# A whole school often has one address, and on the first day of term many mistype.
ADDRESS_FAILURES = 200


class Throttle:
    """Counts failed sign-ins by account and by address."""

    def __init__(self, sessions: DbSessions, clock: Clock) -> None:
        self._sessions = sessions
        self._clock = clock

    async def check(self, login: str, address: str) -> None:
        """Raise SignInRefused if a limit is reached, without counting: a cheap check to do first."""
        limits = _limits(login, address)
        async with reading(self._sessions) as db:
            counts = await failure_counts(db, list(limits), self._clock())
        for key, count in counts.items():
            if count.failures >= limits[key]:
                raise self._refusal(count)

    async def count(self, login: str, address: str) -> None:
        """Count one guess; raise SignInRefused, and count nothing, if it exceeds a limit."""
        now = self._clock()
        async with writing(self._sessions) as db:
            for key, limit in _limits(login, address).items():
                count = await count_failure(db, key, now, now + WINDOW_MS)
                if count.failures > limit:
                    raise self._refusal(count)

    def _refusal(self, count: Count) -> SignInRefused:
        return SignInRefused("throttled", max(1, -(-(count.until - self._clock()) // SECOND)))


async def forgive(db: AsyncSession, login: str, address: str) -> None:
    """Take back a right guess, and the account's earlier failures, in the transaction that signs in."""
    address_key, account_key = _limits(login, address)
    await take_back_failure(db, address_key)
    await forget_failures(db, account_key)


def _limits(login: str, address: str) -> dict[str, int]:
    """Return the keys with their limits; always the address first, so that transactions cannot deadlock."""
    return {f"address:{_network(address)}": ADDRESS_FAILURES, f"account:{login}": ACCOUNT_FAILURES}


def _network(address: str) -> str:
    """Return the address, or the network half of an IPv6 address: its owner has all addresses of the network."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address[:64]
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or IPv6Address(int(parsed) >> 64 << 64))
