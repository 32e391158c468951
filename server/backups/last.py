"""When the last backup was made, and where: a record of the audit log."""

from pathlib import Path

from server.clock import DAY, now_ms
from server.databases import Databases, reading, writing
from server.databases.audit import Record, Wanted, add_records, find_records
from server.databases.outbox import new_key

BACKUP = "database:backup"
# Whoever makes backups makes them each night or each week: those of a school whose last one is older have stopped.
OLD_BACKUP_MS = 8 * DAY


async def note_backup(databases: Databases, folder: Path, bytes_: int) -> None:
    """Record that a backup was made; raise DatabaseError if that fails."""
    detail = {"folder": str(folder), "bytes": bytes_}
    async with writing(databases.sessions("audit")) as db:
        await add_records(db, [Record(new_key(), now_ms(), BACKUP, detail=detail)])


async def last_backup(databases: Databases) -> Record | None:
    """Return the record of the last backup, with its `folder` and `bytes`; None where the log knows of none.

    It is looked up in an index: cheap. Raises DatabaseUnavailable.
    """
    async with reading(databases.sessions("audit")) as db:
        found = await find_records(db, Wanted(kinds=[BACKUP]), None, 1)
    return found[0] if found else None
