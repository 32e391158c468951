"""Sign-ins as rows: made, extended, ended. Code that ends one writes a note in the same transaction (changes.py)."""

import hashlib
import secrets
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.databases.accounts import Credential, UserIdentity
from server.databases.batch import batches

BROWSER = "session"  # as stored in the column
TOKEN = "token"  # noqa: S105 (the name of a kind, no secret)


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
