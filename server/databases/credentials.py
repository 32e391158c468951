"""Sign-ins as rows: made, extended, ended. Code that ends one writes a note in the same transaction (changes.py)."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.databases.accounts import Credential
from server.databases.batch import batches

SESSION = "session"
TOKEN = "token"  # noqa: S105 (the name of a kind, no secret)


class NewCredential(NamedTuple):
    """A sign-in to store: `secret_hash` is the SHA-256 of the secret that its owner is given."""

    kind: str
    user_id: int
    secret_hash: bytes
    created_at: int
    expires_at: int


async def add_credentials(session: AsyncSession, new: Sequence[NewCredential]) -> None:
    """Store these sign-ins in one statement."""
    await session.execute(insert(Credential), [each._asdict() for each in new])


async def end_credential(session: AsyncSession, secret_hash: bytes) -> set[int]:
    """End one sign-in; return its user (the empty set if there was none)."""
    return await _end(session, Credential.secret_hash == secret_hash)


async def end_credentials_of(session: AsyncSession, user_id: int, kind: str | None = None) -> set[int]:
    """End all sign-ins of a user, or all of one kind; return their users."""
    return await _end(session, Credential.user_id == user_id, *([Credential.kind == kind] if kind else []))


async def end_expired_credentials(session: AsyncSession, now: int) -> set[int]:
    """End what has expired; return their users."""
    return await _end(session, Credential.expires_at <= now)


async def sessions_to_extend(session: AsyncSession, ids: Collection[int], now: int, before: int) -> list[int]:
    """Return which of these sign-ins are a browser's, valid now, and expire before a time."""
    due: list[int] = []
    for some in batches(ids):
        due += await session.scalars(select(Credential.id).where(Credential.id.in_(some), *_expires(now, before)))
    return due


async def extend_sessions(session: AsyncSession, ids: Collection[int], now: int, before: int, until: int) -> None:
    """Let those of these sign-ins that `sessions_to_extend` would return expire at `until`."""
    for some in batches(ids):
        statement = update(Credential).where(Credential.id.in_(some), *_expires(now, before))
        await session.execute(statement.values(expires_at=until), execution_options={"synchronize_session": False})


def _expires(now: int, before: int) -> tuple[Any, ...]:
    return Credential.kind == SESSION, Credential.expires_at > now, Credential.expires_at < before


async def end_oldest_sessions(session: AsyncSession, user_id: int, keep: int) -> set[int]:
    """End the browser sign-ins of a user except the `keep` used last; return the user, if any ended."""
    mine = (Credential.user_id == user_id, Credential.kind == SESSION)
    newest = select(Credential.id).where(*mine).order_by(Credential.expires_at.desc(), Credential.id.desc()).limit(keep)
    return await _end(session, *mine, Credential.id.not_in(newest))


async def _end(session: AsyncSession, *which: Any) -> set[int]:
    return set(await session.scalars(delete(Credential).where(*which).returning(Credential.user_id)))
