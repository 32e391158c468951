"""A write-ahead file that grows under a reader is told of once, and again when it is short."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from server.databases import Databases
from server.process.long_logs import LongLogs
from server.settings import database_urls

WRITE = "INSERT INTO topics (name, seq) VALUES (hex(randomblob(20)), 1)"


async def test_long_reader_is_told_of_once(
    sqlite_tables: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(sqlite_tables, tmp_path / "data")
    databases = Databases(database_urls(tmp_path / "data"))
    logs = LongLogs(databases, long_bytes=100_000)
    path = tmp_path / "data" / "journal.sqlite3"
    with closing(sqlite3.connect(path)) as writer, closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM topics").fetchall()
        for _ in range(50):
            with writer:
                writer.execute(WRITE)
        logs.look()
        logs.look()
        reader.execute("ROLLBACK")
        writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        logs.look()
        logs.look()
    assert [record.getMessage().partition(" ")[2][:20] for record in caplog.records] == [
        "has 0 MB and grows, ",
        "has its usual size a",
    ]
    await databases.dispose()
