"""Behaviour specific to SQLite: how large the write-ahead file stays."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from channels.journal.sqlite import MAX_IDLE_WAL_BYTES, SqliteWriter
from tests.channels.journal.support import entry, group


async def test_write_ahead_file_shrinks_after_a_long_read(sqlite_tables: Path, tmp_path: Path) -> None:
    path = shutil.copy(sqlite_tables / "journal.sqlite3", tmp_path)
    writer, wal = SqliteWriter(str(path)), tmp_path / "journal.sqlite3-wal"
    batch = [group(entry(text="x" * 100_000)) for _ in range(100)]
    with closing(sqlite3.connect(path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM events").fetchone()
        while not wal.exists() or wal.stat().st_size < 1.5 * MAX_IDLE_WAL_BYTES:
            await writer.commit(batch)
    for _ in range(3):  # the first copies the file into the database, the second begins it anew
        await writer.commit([group(entry())])
    assert wal.stat().st_size <= MAX_IDLE_WAL_BYTES
    await writer.close()
