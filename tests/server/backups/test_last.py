"""The last backup is known from the audit log."""

from pathlib import Path

from server.backups.last import last_backup, note_backup
from server.databases import Databases


async def test_last_backup_is_the_newest_that_was_noted(databases: Databases) -> None:
    assert await last_backup(databases) is None
    for name in ("one", "two"):
        await note_backup(databases, Path("/backups") / name, 5)
    last = await last_backup(databases)
    assert last is not None
    assert last.detail == {"folder": "/backups/two", "bytes": 5}
