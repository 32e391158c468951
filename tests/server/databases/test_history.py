"""A journal that was put back by hand is noticed, and one that goes on is not taken for such."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from server.databases import Databases
from server.databases.history import changed_since, check_note, end_note, moved_place, note_path, read_note, write_note
from server.databases.pairing import Apart
from tests.postgresql import PostgreSQL


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Return the file of a journal."""
    path = tmp_path / "journal.sqlite3"
    path.write_text("events")
    return path


@pytest.fixture
def note(journal: Path) -> Path:
    """Return the note beside it, of a server that has ended."""
    path = note_path(make_url(f"sqlite:///{journal}"))
    assert path is not None
    write_note(path, "epoch", 5)
    end_note(path)
    return path


def test_file_that_nobody_touched_goes_on(journal: Path, note: Path) -> None:
    assert changed_since(read_note(note), "epoch", journal) == ""


def test_copy_with_the_same_times_is_noticed(journal: Path, note: Path, tmp_path: Path) -> None:
    shutil.copytree(tmp_path, tmp_path / "copy")
    while changed_since(read_note(note), "epoch", journal) == "":  # the kernel's clock for files is a little behind
        shutil.copytree(tmp_path / "copy", tmp_path, dirs_exist_ok=True)
    assert changed_since(read_note(note), "epoch", journal) == "the file was changed while no server ran"


def test_file_changes_until_a_server_is_killed(journal: Path, note: Path) -> None:
    write_note(note, "epoch", 5)
    journal.write_text("more events")
    assert changed_since(read_note(note), "epoch", journal) == ""


def test_journal_without_its_note_may_be_a_copy(journal: Path, note: Path) -> None:
    note.write_text("")
    assert changed_since(read_note(note), "epoch", journal) == "no server has run on this file here"


def test_note_of_another_journal_is_noticed(journal: Path, note: Path) -> None:
    assert changed_since(read_note(note), "other", journal) == "another journal was here"


def test_fewer_events_than_noted_are_refused(note: Path) -> None:
    check_note(read_note(note), "epoch", 5)
    with pytest.raises(Apart, match="had 5 events and has 4"):
        check_note(read_note(note), "epoch", 4)


@pytest.fixture
def copied(postgresql: PostgreSQL, postgresql_tables: dict[str, str]) -> Iterator[dict[str, str]]:
    """Return the URLs of databases with empty tables."""
    urls = {name: postgresql.create_database(template) for name, template in postgresql_tables.items()}
    yield urls
    postgresql.drop_databases(*urls.values())


async def test_journal_in_another_database_is_noticed_once(copied: dict[str, str], postgresql: PostgreSQL) -> None:
    databases = Databases(copied)
    assert [await moved_place(databases.engine("journal")) for _ in range(2)] == ["", ""]
    await databases.dispose()
    elsewhere = {**copied, "journal": postgresql.create_database(copied["journal"].rpartition("/")[2])}
    databases = Databases(elsewhere)
    await databases.prepare()
    assert await databases.continue_history() == "it is in another cluster, database or table"
    assert await databases.continue_history() == ""
    await databases.dispose()
    postgresql.drop_databases(elsewhere["journal"])
