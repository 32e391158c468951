import shutil
from pathlib import Path

from server.backups.last import BACKUP, OLD_BACKUP_MS, note_backup
from server.checks.backups import check_backup
from server.clock import now_ms
from server.databases import Databases, writing
from server.databases.audit import Record, add_records
from server.databases.outbox import new_key
from server.settings import Settings, database_urls


async def test_last_backup_is_judged(tmp_path: Path, sqlite_tables: Path) -> None:
    shutil.copytree(sqlite_tables, tmp_path, dirs_exist_ok=True)
    settings = Settings(data_dir=tmp_path, databases=database_urls(tmp_path))
    databases = Databases(settings.databases)
    none = await check_backup(settings)
    async with writing(databases.sessions("audit")) as db:
        old = now_ms() - OLD_BACKUP_MS - 60_000
        await add_records(db, [Record(new_key(), old, BACKUP, detail={"folder": "/old", "bytes": 1})])
    late = await check_backup(settings)
    await note_backup(databases, Path("/new"), 1)
    last = await check_backup(settings)
    await databases.dispose()
    assert none is not None
    assert none.state == "warning"
    assert late is not None
    assert (late.state, "/old" in late.text) == ("warning", True)
    assert last is not None
    assert (last.state, "/new" in last.text) == ("ok", True)


async def test_missing_log_is_not_made(tmp_path: Path) -> None:
    assert await check_backup(Settings(data_dir=tmp_path, databases=database_urls(tmp_path))) is None
    assert list(tmp_path.iterdir()) == []
