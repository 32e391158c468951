"""What waits in the journal and in the accounts to be copied to the audit log: transactional outboxes.

    message:hidden ------> journal: events + audited  --+
                                                        +-- Audit.catch_up --> audit: records
    a sign-in -----------> accounts: credentials + audited

The audit log is a database of its own, and no transaction spans two databases. So what is recorded is noted in the
transaction that does it, and copied afterwards: whatever dies in between, the copy is made later. A copy that is made
twice counts once, by its key.
"""

import re
import secrets
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import delete, insert, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from channels.journal.tables import audited_table, events_table, journal_table, topics_table
from server.databases.accounts import Audited
from server.databases.audit import Record

# Fields of an audited event that its record has elsewhere, or must not have (text). `topic` is the class that an event
# in another topic is about.
_NOT_DETAIL = frozenset(("author", "id", "at", "seq", "target", "text", "topic"))


def new_key() -> str:
    """Return a key for something that is recorded once."""
    return secrets.token_hex(16)


async def note_audited(
    db: AsyncSession,
    at: int,
    kind: str,
    *,
    user_id: int | None = None,
    subject_id: int | None = None,
    **detail: Any,
) -> int:
    """Note in a transaction of the accounts what is to be recorded if it commits; return its number there."""
    record = Record(new_key(), at, kind, user_id, subject_id, detail=detail)
    values = {"record": msgspec.json.encode(record).decode()}
    return (await db.execute(insert(Audited).values(values).returning(Audited.id))).scalar_one()


async def note_all(db: AsyncSession, records: Iterable[Record]) -> None:
    """Note several of them, in one statement."""
    rows = [{"record": msgspec.json.encode(record).decode()} for record in records]
    if rows:
        await db.execute(insert(Audited), rows)


async def note_refused(db: AsyncSession, at: int, user_id: int | None, **detail: Any) -> None:
    """Note a sign-in that was refused; where no account has the login, write as much and keep nothing.

    What strangers type for a login is nobody's, often a password, and without a bound. But a refusal must take as long
    as for an account that exists: its time would tell whether it does.
    """
    number = await note_audited(db, at, "sign-in:refused", subject_id=user_id, **detail)
    if user_id is None:
        await forget_audited_accounts(db, [number])


async def audited_accounts(db: AsyncSession, limit: int) -> dict[int, Record]:
    """Return the oldest records that wait in the accounts, by their numbers there."""
    rows = await db.execute(select(Audited.id, Audited.record).order_by(Audited.id).limit(limit))
    return {id_: msgspec.json.decode(record, type=Record) for id_, record in rows}


async def forget_audited_accounts(db: AsyncSession, ids: Iterable[int]) -> None:
    """Delete what has been copied."""
    await db.execute(delete(Audited).where(Audited.id.in_(list(ids))))


Position = tuple[int, int]  # of an event: its topic's id, and its seq


async def audited_events(db: AsyncSession, limit: int) -> dict[Position, Record]:
    """Return the records of the events that wait in the journal, by the events' positions."""
    query = (
        select(events_table, topics_table.c.name)
        .join(audited_table, _same(audited_table, events_table))
        .join(topics_table, topics_table.c.id == events_table.c.topic_id)
        .limit(limit)
    )
    rows = (await db.execute(query)).all()
    if not rows:
        return {}
    epoch = await db.scalar(select(journal_table.c.epoch))
    payloads = [msgspec.json.decode(row.payload) for row in rows]
    targets = {
        (row.topic_id, payload["target"]) for row, payload in zip(rows, payloads, strict=True) if "target" in payload
    }
    authors = await _authors(db, targets)
    return {
        (row.topic_id, row.seq): Record(
            _key(epoch, row.topic_id, row.seq),
            row.at,
            row.event,
            row.author_id,
            _subject(payload, authors.get((row.topic_id, payload.get("target")))),
            payload.get("topic", row.name),
            payload.get("target", row.seq) if "topic" not in payload else None,
            {name: value for name, value in payload.items() if name not in _NOT_DETAIL},
        )
        for row, payload in zip(rows, payloads, strict=True)
    }


def _key(epoch: str | None, topic_id: int, seq: int) -> str:
    return f"{epoch}:{topic_id}:{seq}"


def position_of(key: str, epoch: str) -> Position | None:
    """Return the position of the event that a record's key is of; None for others, and those of another journal."""
    found = re.fullmatch(f"{re.escape(epoch)}:([0-9]+):([0-9]+)", key)
    return (int(found[1]), int(found[2])) if found is not None else None


async def forget_audited_events(db: AsyncSession, positions: Sequence[Position]) -> None:
    """Delete what has been copied."""
    key = tuple_(audited_table.c.topic_id, audited_table.c.seq)
    await db.execute(delete(audited_table).where(key.in_(positions)))


async def _authors(db: AsyncSession, positions: Iterable[Position]) -> dict[Position, int]:
    key = tuple_(events_table.c.topic_id, events_table.c.seq)
    query = select(events_table.c.topic_id, events_table.c.seq, events_table.c.author_id).where(
        key.in_(list(positions))
    )
    return {(topic_id, seq): author_id for topic_id, seq, author_id in await db.execute(query)}


def _subject(payload: dict[str, Any], author_of_target: int | None) -> int | None:
    # Whom the event concerns: the user that it names, or the author of the event that it is about.
    user = payload.get("user")
    return user if isinstance(user, int) else user["id"] if isinstance(user, dict) else author_of_target


def _same(one: Any, other: Any) -> Any:
    return (one.c.topic_id == other.c.topic_id) & (one.c.seq == other.c.seq)
