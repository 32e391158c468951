"""Makes the tables match the staged roster, in steps of which only the last one shows.

    find what changes -> create what is new, hidden -> keep what was there -> switch

Rows that are no longer staged end; a unique value that another row needs is freed; rows that differ are updated and
active again; new people and classes, inactive until then, become active. New enrolments, most of all rows, are active
when they are created, and `Coming` hides them: to change 590,000 rows at once kept others from writing for 1.2 s, and
for 3.4 s on a busy machine. Each row is kept as it was before it is changed (`ImportBefore`), so that the import can be
undone. Where an import dies before it has switched, the next one removes what it has created.
"""

from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Executable,
    String,
    and_,
    case,
    exists,
    false,
    func,
    insert,
    literal,
    select,
    true,
    update,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.ext.asyncio import AsyncSession

from server.databases.imports import ImportBefore
from server.rosters.compare import CLASSES, ENROLMENTS, USERS, Counts, Kind
from server.rosters.created import Created
from server.rosters.logins import FREED
from server.rosters.staging import analyze, staged_changes, staged_new

KINDS = (USERS, CLASSES, ENROLMENTS)
# In the place of a unique value until the switch, where another row has it now; the number follows.
_LATER = f"{FREED}new-"


async def find_changes(db: AsyncSession, kind: Kind) -> Counts:
    """Note which rows end, change and are new, in temporary tables; return how many."""
    ended = await _note(db, kind, "ended", kind.gone)
    updated = await _note(db, kind, "updated", kind.same, kind.differs)
    if kind.unique is not None:
        await _note_freed(db, kind, kind.in_the_way(kind.unique))
    keys = list(kind.staged.primary_key)
    new = select(literal(kind.name), *keys).where(kind.new).order_by(*keys)
    # In the roster's order, so that ids are the same wherever the same roster is imported.
    created = await _run(db, insert(staged_new).from_select(["kind", "key", "class_id"][: 1 + len(keys)], new))
    for table in (staged_changes, staged_new):
        await analyze(db, table)
    return Counts(created, updated, ended)


async def _note(db: AsyncSession, kind: Kind, what: str, *which: ColumnElement[bool], frees: bool = False) -> int:
    rows = select(literal(kind.name), kind.table.c.id, literal(what), literal(frees)).where(*which)
    return await _run(db, insert(staged_changes).from_select(["kind", "row_id", "what", "frees"], rows))


async def _note_freed(db: AsyncSession, kind: Kind, in_the_way: ColumnElement[bool]) -> None:
    ids = select(kind.table.c.id).where(in_the_way)
    of_kind = staged_changes.c.kind == kind.name
    await _run(db, update(staged_changes).where(of_kind, staged_changes.c.row_id.in_(ids)).values(frees=True))
    noted = exists().where(of_kind, staged_changes.c.row_id == kind.table.c.id)
    await _note(db, kind, "freed", in_the_way, ~noted, frees=True)


async def numbers_of_new(db: AsyncSession, kind: Kind) -> range:
    """Return the numbers of the staged rows of a kind that are new."""
    query = select(func.min(staged_new.c.number), func.max(staged_new.c.number))
    return _range(*(await db.execute(query.where(staged_new.c.kind == kind.name))).one())


async def numbers_of_changes(db: AsyncSession) -> range:
    """Return the numbers of the rows that change."""
    query = select(func.min(staged_changes.c.number), func.max(staged_changes.c.number))
    return _range(*(await db.execute(query)).one())


def _range(first: int | None, last: int | None) -> range:
    return range(first, last + 1) if first is not None and last is not None else range(0)


async def create(db: AsyncSession, kind: Kind, numbers: range, *, shown: bool) -> None:
    """Create some of the new rows; inactive, unless they may be `shown`: something else hides them then."""
    names = [name for name in (*kind.key, *kind.columns) if name not in ("id", "active")]
    values = [_free_value(kind, name) if name == kind.unique else kind.staged.c[name] for name in names]
    flags = {kind.flag: literal(shown), "active": _active(kind) if shown else false()}
    keys = zip(kind.staged.primary_key, (staged_new.c.key, staged_new.c.class_id), strict=False)
    rows = (
        select(*values, *flags.values())
        .join_from(staged_new, kind.staged, and_(*(key == column for key, column in keys)))
        .where(staged_new.c.kind == kind.name, _within(staged_new.c.number, numbers))
        .order_by(staged_new.c.number)
    )
    await _run(db, insert(kind.table).from_select([*names, *flags], rows))


