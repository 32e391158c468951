"""A backup has all databases of one moment, also while somebody writes, and is whole or not there."""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from server.backups import manifest
from server.backups.backup import make_backup
from server.backups.errors import BackupError
from server.databases import Databases
from server.settings import Settings, database_urls
from tests.lousa import ROOT, Lousa

TOPIC = "INSERT INTO topics (name, seq) VALUES ('class:1', 0)"
COUNT = "UPDATE topics SET seq = seq + 1"
EVENT = """
    INSERT INTO events (topic_id, seq, event, author_id, at, payload)
    SELECT id, seq, 'message:sent', 0, 1, printf('{"text": "%s"}', hex(randomblob(2000))) FROM topics
"""


@pytest.fixture
def settings(databases: Databases, made_urls: dict[str, str], tmp_path: Path) -> Settings:
    """Return the settings of a school on either kind of database."""
    return Settings(data_dir=tmp_path, databases=made_urls)


@contextmanager
def writing_on(journal: Path) -> Iterator[threading.Event]:
    """Write events without a pause, in a thread, until the end of the block; yield what is set after the first."""
    has_begun, is_over = threading.Event(), threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(journal, isolation_level=None, timeout=30)) as database:
            while not is_over.is_set():
                for statement in ("BEGIN IMMEDIATE", COUNT, EVENT, "COMMIT"):
                    database.execute(statement)
                has_begun.set()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield has_begun
    finally:
        is_over.set()
        thread.join()


async def test_backup_is_whole_and_private(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    made = (await make_backup(settings, folder)).manifest
    assert manifest.read(folder) == made
    manifest.verify(folder, made.databases)
    assert {path.name for path in folder.iterdir()} == {copy.file for copy in made.databases.values()} | {manifest.NAME}
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())] == [0o700, *[0o600] * 4]


async def test_backup_ends_while_somebody_writes_without_pause(sqlite_tables: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for name in ("accounts", "journal", "audit"):
        (data / f"{name}.sqlite3").write_bytes((sqlite_tables / f"{name}.sqlite3").read_bytes())
    with closing(sqlite3.connect(data / "journal.sqlite3")) as database, database:
        database.execute(TOPIC)
        database.executescript("BEGIN;" + f"{COUNT};{EVENT};" * 3_000 + "COMMIT")  # 12 MB: more than one step
    with writing_on(data / "journal.sqlite3") as has_begun:
        has_begun.wait()
        made = await make_backup(Settings(data_dir=data, databases=database_urls(data)), tmp_path / "backup")
    with closing(sqlite3.connect(tmp_path / "backup" / "journal.sqlite3")) as copy:
        counts = copy.execute("SELECT (SELECT seq FROM topics), count(*), max(seq) FROM events").fetchone()
    assert counts == (made.manifest.moment.events,) * 3
    assert counts[0] > 3_000


async def test_backup_refuses_a_folder_that_exists(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "backup").mkdir()
    with pytest.raises(BackupError, match="exists already"):
        await make_backup(settings, tmp_path / "backup")


async def test_failed_backup_leaves_nothing(databases: Databases, made_urls: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    lacking = {**made_urls, "audit": f"sqlite:///{tmp_path}/nowhere.sqlite3"}
    with pytest.raises(BackupError, match="“audit” is not there"):
        await make_backup(Settings(data_dir=tmp_path, databases=lacking), folder / "one")
    assert not list(folder.iterdir())


async def test_databases_of_two_journals_are_not_backed_up(settings: Settings, tmp_path: Path) -> None:
    databases = Databases(settings.databases)
    await databases.prepare()
    async with databases.engine("journal").execution_options(writes=True).begin() as connection:
        await connection.exec_driver_sql("UPDATE journal SET epoch = 'another'")
    await databases.dispose()
    with pytest.raises(BackupError, match="do not belong together"):
        await make_backup(settings, tmp_path / "backup")


@pytest.mark.long  # starts Python; test_folder.py has the interruption itself
def test_interrupted_command_leaves_nothing_and_says_so(demo_school: Path, tmp_path: Path) -> None:
    # The journal is held by another, so that the command is waiting when the signal comes.
    data, folder = tmp_path / "data", tmp_path / "backups"
    folder.mkdir()
    data.mkdir()
    for file in demo_school.glob("*.sqlite3"):
        (data / file.name).write_bytes(file.read_bytes())
    with closing(sqlite3.connect(data / "journal.sqlite3", isolation_level=None)) as held:
        held.execute("BEGIN IMMEDIATE")
        command = [sys.executable, "server.py", "backup", str(folder / "one"), "--data-dir", str(data)]
        running = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        while not list(folder.iterdir()):
            assert running.poll() is None
        os.kill(running.pid, signal.SIGTERM)
        assert "interrupted: nothing of it is left" in running.communicate(timeout=30)[1]
    assert (running.returncode, list(folder.iterdir())) == (1, [])


def test_command_backs_up_a_serving_school_and_records_it(lousa: Lousa, tmp_path: Path) -> None:
    said = lousa.run("backup", str(tmp_path / "one"))
    assert said.startswith(f"{tmp_path / 'one'} is a backup of ")
    with closing(sqlite3.connect(lousa.data_dir / "audit.sqlite3")) as audit:
        kinds = [row[0] for row in audit.execute("SELECT kind FROM records ORDER BY id")]
    assert kinds.count("database:backup") == 1
