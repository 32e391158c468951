"""Ids that a database assigns: the last one assigned, and where the next ones begin.

An id is never assigned twice, also where its row is gone: the journal mentions users and classes by id. PostgreSQL
keeps a sequence for each table; SQLite keeps the last id of tables with AUTOINCREMENT in `sqlite_sequence`.
"""

from sqlalchemy import Connection, Integer, column, func, select, text
from sqlalchemy import table as sql_table

_LAST = {
    "sqlite": "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = :table",
    "postgresql": "SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence(:table, 'id')::regclass), 0)",
}
_BEGIN = {
    "sqlite": ["DELETE FROM sqlite_sequence WHERE name = :table", "INSERT INTO sqlite_sequence VALUES (:table, :last)"],
    "postgresql": ["SELECT setval(pg_get_serial_sequence(:table, 'id'), :last)"],
}


def last_id(connection: Connection, table: str) -> int:
    """Return the highest id that this table has assigned or contains; 0 before the first."""
    highest = connection.execute(
        select(func.coalesce(func.max(column("id", Integer)), 0)).select_from(sql_table(table))
    )
    last = connection.execute(text(_LAST[connection.dialect.name]), {"table": table})
    return max(int(highest.scalar_one()), int(last.scalar_one()))


def number_after(connection: Connection, table: str, last: int) -> None:
    """Assign only ids above `last`, which must be at least `last_id`; needs a transaction that writes."""
    for statement in _BEGIN[connection.dialect.name] if last else ():
        connection.execute(text(statement), {"table": table, "last": last})
