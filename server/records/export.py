"""All that a school keeps of one person, given out to them: their account, words, votes, reading, lessons and sign-ins.

Nobody else's text is in it: of what answers, quotes or reports others it has the person's own part. Who has read or
changed their records is named, as far as staff did.
"""

import io
import zipfile
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from channels.journal.tables import (
    choices_table,
    events_table,
    reads_table,
    spells_table,
    topics_table,
    versions_table,
)
from channels.lesson import amending, attendance
from channels.lesson.erasing import FREE_TEXT
from channels.topics.kind import CLASS, CLASS_STAFF, USER, parse_name
from server.accounts.refusals import UserError
from server.clock import Clock, now_ms
from server.databases import Databases, reading
from server.databases.accounts import Account, Enrolment, SchoolClass
from server.databases.audit import AuditRecord
from server.databases.identities import identities_of
from server.databases.relatives import relatives_of

# Rows that are read in one transaction: a person writes some thousands in a school's life.
AT_ONCE = 1_000

_E = events_table.c


class Export(msgspec.Struct):
    """What is given out; times are ms since 1970."""

    made_at: int
    person: dict[str, Any]
    classes: list[dict[str, Any]]
    wrote: list[dict[str, Any]]
    former_versions: list[dict[str, Any]]
    chose: list[dict[str, Any]]
    read: list[dict[str, Any]]
    present: list[dict[str, Any]]
    attendance: list[dict[str, Any]]
    did: list[dict[str, Any]]
    read_by: list[dict[str, Any]]


class _Names(NamedTuple):
    """Titles of classes, and names of staff, by id."""

    classes: Mapping[int, str]
    staff: Mapping[int, str]

    def place(self, topic: str) -> str:
        """Return where something is, in words for the person."""
        address = parse_name(topic)
        title = self.classes.get(address.number, "") if address.kind in (CLASS, CLASS_STAFF) else ""
        return title or (address.wire_name if address.kind is not USER else "")


async def export_person(databases: Databases, user_id: int, clock: Clock = now_ms) -> Export:
    """Collect it; raise UserError where there is no such person, DatabaseError where a database is away."""
    async with reading(databases.sessions("accounts")) as db:
        account = await db.scalar(select(Account).where(Account.id == user_id))
        if account is None:
            raise UserError("There is no such person.", "gone")
        person, classes = await _person(db, account), await _classes(db, user_id)
        names = await _names(db)
    async with reading(databases.sessions("journal")) as db:
        wrote, former = await _wrote(db, user_id, names)
        chose = await _rows(db, _choices(user_id), names)
        read = await _rows(db, _reads(user_id), names)
        present = await _rows(db, _spells(user_id), names)
        corrected = await _corrections(db, user_id, names)
    async with reading(databases.sessions("audit")) as db:
        did, read_by = await _records(db, user_id, names)
    return Export(clock(), person, classes, wrote, former, chose, read, present, corrected, did, read_by)


async def _person(db: AsyncSession, account: Account) -> dict[str, Any]:
    return {
        "id": account.id,
        "name": account.name,
        "login": account.login,
        "role": account.role,
        "signed_in_at": account.signed_in_at,
        "relatives": [each._asdict() for each in await relatives_of(db, account.id)],
        "signs_in_through": [{"issuer": issuer, "since": at} for issuer, at in await identities_of(db, account.id)],
    }


async def _classes(db: AsyncSession, user_id: int) -> list[dict[str, Any]]:
    columns = SchoolClass.title, Enrolment.role, Enrolment.active, Enrolment.begins, Enrolment.ends
    query = select(*columns).join(Enrolment, Enrolment.class_id == SchoolClass.id).where(Enrolment.user_id == user_id)
    return [dict(row._mapping) for row in await db.execute(query.order_by(SchoolClass.title))]


async def _names(db: AsyncSession) -> _Names:
    classes = {row.id: row.title for row in await db.execute(select(SchoolClass.id, SchoolClass.title))}
    staff = select(Account.id, Account.name).where(Account.role != "student")
    return _Names(classes, {row.id: row.name for row in await db.execute(staff)})


# What they wrote


