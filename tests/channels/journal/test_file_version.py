"""The version of a SQLite file changes with each commit of anybody, and with nothing else."""

import sqlite3
from pathlib import Path

import pytest

from channels.journal.file_reader import CHECK_FILE
from channels.journal.file_version import FileVersion
from server.databases.engine import create_engine


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a folder with %3F" / "file.sqlite3"
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE things (id INTEGER)")
    connection.close()
    return path


@pytest.fixture
def version(path: Path) -> FileVersion:
    return FileVersion(create_engine("journal", f"sqlite:///{path}".replace("%", "%25")))


def commit(path: Path) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("INSERT INTO things VALUES (1)")
    connection.close()


def test_version_changes_with_each_commit(path: Path, version: FileVersion) -> None:
    known = {version.read()}
    for count in range(2, 5):
        commit(path)
        known.add(version.read())
        assert len(known) == count
        known.add(version.read())
        assert len(known) == count
    assert None not in known
    version.close()


def test_version_is_read_beside_a_transaction_that_writes(path: Path, version: FileVersion) -> None:
    before = version.read()
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("INSERT INTO things VALUES (1)")
    assert version.read() == before
    writer.execute("COMMIT")
    assert version.read() != before
    writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    writer.close()
    version.close()


def test_new_connection_never_repeats_a_version(path: Path, version: FileVersion) -> None:
    before = version.read()
    version._drop()
    commit(path)
    assert version.read() not in (None, before)
    version.close()


def test_file_that_cannot_be_opened_has_no_known_version_and_is_not_made(tmp_path: Path) -> None:
    version = FileVersion(create_engine("journal", f"sqlite:///{tmp_path}/gone.sqlite3"))
    assert version.read() is None
    assert list(tmp_path.iterdir()) == []


def test_file_out_of_place_has_no_known_version(path: Path) -> None:
    def refuse() -> None:
        raise OSError("it is another one")

    engine = create_engine("journal", f"sqlite:///{path}".replace("%", "%25"), refuse)
    assert engine.get_execution_options()[CHECK_FILE] is refuse
    assert FileVersion(engine).read() is None


def test_other_databases_and_closed_files_have_no_version(version: FileVersion) -> None:
    assert version.read() is not None
    version.close()
    assert version.read() is None
    assert FileVersion(create_engine("journal", "postgresql://localhost/none")).read() is None
