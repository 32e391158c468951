"""Signing in through the school: from an account at one of its providers to a user, and out again.

Roles and classes come from the roster alone. At the first time the user is found by what the school's claim says, and
pinned: from then on the provider's subject is this user, whatever becomes of the claim. Nobody gets an account here.
"""

from typing import Any, Literal, NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts.accounts import Accounts
from server.accounts.browser_sign_in import MAX_SIGN_INS, new_sign_in
from server.accounts.identifiers import normal_login
from server.accounts.refusals import SignInRefused
from server.clock import MINUTE
from server.databases import DbSessions, writing
from server.databases.accounts import Account
from server.databases.changes import note_changes
from server.databases.credentials import (
    add_credentials,
    end_oldest_sign_ins,
    end_sign_ins_of_session,
    end_sign_ins_through,
    hash_secret,
)
from server.databases.identities import (
    add_identity,
    find_by_sourced_id,
    find_identity,
    identity_ids,
    identity_of,
    use_once,
)
from server.databases.outbox import note_audited
from server.databases.users import find_user

# Longer than a browser may take for a sign-in: what was used once is not asked for again.
USED_MS = 30 * MINUTE


class Presented(NamedTuple):
    """Whom a provider has signed in: its `issuer` and `subject` are pinned, `sid` is its session or empty.

    `names` are logins, or ids of the roster (`finds`), to look for at the first time. `once` is the number of this
    sign-in, which counts once.
    """

    provider: str
    issuer: str
    subject: str
    sid: str
    finds: Literal["login", "sourcedId"]
    names: tuple[str, ...]
    once: str


class _Found(NamedTuple):
    user_id: int
    identity_id: int


class _Refusal(NamedTuple):
    reason: Literal["unknown", "disabled", "taken"]
    user_id: int | None = None


class SchoolSignIn:
    """The users' sign-ins through providers. Every coroutine may raise DatabaseUnavailable."""

    def __init__(self, accounts: Accounts, sessions: DbSessions) -> None:
        self._accounts = accounts
        self._sessions = sessions

    async def sign_in(self, presented: Presented, address: str, device: str) -> str:
        """Return the secret of a new sign-in; raise SignInRefused where there is no user for it, and record both."""
        async with self._accounts.sign_ins.counted():
            return await self._sign_in(presented, address, device)

    async def _sign_in(self, presented: Presented, address: str, device: str) -> str:
        now = self._accounts.clock()
        where: dict[str, Any] = {"provider": presented.provider, "address": address, "device": device}
        secret, ended = "", set[int]()
        async with writing(self._sessions) as db:
            if not await use_once(db, _key(presented.issuer, presented.once), now, now + USED_MS):
                raise SignInRefused("used")
            found = await self._find(db, presented, now)
            if isinstance(found, _Refusal):
                where["reason"] = found.reason
                await note_audited(db, now, "sign-in:refused", subject_id=found.user_id, **where)
            else:
                secret = await self._add(db, *found, presented.sid, device, now)
                ended = await end_oldest_sign_ins(db, found.user_id, MAX_SIGN_INS)
                await note_audited(db, now, "sign-in:made", user_id=found.user_id, **where)
                await note_changes(db, ended, now)
        if isinstance(found, _Refusal):
            raise SignInRefused(found.reason)
        self._forget(ended)
        return secret

    async def _add(self, db: AsyncSession, user_id: int, identity_id: int, sid: str, device: str, now: int) -> str:
        secret, new = new_sign_in(user_id, now, device)
        await add_credentials(db, [new._replace(identity_id=identity_id, sid=sid or None)])
        return secret

    async def _find(self, db: AsyncSession, presented: Presented, now: int) -> _Found | _Refusal:
        """Return the user and the identity, which is stored where it is new."""
        pinned = await find_identity(db, presented.issuer, presented.subject)
        user = pinned[1] if pinned is not None else await _named(db, presented)
        if user is None:
            return _Refusal("unknown")
        if not user.may_sign_in:
            return _Refusal("disabled", user.id)
        identity_id = pinned[0] if pinned is not None else await self._pin(db, user, presented, now)
        if identity_id is None:
            return _Refusal("taken", user.id)
        user.signed_in_at = now
        return _Found(user.id, identity_id)

    async def _pin(self, db: AsyncSession, user: Account, presented: Presented, now: int) -> int | None:
        """Pin the user, whose row is locked; return None where another subject is pinned already."""
        known = await identity_of(db, user.id, presented.issuer)
        if known is not None:  # the same subject, where two windows signed in at once
            return known[0] if known[1] == presented.subject else None
        await note_audited(db, now, "identity:linked", user_id=user.id, provider=presented.provider)
        return await add_identity(db, user.id, presented.issuer, presented.subject, now)

    async def end(self, issuer: str, subject: str, sid: str, jti: str, until: int) -> None:
        """End the sign-ins of a subject or of a session at a provider, with their open connections.

        The message `jti`, valid until then (ms since 1970), counts once: SignInRefused says that it came before.
        """
        now = self._accounts.clock()
        async with writing(self._sessions) as db:
            if not await use_once(db, _key(issuer, jti), now, until):
                raise SignInRefused("used")
            if subject:
                ended = await end_sign_ins_through(db, await identity_ids(db, issuer, subject), sid)
            else:
                ended = await end_sign_ins_of_session(db, issuer, sid)
            for user_id in ended:
                await note_audited(db, now, "sign-in:ended", subject_id=user_id, by="provider")
            await note_changes(db, ended, now)
        self._forget(ended)

    def _forget(self, users: set[int]) -> None:
        if users:
            self._accounts.forget(users)
            self._accounts.changed.set()


async def _named(db: AsyncSession, presented: Presented) -> Account | None:
    for name in presented.names:
        if presented.finds == "sourcedId":
            found = await find_by_sourced_id(db, name)
        else:
            found = await find_user(db, normal_login(name), lock=True)
        if found is not None:
            return found
    return None


def _key(issuer: str, once: str) -> str:
    return hash_secret(f"{issuer} {once}").hex()
