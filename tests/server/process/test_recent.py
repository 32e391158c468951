"""What a monitor is told of the last backup and of imports."""

from pathlib import Path

from server.backups.last import note_backup
from server.clock import SECOND, now_ms
from server.databases import Databases, writing
from server.databases.imports import Import
from server.process.recent import BACKUP, IMPORT, IMPORTS, Recent


async def test_nothing_is_told_of_what_never_happened(databases: Databases) -> None:
    recent = Recent(databases)
    await recent.read()
    assert list(recent.read_numbers()) == []


async def test_last_backup_and_imports_are_told(databases: Databases) -> None:
    await note_backup(databases, Path("/backups/1"), 7)
    async with writing(databases.sessions("accounts")) as db:
        for applied_at in (5 * SECOND, 9 * SECOND):
            db.add(Import(at=1, moved_at=1, source="command", name="", state="applied", applied_at=applied_at))
    recent = Recent(databases)
    await recent.read()
    told = {sample.name: sample.value for sample in recent.read_numbers()}
    assert told[IMPORTS.name] == 2
    assert told[IMPORT.name] == 9
    assert abs(float(told[BACKUP.name]) - now_ms() / SECOND) < 60  # type: ignore[arg-type]