def _active(kind: Kind) -> ColumnElement[bool]:
    return kind.staged.c.active if "active" in kind.staged.c else true()


def _free_value(kind: Kind, unique: str) -> ColumnElement[Any]:
    other = kind.table.alias()
    taken = exists().where(other.c[unique] == kind.staged.c[unique])
    return case((taken, literal(_LATER) + sql_cast(staged_new.c.number, String)), else_=kind.staged.c[unique])


def _within(column: ColumnElement[Any], numbers: range) -> ColumnElement[bool]:
    return column.between(numbers.start, numbers.stop - 1)


async def keep(db: AsyncSession, import_id: int, numbers: range) -> None:
    """Keep some of the rows that change, as they are."""
    for kind in KINDS:
        names = ["import_id", "kind", "row_id", "what", *kind.kept]
        columns = [kind.table.c[name] for name in kind.kept.values()]
        rows = (
            select(literal(import_id), staged_changes.c.kind, staged_changes.c.row_id, staged_changes.c.what, *columns)
            .join_from(staged_changes, kind.table, kind.table.c.id == staged_changes.c.row_id)
            .where(staged_changes.c.kind == kind.name, _within(staged_changes.c.number, numbers))
        )
        await _run(db, insert(ImportBefore).from_select(names, rows))


async def waits(db: AsyncSession, kind: Kind, created: Created) -> bool:
    """Return whether a row that was created waits for a unique value that another row still has."""
    if kind.unique is None:
        return False
    return await db.scalar(select(kind.table.c.id).where(_waiting(kind, created)).limit(1)) is not None


def _waiting(kind: Kind, created: Created) -> ColumnElement[bool]:
    unique = kind.table.c[kind.unique or ""]
    return unique.startswith(_LATER, autoescape=True) & created.holds(kind.name, kind.table.c.id)


async def switch(db: AsyncSession, kind: Kind, created: Created, *, waits: bool) -> None:
    """Make all that was found so: what ends and changes, and the new people and classes, which become active.

    `waits` is known before: to look through 590,000 enrolments takes a quarter of the time that others wait.
    """
    table = kind.table
    await _run(db, update(table).where(_noted(kind, what="ended")).values({"active": False, kind.flag: False}))
    if kind.unique is not None:
        await _run(db, update(table).where(_noted(kind, frees=True)).values({kind.unique: kind.freed}))
    values = {name: kind.staged.c[name] for name in kind.columns}
    await _run(db, update(table).where(kind.same, _noted(kind, what="updated")).values({**values, kind.flag: True}))
    if kind.unique is not None and waits:
        value = {kind.unique: kind.staged.c[kind.unique]}
        await _run(db, update(table).where(kind.same, _waiting(kind, created)).values(value))
    if kind is not ENROLMENTS:
        await _run(db, update(table).where(hidden(kind, created)).values(active=True))


def _noted(kind: Kind, **values: Any) -> ColumnElement[bool]:
    where = [staged_changes.c[name] == value for name, value in {"kind": kind.name, **values}.items()]
    return kind.table.c.id.in_(select(staged_changes.c.row_id).where(*where))


def hidden(kind: Kind, created: Created) -> ColumnElement[bool]:
    """Return the condition of rows that an import has created and that nobody sees; others' have no `sourced_id`."""
    table = kind.table
    of_import = created.holds(kind.name, table.c.id) & table.c.sourced_id.is_not(None)
    return of_import if kind is ENROLMENTS else of_import & ~table.c[kind.flag]


async def _run(db: AsyncSession, statement: Executable) -> int:
    done = await db.execute(statement, execution_options={"synchronize_session": False, "preserve_rowcount": True})
    return cast(CursorResult[Any], done).rowcount
