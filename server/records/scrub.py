"""Takes from the files of the databases what deleted and replaced rows have left in them.

SQLite: freed bytes were zeroed by `secure_delete` when they were freed; what remains is the index of texts, which keeps
the stems of deleted rows until its parts are merged, and the write-ahead logs, which are copied and cut to nothing.
PostgreSQL: VACUUM. What a file system, a disk or an archive of its write-ahead log still has is out of reach here.
"""

import asyncio
import logging

from sqlalchemy import Connection, text

from channels.journal.files import checkpoint, exclusively, open_file
from server.databases import Databases
from server.databases.errors import DatabaseError

log = logging.getLogger(__name__)

# Pages of the index that one step merges: some 10 ms, in which no event can be stored.
MERGED_PAGES = 200
PAUSE_SECONDS = 0.02
# How long readers may keep a log from being cut: longer than any page takes.
CUT_SECONDS = 60.0
AGAIN_SECONDS = 0.25

_TABLES = ("events", "versions", "search", "choices", "reads", "spells", "snapshots")


async def scrub(databases: Databases) -> None:
    """Do so; raise DatabaseError where a log cannot be cut because somebody reads for too long."""
    for name in databases.names:
        engine = databases.engine(name)
        if engine.dialect.name == "postgresql":
            await _vacuum(databases, name)
        elif name == "journal":
            await _merge(databases)
    for name in databases.names:
        if databases.engine(name).dialect.name == "sqlite":
            await _cut(databases, name)


async def _merge(databases: Databases) -> None:
    """Merge the parts of the index of texts into one, step by step: deleted stems are in none of it then."""
    file = open_file(databases.engine("journal").url)
    pages = -MERGED_PAGES  # the first step makes all parts one level
    while await asyncio.to_thread(exclusively, file, lambda connection, pages=pages: _merge_some(connection, pages)):
        pages = MERGED_PAGES
        await asyncio.sleep(PAUSE_SECONDS)


def _merge_some(connection: Connection, pages: int) -> bool:
    # As SQLite's documentation of FTS5 says: a step that changes less than two rows had nothing to do.
    before = connection.exec_driver_sql("SELECT total_changes()").scalar_one()
    connection.exec_driver_sql("INSERT INTO search_words (search_words, rank) VALUES ('merge', ?)", (pages,))
    return bool(connection.exec_driver_sql("SELECT total_changes()").scalar_one() - before >= 2)


async def _cut(databases: Databases, name: str) -> None:
    deadline = asyncio.get_running_loop().time() + CUT_SECONDS
    while True:
        if await _try_to_cut(databases, name):
            return
        if asyncio.get_running_loop().time() > deadline:
            raise DatabaseError(
                f"The write-ahead log of the database “{name}” is read all the time, and cannot be cut."
            )
        await asyncio.sleep(AGAIN_SECONDS)


async def _try_to_cut(databases: Databases, name: str) -> bool:
    engine = databases.engine(name)
    if name == "journal":
        try:
            return await asyncio.to_thread(checkpoint, open_file(engine.url), "TRUNCATE")
        except TimeoutError:  # another process writes for long
            return False
    async with engine.connect() as connection:
        return not (await connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")).one()[0]


async def _vacuum(databases: Databases, name: str) -> None:
    async with databases.engine(name).connect() as connection:
        apart = await connection.execution_options(isolation_level="AUTOCOMMIT")
        tables = _TABLES if name == "journal" else ()
        if not tables:
            await apart.execute(text("VACUUM"))
        for table in tables:
            await apart.execute(text(f"VACUUM {table}"))
