"""A person planted in everything that the databases can keep: in each kind of stored event, and in each table.

Both go by the program's own tables, so that a new kind of event and a new column are planted without a line here.
"""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import msgspec.inspect as shape
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from channels.event import Delivery, EventType
from channels.journal.tables import events_table, search_table, snapshots_table, topics_table, versions_table
from channels.lesson.erasing import FREE_TEXT
from channels.member import User
from channels.roles import ROLES
from server.databases import Databases, writing
from server.databases.audit import Record
from server.schemas import SCHEMAS

# Letters alone, which nothing else has.
WORD, NAME, LOGIN = "xilofonada", "Zuleica Quaresma", "zuleica.quaresma"
PERSON, OTHER = User(1, NAME, "student"), User(3, "Paula", "teacher")
CLASS, OWN = "class:1", "user:1"

STORED: dict[str, EventType[Any]] = {
    event.name: event for role in ROLES for event in role.emitted() if event.delivery is Delivery.DURABLE
}

# Columns in which nothing of a person is: words of the program, secrets that it made, and what the school is called.
NO_PERSONS = {
    *("changes.kind", "changes.user_ids", "credentials.kind", "users.role", "enrolments.role", "import_before.kind"),
    *("import_before.what", "import_before.role", "import_before.grade", "import_differences.list", "imports.state"),
    *("imports.source", "imports.created", "relatives.kind", "enrolments.begins", "enrolments.ends"),
    *("import_before.begins", "import_before.ends", "erasures.way", "records.key", "records.kind", "records.topic"),
    *("badges.secret_hash", "credentials.secret_hash", "setup_codes.code_hash", "users.password_hash"),
    *("users.code_hash", "pairing.epoch", "logos.version", "logos.data", "journal.epoch", "journal.key"),
    *("journal.place", "spell_workers.worker", "spells.worker", "spells.role", "timers.action", "topics.name"),
    *("classes.sourced_id", "classes.title", "classes.grade", "identities.issuer"),
    *(f"schools.{each}" for each in ("sourced_id", "name", "hours", "zone", "quiet", "settings")),
    *(f"roster_provider.{each}" for each in ("url", "kind", "key", "secret", "token_url", "hour")),
    # The name of a roster's file, which the office has chosen.
    "imports.name",
    # Why a court wants something kept, in the office's words; nobody who is held is erased.
    "holds.reason",
    # Ids that clients make.
    *("choices.push_ids", "events.push_id", "events.event"),
}
# What a row needs to be about the person, where no column says so by its name.
ABOUT: dict[str, dict[str, Any]] = {
    "import_before": {"kind": "user", "row_id": 1},
    "imports": {"state": "ready"},
    "audited": {"record": msgspec.json.encode(Record("k", 1, "user:renamed", 3, 1, detail={"name": NAME})).decode()},
    "records": {"subject_id": 1, "detail": json.dumps({"name": NAME, "list": [LOGIN], "of": {"user": NAME}})},
}
# These are filled by the functions below, or have a row already.
_APART = {"events", "versions", "search", "snapshots", "topics", "journal", "pairing", "change_counter", "users"}


# Events


def payloads(author: User) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a payload of each kind of stored event, with every field: by the person, or by another about them."""
    for name, event in sorted(STORED.items()):
        yield name, _filled(shape.type_info(event.payload), author)


def _filled(kind: Any, author: User, name: str = "") -> Any:
    if isinstance(kind, shape.Metadata):
        return _filled(kind.type, author, name)
    if isinstance(kind, shape.UnionType):
        some = [each for each in kind.types if not isinstance(each, shape.NoneType | shape.CustomType)]
        return _filled((some or kind.types)[0], author, name)
    if isinstance(kind, shape.StructType):
        return _object(kind, author, name)
    if isinstance(kind, shape.ListType):
        return [_filled(kind.item_type, author, name)]
    if isinstance(kind, shape.StrType):
        return (WORD if author is PERSON else "Palavra de outra.") if name in FREE_TEXT else "x"
    if isinstance(kind, shape.LiteralType):
        return kind.values[0]
    if isinstance(kind, shape.BoolType):
        return True
    return 1 if isinstance(kind, shape.IntType) else None


def _object(kind: shape.StructType, author: User, name: str) -> dict[str, Any]:
    if issubclass(kind.cls, User):
        return msgspec.to_builtins(author if name == "author" else PERSON)  # type: ignore[no-any-return]
    # What is quoted is always the person's.
    fields = {each.name for each in kind.fields}
    its_author = PERSON if name and "author" in fields else author
    return {each.encode_name: _filled(each.type, its_author, each.name) for each in kind.fields}


async def plant_events(databases: Databases) -> int:
    """Store each of them in the topic of a class and in the person's own, with a version, a snapshot and stems."""
    both = [(author, kind, payload) for author in (PERSON, OTHER) for kind, payload in payloads(author)]
    async with writing(databases.sessions("journal")) as db:
        for topic in (CLASS, OWN):
            await _plant_topic(db, topic, both)
    return len(both)


