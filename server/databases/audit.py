"""The table of the `audit` database: what was done that a school accounts for, by whom, about whom, and when.

Times are milliseconds since 1970. Records are added and, when they are old, deleted; no record is ever changed. `key`
names what is recorded, so that something which is copied here twice is recorded once. A `user_id` is None where nobody
is signed in: commands on the server's machine, sign-ins that failed. No record has the text of a message.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import BigInteger, Index, MetaData, String, Text, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from server.databases.accounts import Id
from server.databases.upsert import insert_into


class Base(DeclarativeBase):
    """Base of this database's tables."""

    metadata = MetaData()


class AuditRecord(Base):
    """One record; `topic` and `target` name an event of the journal, and `detail` is a JSON object."""

    __tablename__ = "records"
    __table_args__ = (
        Index("records_at", "at", "id"),
        Index("records_user", "user_id", "at"),
        Index("records_subject", "subject_id", "at"),
        Index("records_kind", "kind", "at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(String(200), unique=True)
    at: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(String(64))
    user_id: Mapped[int | None] = mapped_column(BigInteger)
    subject_id: Mapped[int | None] = mapped_column(BigInteger)
    topic: Mapped[str | None] = mapped_column(String(64))
    target: Mapped[int | None] = mapped_column(BigInteger)
    detail: Mapped[str] = mapped_column(Text)


class Place(NamedTuple):
    """The place of a record among all, which are listed newest first."""

    at: int
    id: int


class Record(msgspec.Struct, frozen=True):
    """A record as it is written and read; `id` is 0 until it is stored."""

    key: str
    at: int
    kind: str
    user_id: int | None = None
    subject_id: int | None = None
    topic: str | None = None
    target: int | None = None
    detail: dict[str, Any] = {}
    id: int = 0

    @property
    def place(self) -> Place:
        """Return its place."""
        return Place(self.at, self.id)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records are wanted: of these kinds, by or about one of these persons, from a time until before another.

    None: all.
    """

    kinds: Collection[str] | None = None
    persons: Collection[int] | None = None
    since: int | None = None
    until: int | None = None


async def add_records(db: AsyncSession, records: Sequence[Record]) -> None:
    """Store those of these records whose keys are new."""
    if not records:
        return
    rows = [{**msgspec.structs.asdict(each), "detail": msgspec.json.encode(each.detail).decode()} for each in records]
    for row in rows:
        del row["id"]
    await db.execute(insert_into(db, AuditRecord).on_conflict_do_nothing(index_elements=[AuditRecord.key]), rows)


async def claim(db: AsyncSession, record: Record) -> bool:
    """Store a record; return whether its key is new, so that of several workers one does what it is about."""
    row = {**msgspec.structs.asdict(record), "detail": msgspec.json.encode(record.detail).decode()}
    del row["id"]
    added = insert_into(db, AuditRecord).values(row).on_conflict_do_nothing(index_elements=[AuditRecord.key])
    return (await db.execute(added.returning(AuditRecord.id))).first() is not None


async def find_records(db: AsyncSession, wanted: Wanted, before: Place | None, limit: int) -> list[Record]:
    """Return the newest `limit` of the wanted records that are older than a place (None: of all), newest first."""
    query = select(AuditRecord).order_by(AuditRecord.at.desc(), AuditRecord.id.desc()).limit(limit)
    if wanted.kinds is not None:
        query = query.where(AuditRecord.kind.in_(wanted.kinds))
    if wanted.persons is not None:
        query = query.where(or_(AuditRecord.user_id.in_(wanted.persons), AuditRecord.subject_id.in_(wanted.persons)))
    if wanted.since is not None:
        query = query.where(AuditRecord.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(AuditRecord.at < wanted.until)
    if before is not None:
        # The first condition is the second's, simpler: it alone is a range of an index.
        query = query.where(AuditRecord.at <= before.at, or_(AuditRecord.at < before.at, AuditRecord.id < before.id))
    return [_record(row) for row in await db.scalars(query)]


async def kinds_of_records(db: AsyncSession) -> list[str]:
    """Return the kinds of which there are records."""
    return list(await db.scalars(select(AuditRecord.kind).distinct().order_by(AuditRecord.kind)))


def _record(row: AuditRecord) -> Record:
    detail = msgspec.json.decode(row.detail)
    return Record(row.key, row.at, row.kind, row.user_id, row.subject_id, row.topic, row.target, detail, row.id)