async def _wrote(db: AsyncSession, user_id: int, names: _Names) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    query = select(events_table, topics_table.c.name).join(topics_table, topics_table.c.id == _E.topic_id)
    query = query.where(_E.author_id == user_id).order_by(_E.topic_id, _E.seq)
    wrote = [own_words(row.event, row.at, row.seq, names.place(row.name), row.payload) async for row in _all(db, query)]
    former = select(versions_table, _E.event, _E.at, topics_table.c.name).join(
        events_table, (_E.topic_id == versions_table.c.topic_id) & (_E.seq == versions_table.c.seq)
    )
    former = former.join(topics_table, topics_table.c.id == _E.topic_id).where(_E.author_id == user_id)
    former = former.order_by(_E.at, versions_table.c.amended_by)
    versions = [
        own_words(row.event, row.at, row.seq, names.place(row.name), row.payload) async for row in _all(db, former)
    ]
    return sorted(wrote, key=lambda each: int(each["at"])), versions


def own_words(kind: str, at: int, seq: int, place: str, payload: str) -> dict[str, Any]:
    """Return of an event what its author has written in it, and nothing of others."""
    given = msgspec.json.decode(payload)
    words = {name: value for name, value in given.items() if name in FREE_TEXT}
    if ("user" in given and "reason" in given) or kind == amending.RESTORED.name:
        words.pop("text", None)  # somebody else's, who was reported or whose message was shown again
        words.pop("outcome", None)
    return {"kind": kind, "at": at, "where": place, "position": seq, **words}


# What is kept of them in numbers


def _choices(user_id: int) -> Select[Any]:
    columns = topics_table.c.name, choices_table.c.target, choices_table.c.value, choices_table.c.at
    query = select(*columns).join(topics_table, topics_table.c.id == choices_table.c.topic_id)
    return query.where(choices_table.c.user_id == user_id).order_by(choices_table.c.at)


def _reads(user_id: int) -> Select[Any]:
    columns = topics_table.c.name, reads_table.c.seq.label("up_to"), reads_table.c.delivered, reads_table.c.at
    query = select(*columns).join(topics_table, topics_table.c.id == reads_table.c.topic_id)
    return query.where(reads_table.c.user_id == user_id).order_by(topics_table.c.name)


def _spells(user_id: int) -> Select[Any]:
    columns = topics_table.c.name, spells_table.c.period.label("lesson"), spells_table.c.began, spells_table.c.ended
    query = select(*columns).join(topics_table, topics_table.c.id == spells_table.c.topic_id)
    return query.where(spells_table.c.user_id == user_id).order_by(spells_table.c.began)


async def _rows(db: AsyncSession, query: Select[Any], names: _Names) -> list[dict[str, Any]]:
    rows = [dict(row._mapping) for row in await db.execute(query)]
    return [{"where": names.place(row.pop("name")), **row} for row in rows]


async def _corrections(db: AsyncSession, user_id: int, names: _Names) -> list[dict[str, Any]]:
    """Return how their attendance was corrected, without the words of who did."""
    query = select(events_table, topics_table.c.name).join(topics_table, topics_table.c.id == _E.topic_id)
    said = or_(*(_E.payload.contains(f'"user":{user_id}{end}', autoescape=True) for end in (",", "}")))
    query = query.where(_E.event == attendance.CORRECTED.name, said).order_by(_E.topic_id, _E.seq)
    found = []
    async for row in _all(db, query):
        given = msgspec.json.decode(row.payload)
        mark = {"lesson": given["target"], "mark": given.get("mark"), "by": given["author"]["name"]}
        found.append({"where": names.place(row.name), "at": row.at, **mark})
    return found


# What was recorded


async def _records(db: AsyncSession, user_id: int, names: _Names) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    query = select(AuditRecord).where(or_(AuditRecord.user_id == user_id, AuditRecord.subject_id == user_id))
    did, read_by = [], []
    for record in await db.scalars(query.order_by(AuditRecord.at, AuditRecord.id)):
        told: dict[str, Any] = {"kind": record.kind, "at": record.at}
        detail = msgspec.json.decode(record.detail)
        if record.user_id == user_id:
            told |= {name: detail[name] for name in ("device", "address") if name in detail}
            did.append(told)
        else:
            read_by.append(told | {"by": names.staff.get(record.user_id or 0, "")})
    return did, read_by


async def _all(db: AsyncSession, query: Select[Any]) -> AsyncIterator[Any]:
    async for row in await db.stream(query.execution_options(yield_per=AT_ONCE)):
        yield row


# What is sent


def archive(export: Export, page: str) -> bytes:
    """Return a zip with the export as JSON and as a page to read."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("records.json", msgspec.json.format(msgspec.json.encode(export), indent=1))
        packed.writestr("records.html", page)
    return file.getvalue()


def parts(export: Export) -> Iterable[tuple[str, list[dict[str, Any]]]]:
    """Yield the lists of an export, by the names of the fields."""
    for name, value in msgspec.structs.asdict(export).items():
        if isinstance(value, list):
            yield name, value
