"""Limits how fast passwords can be guessed, without locking anybody out: past a limit, each guess needs patience.

Wrong guesses are counted for each account and each address. Past a limit, a stranger gets a ticket with a time before
which it is not accepted. Tickets of one address for one account follow each other, and the wait grows with the count: a
program gets no further than before, and somebody whose account or school is under attack waits less than a minute. A
browser that has signed in to the account before (`known_browser`) has a count of its own and is not concerned.

Not prevented: a user at the same address as a program that tries the user's account waits behind that program's
tickets, in a browser that has not signed in to the account before.

A guess is counted before it is checked, and taken back if it was right, so that guesses sent at once are all counted.
The counts are in the database, so they survive restarts and apply to all workers.
"""

import hashlib
import secrets
from enum import Enum
from ipaddress import IPv6Address, ip_address

from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts.fair_queue import Client, FairQueue, QueueFull
from server.accounts.refusals import SignInRefused
from server.clock import MINUTE, SECOND, Clock
from server.databases import DbSessions, reading, writing
from server.databases.failures import (
    Count,
    add_ticket,
    count_failure,
    failure_counts,
    forget_failures,
    forget_old_failures,
    next_turn,
    take_back_failure,
    take_ticket,
)

WINDOW_MS = 5 * MINUTE
# Allows for typing errors; 10 in 5 minutes are 3,000 guesses a day, and a bad password takes a million.
ACCOUNT_FAILURES = 10
# A whole school often has one address, and on the first day of term many mistype.
ADDRESS_FAILURES = 200
# The wait at the limit; it grows with the count. An address that tries one account has 22 guesses in 5 minutes.
ACCOUNT_PATIENCE_MS = 15 * SECOND
# Shorter, because the others of a school wait, too. At 10 guesses a second, which are 15 times the limit, it is 75 s.
ADDRESS_PATIENCE_MS = 5 * SECOND
# Tickets are written one at a time, and addresses take turns: a flood of guesses does not keep others from writing.
TICKETS_AT_ONCE = 1
MAX_WAITING_FOR_TICKETS = 100
RETRY_AFTER_SECONDS = 5
# So many tickets, of some 120 bytes, may have ended before they are deleted.
TICKETS_BETWEEN_TIDYING = 1_000
# Nobody waits longer, and no more tickets are given than fit into this time.
MAX_PATIENCE_MS = WINDOW_MS
# A ticket is good for this long after its time: enough to type a password again.
TICKET_MS = 10 * MINUTE


class Admission(Enum):
    """How a guess was let through: within the limits, by a ticket, or from a browser that is known."""

    FREE = "free"
    PATIENT = "patient"
    KNOWN = "known"


