"""`INSERT … ON CONFLICT`, which SQLite and PostgreSQL both have, each with an `insert` of its own in SQLAlchemy."""

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase


def insert_into(db: AsyncSession, table: type[DeclarativeBase]) -> "sqlite.Insert | postgresql.Insert":
    """Return the statement of this session's database that inserts into a table; it knows `on_conflict_do_…`."""
    return sqlite.insert(table) if db.get_bind().dialect.name == "sqlite" else postgresql.insert(table)
