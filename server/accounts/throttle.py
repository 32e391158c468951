"""Slows down whoever guesses passwords: so many failures for one account, and from one address, then a pause.

A guess is counted before it is looked at and taken back when it was right: a thousand guesses sent at once are
a thousand guesses. The counts stand in the database, so that a restart or another worker is no fresh start.
"""

from ipaddress import IPv6Address, ip_address

from server.accounts.refusals import SignInRefused
from server.clock import MINUTE, SECOND, Clock
from server.databases import Session, Sessions, reading, writing
from server.databases.failures import (
    Count,
    count_failure,
    failure_counts,
    forget_failures,
    take_back_failure,
)

# Short: a classmate who guesses on purpose locks the account's owner out for no longer.
WINDOW_MS = 5 * MINUTE
# Mistyping is forgiven; 10 in 5 minutes are 3,000 guesses a day, against a million that a bad password stands.
ACCOUNT_FAILURES = 10
# A whole school often has one address, and on the first day of term many mistype.
ADDRESS_FAILURES = 200


class Throttle:
    """Counts failed sign-ins by account and by address."""

    def __init__(self, sessions: Sessions, clock: Clock) -> None:
        self._sessions = sessions
        self._clock = clock

    async def check(self, login: str, address: str) -> None:
        """Raise SignInRefused where guessing must pause, without counting: cheap, to be asked first."""
        limits = _limits(login, address)
        async with reading(self._sessions) as session:
            counts = await failure_counts(session, list(limits), self._clock())
        for key, count in counts.items():
            if count.failures >= limits[key]:
                raise self._refusal(count)

    async def count(self, login: str, address: str) -> None:
        """Count one guess; raise SignInRefused, and count nothing, where it would be one too many."""
        now = self._clock()
        async with writing(self._sessions) as session:
            for key, limit in _limits(login, address).items():
                count = await count_failure(session, key, now, now + WINDOW_MS)
                if count.failures > limit:
                    raise self._refusal(count)

    def _refusal(self, count: Count) -> SignInRefused:
        return SignInRefused("throttled", max(1, -(-(count.until - self._clock()) // SECOND)))


async def forgive(session: Session, login: str, address: str) -> None:
    """Take a guess back in the transaction that signs in, for it was right, and with it the account's earlier ones."""
    address_key, account_key = _limits(login, address)
    await take_back_failure(session, address_key)
    await forget_failures(session, account_key)


def _limits(login: str, address: str) -> dict[str, int]:
    """Return the keys with their limits; always the address first, so that no two transactions wait for each other."""
    return {f"address:{_network(address)}": ADDRESS_FAILURES, f"account:{login}": ACCOUNT_FAILURES}


def _network(address: str) -> str:
    """Return the address, or of IPv6 the half that names the network: whoever has one has all of the other half."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address[:64]
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or IPv6Address(int(parsed) >> 64 << 64))