class Throttle:
    """Counts failed sign-ins by account, by address and by known browser, and gives tickets past the limits."""

    def __init__(self, sessions: DbSessions, clock: Clock) -> None:
        self._sessions = sessions
        self._clock = clock
        self._queue = FairQueue(TICKETS_AT_ONCE, MAX_WAITING_FOR_TICKETS)
        self._given = 0

    async def check(
        self, login: str, address: str, browser: str = "", ticket: str = "", *, keep: bool = False
    ) -> Admission:
        """Return how a guess may be made, without counting it: a cheap check to do first.

        `browser` is the number of a browser that is known to the account. Raise SignInRefused past the limits; it has a
        ticket to come back with. A ticket works once, unless `keep` says that this is only the question.
        """
        keys = [*_limits(login, address), _browser_key(login, browser)]
        async with reading(self._sessions) as db:
            counts = await failure_counts(db, keys, self._clock())
        if browser and _failures(counts, keys[-1]) < ACCOUNT_FAILURES:
            return Admission.KNOWN
        patience = _patience(counts, login, address)
        if not patience:
            return Admission.FREE
        if ticket and await self._take(login, address, ticket, keep=keep):
            return Admission.PATIENT
        raise await self._refusal(login, address, patience)

    async def count(self, login: str, address: str, admission: Admission = Admission.FREE, browser: str = "") -> None:
        """Count one guess; raise SignInRefused, and count nothing, if it exceeds a limit that holds for it."""
        now = self._clock()
        limits = (
            {_browser_key(login, browser): ACCOUNT_FAILURES}
            if admission is Admission.KNOWN
            else _limits(login, address)
        )
        try:
            async with writing(self._sessions) as db:
                for key, limit in limits.items():
                    count = await count_failure(db, key, now, now + WINDOW_MS)
                    if count.failures > limit and admission is not Admission.PATIENT:
                        raise _Exceeded
        except _Exceeded:
            raise await self._refusal(login, address, ACCOUNT_PATIENCE_MS) from None

    async def _take(self, login: str, address: str, ticket: str, *, keep: bool) -> bool:
        """Use up a ticket; raise SignInRefused with the same one where its time has not come."""
        now = self._clock()
        async with writing(self._sessions) as db:
            until = await take_ticket(db, _ticket_key(login, address, ticket), now, 0 if keep else now + TICKET_MS)
        if until is None:
            return False
        if until > now + TICKET_MS:
            raise SignInRefused("throttled", _seconds(until - TICKET_MS - now), ticket)
        return True

    async def _refusal(self, login: str, address: str, patience: int) -> SignInRefused:
        """Give the next ticket of this address for this account, or none where too many have been given."""
        try:
            async with self._queue.place(Client(network(address), login)):
                return await self._give(login, address, patience)
        except QueueFull:
            return SignInRefused("throttled", RETRY_AFTER_SECONDS)

    async def _give(self, login: str, address: str, patience: int) -> SignInRefused:
        now = self._clock()
        ticket = secrets.token_urlsafe(16)
        self._given += 1
        async with writing(self._sessions) as db:
            if self._given % TICKETS_BETWEEN_TIDYING == 0:
                await forget_old_failures(db, now)
            turn = await next_turn(db, _pair_key(login, address), now, patience, now + MAX_PATIENCE_MS)
            if turn is None:
                return SignInRefused("throttled", _seconds(patience))
            await add_ticket(db, _ticket_key(login, address, ticket), turn + TICKET_MS)
        return SignInRefused("throttled", _seconds(turn - now), ticket)


async def forgive(db: AsyncSession, login: str, address: str, browser: str = "") -> None:
    """Take back a right guess, and earlier failures of the account or browser, in the transaction that signs in."""
    if browser:
        await forget_failures(db, _browser_key(login, browser))
        return
    address_key, account_key = _limits(login, address)
    await take_back_failure(db, address_key)
    await forget_failures(db, account_key)


class _Exceeded(Exception):
    """A guess exceeds a limit."""


def _seconds(ms: int) -> int:
    return max(1, -(-ms // SECOND))


def _failures(counts: dict[str, Count], key: str) -> int:
    return counts[key].failures if key in counts else 0


def _patience(counts: dict[str, Count], login: str, address: str) -> int:
    """Return how long a stranger waits, 0 within the limits."""
    bases = (ADDRESS_PATIENCE_MS, ACCOUNT_PATIENCE_MS)
    waits = [
        base * _failures(counts, key) // limit if _failures(counts, key) >= limit else 0
        for (key, limit), base in zip(_limits(login, address).items(), bases, strict=True)
    ]
    return min(max(waits), MAX_PATIENCE_MS)


def _limits(login: str, address: str) -> dict[str, int]:
    """Return the keys with their limits; always the address first, so that transactions cannot deadlock."""
    return {f"address:{network(address)}": ADDRESS_FAILURES, f"account:{login}": ACCOUNT_FAILURES}


def _browser_key(login: str, browser: str) -> str:
    return f"browser:{browser}:{login}"


def _pair_key(login: str, address: str) -> str:
    return f"turn:{_digest(network(address), login)}"


def _ticket_key(login: str, address: str, ticket: str) -> str:
    return f"ticket:{_digest(network(address), login, ticket)}"


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()


def network(address: str) -> str:
    """Return the address, or the network half of an IPv6 address: its owner has all addresses of the network."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address[:64]
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or IPv6Address(int(parsed) >> 64 << 64))
