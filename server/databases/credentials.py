"""Sign-ins as rows: made, extended, ended. Code that ends one writes a note in the same transaction (changes.py)."""

import hashlib
import secrets
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.databases.accounts import Account, Credential, UserIdentity
from server.databases.batch import batches

BROWSER = "session"  # as stored in the column
TOKEN = "token"  # noqa: S105 (the name of a kind, no secret)
# Programs of a school are a handful; load tests make thousands, which nobody looks through.
MAX_LISTED_TOKENS = 500


class NewCredential(NamedTuple):
    """A sign-in to store: `secret_hash` is the SHA-256 of the secret that its owner receives.

    `identity_id` and `sid` say through which account and session of a provider it was made (accounts.py).
    """

    kind: str
    user_id: int
    secret_hash: bytes
    created_at: int
    expires_at: int
    device: str = ""
    identity_id: int | None = None
    sid: str | None = None
    label: str | None = None
    only_reads: bool = False


def hash_secret(secret: str) -> bytes:
    """Return the hash by which the database finds a sign-in."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


def new_credential(kind: str, user_id: int, now: int, expires_at: int, device: str = "") -> tuple[str, NewCredential]:
    """Make a new secret for a user, and the row to store for it."""
    secret = secrets.token_urlsafe(32)
    return secret, NewCredential(kind, user_id, hash_secret(secret), now, expires_at, device)


async def add_credentials(db: AsyncSession, new: Sequence[NewCredential]) -> None:
    """Store these sign-ins in one statement."""
    await db.execute(insert(Credential), [each._asdict() for each in new])


class TokenRow(NamedTuple):
    """A program's token as it is listed; times are ms since 1970, `used_at` None: never."""

    id: int
    user_id: int
    login: str
    name: str
    label: str
    only_reads: bool
    expires_at: int
    used_at: int | None


async def find_tokens(db: AsyncSession, now: int) -> list[TokenRow]:
    """Return the tokens that are valid now, the newest first, at most MAX_LISTED_TOKENS."""
    whose = (Credential.id, Credential.user_id, Account.login, Account.name)
    what = (func.coalesce(Credential.label, ""), Credential.only_reads, Credential.expires_at, Credential.used_at)
    query = (
        select(*whose, *what)
        .join(Account, Account.id == Credential.user_id)
        .where(Credential.kind == TOKEN, Credential.expires_at > now)
        .order_by(Credential.id.desc())
        .limit(MAX_LISTED_TOKENS)
    )
    return [TokenRow(*row) for row in await db.execute(query)]


async def end_token(db: AsyncSession, credential_id: int) -> set[int]:
    """End a token; return its user, if there was one."""
    return await _end(db, Credential.kind == TOKEN, Credential.id == credential_id)


async def note_used(db: AsyncSession, ids: Collection[int], now: int) -> None:
    """Note that these tokens were used."""
    for some in batches(ids):
        statement = update(Credential).where(Credential.id.in_(some)).values(used_at=now)
        await db.execute(statement, execution_options={"synchronize_session": False})


async def end_credential(db: AsyncSession, secret_hash: bytes) -> set[int]:
    """End one sign-in; return its user (the empty set if there was none)."""
    return await _end(db, Credential.secret_hash == secret_hash)


async def end_credentials_of(db: AsyncSession, user_id: int, kind: str | None = None) -> set[int]:
    """End all sign-ins of a user, or all of one kind; return their users."""
    return await _end(db, Credential.user_id == user_id, *([Credential.kind == kind] if kind else []))


async def sign_ins_of(db: AsyncSession, user_id: int, now: int) -> Sequence[Row[int, str, str | None, int]]:
    """Return (id, kind, device, expires_at) of the user's sign-ins that are valid now."""
    columns = Credential.id, Credential.kind, Credential.device, Credential.expires_at
    return (await db.execute(select(*columns).where(Credential.user_id == user_id, Credential.expires_at > now))).all()


async def end_sign_in_of(db: AsyncSession, user_id: int, credential_id: int) -> set[int]:
    """End one sign-in if it is this user's; return the user, if so."""
    return await _end(db, Credential.user_id == user_id, Credential.id == credential_id)


async def end_other_sign_ins(db: AsyncSession, user_id: int, keep: int, kind: str) -> set[int]:
    """End the user's sign-ins of one kind but one; return the user, if any ended."""
    return await _end(db, Credential.user_id == user_id, Credential.kind == kind, Credential.id != keep)


async def end_expired_credentials(db: AsyncSession, now: int) -> set[int]:
    """Delete expired sign-ins; return their users."""
    return await _end(db, Credential.expires_at <= now)


async def end_sign_ins_through(db: AsyncSession, identity_ids: Collection[int], sid: str) -> set[int]:
    """End the sign-ins through these accounts of a provider, or those of one session there; return their users."""
    return await _end(db, Credential.identity_id.in_(identity_ids), *([Credential.sid == sid] if sid else []))


async def end_sign_ins_of_session(db: AsyncSession, issuer: str, sid: str) -> set[int]:
    """End the sign-ins through one session at a provider; return their users."""
    of_issuer = select(UserIdentity.id).where(UserIdentity.issuer == issuer)
    return await _end(db, Credential.sid == sid, Credential.identity_id.in_(of_issuer))


async def sign_ins_to_extend(db: AsyncSession, ids: Collection[int], now: int, before: int) -> list[int]:
    """Return which of these sign-ins are a browser's, valid now, and expire before a time."""
    due: list[int] = []
    for some in batches(ids):
        due += await db.scalars(select(Credential.id).where(Credential.id.in_(some), *_expires(now, before)))
    return due


async def extend_sign_ins(db: AsyncSession, ids: Collection[int], now: int, before: int, until: int) -> None:
    """Set the expiry of those of these sign-ins that `sign_ins_to_extend` would return to `until`."""
    for some in batches(ids):
        statement = update(Credential).where(Credential.id.in_(some), *_expires(now, before))
        await db.execute(statement.values(expires_at=until), execution_options={"synchronize_session": False})


def _expires(now: int, before: int) -> tuple[Any, ...]:
    return Credential.kind == BROWSER, Credential.expires_at > now, Credential.expires_at < before


async def end_oldest_sign_ins(db: AsyncSession, user_id: int, keep: int) -> set[int]:
    """End the browser sign-ins of a user except the `keep` used last; return the user, if any ended."""
    mine = (Credential.user_id == user_id, Credential.kind == BROWSER)
    newest = select(Credential.id).where(*mine).order_by(Credential.expires_at.desc(), Credential.id.desc()).limit(keep)
    return await _end(db, *mine, Credential.id.not_in(newest))


async def _end(db: AsyncSession, *which: Any) -> set[int]:
    return set(await db.scalars(delete(Credential).where(*which).returning(Credential.user_id)))