async def _plant_topic(db: AsyncSession, topic: str, events: list[tuple[User, str, dict[str, Any]]]) -> None:
    await db.execute(text("INSERT INTO topics (name, seq) VALUES (:name, :seq)"), {"name": topic, "seq": len(events)})
    topic_id = await db.scalar(select(topics_table.c.id).where(topics_table.c.name == topic))
    for seq, (author, kind, payload) in enumerate(events, 1):
        here = {"topic_id": topic_id, "seq": seq}
        said = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
        row = {**here, "event": kind, "author_id": author.id, "push_id": f"p{seq}", "at": 1, "payload": said}
        await db.execute(insert(events_table), row)
        if author is PERSON:
            await db.execute(insert(versions_table), {**here, "amended_by": seq + 1, "payload": said})
        if WORD in said:
            await db.execute(insert(search_table), {**here, "at": 1, "stems": f"isto {WORD}"})
    state = {
        "kept": [payload for _, _, payload in events],
        "events": [json.dumps(each).encode() for *_, each in events],
    }
    kept = {"topic_id": topic_id, "seq": len(events), "state": msgspec.msgpack.encode(state)}
    await db.execute(insert(snapshots_table), kept)


# Tables


async def plant_tables(databases: Databases) -> set[str]:
    """Put the person's name and login into a row of each table; return the columns in which they are then."""
    planted = set()
    for name in databases.names:
        async with writing(databases.sessions(name)) as db:
            for table in SCHEMAS[name].metadata.sorted_tables:
                planted |= {f"{table.name}.{column}" for column in await _plant_table(db, table)}
    return planted


async def _plant_table(db: AsyncSession, table: Table) -> list[str]:
    columns = [each for each in table.columns if _has_text(each) and f"{table.name}.{each.name}" not in NO_PERSONS]
    if table.name == "users":
        values = {each.name: LOGIN if each.name == "login" else f"{NAME} {LOGIN}" for each in columns}
        await db.execute(update(table).where(table.c.id == 1).values(values | {"name": NAME}))
    elif columns and table.name not in _APART:
        values = {each.name: _value(table, each) for each in table.columns if not _is_assigned(each)}
        await db.execute(insert(table).values(values | ABOUT.get(table.name, {})))
    return [each.name for each in columns if table.name not in _APART - {"users"}]


def _has_text(column: Column[Any]) -> bool:
    return isinstance(column.type, String | Text | LargeBinary)


def _is_assigned(column: Column[Any]) -> bool:
    return column.primary_key and column.autoincrement is not False and not column.foreign_keys and column.name == "id"


def _value(table: Table, column: Column[Any]) -> Any:
    if isinstance(column.type, Boolean):
        return False
    if isinstance(column.type, Integer | BigInteger):
        return 1
    if f"{table.name}.{column.name}" in NO_PERSONS:
        return b"x" if isinstance(column.type, LargeBinary) else "x"
    if isinstance(column.type, LargeBinary):
        return f"{NAME} {LOGIN}".encode()
    # What is read as JSON may be any text in quotes; what is none, too.
    return json.dumps(f"{NAME}, {LOGIN}", ensure_ascii=False)[: getattr(column.type, "length", None)]
