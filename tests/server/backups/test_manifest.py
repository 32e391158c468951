"""A manifest is read back as it was, and tells a damaged or mixed backup."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from server.backups import manifest
from server.backups.errors import BackupError
from server.backups.manifest import Copy, Manifest, Moment, digest, read, verify, write


@pytest.fixture
def made(tmp_path: Path) -> Manifest:
    """Return the manifest of a backup with one file, written into its folder."""
    (tmp_path / "journal.sqlite3").write_text("events")
    copy = Copy("journal.sqlite3", "sqlite", "0013", 6, digest(tmp_path / "journal.sqlite3"))
    made = Manifest(1, "1.0", datetime(2026, 11, 28, tzinfo=UTC), Moment("e", 1, 1, 1, 1, 1, 1), {"journal": copy})
    write(tmp_path, made)
    return made


def test_manifest_is_read_back_as_written(made: Manifest, tmp_path: Path) -> None:
    assert read(tmp_path) == made
    verify(tmp_path, made.databases)


@pytest.mark.parametrize("text", ["evants", "event"])
def test_changed_file_is_refused(made: Manifest, tmp_path: Path, text: str) -> None:
    (tmp_path / "journal.sqlite3").write_text(text)
    with pytest.raises(BackupError, match="damaged, or of a backup of another moment"):
        verify(tmp_path, made.databases)


def test_missing_file_is_refused(made: Manifest, tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite3").unlink()
    with pytest.raises(BackupError, match="not whole"):
        verify(tmp_path, made.databases)


def test_path_that_leaves_the_folder_is_refused(made: Manifest, tmp_path: Path) -> None:
    (tmp_path.parent / "outside").write_text("events")
    outside = Copy("../outside", "sqlite", "", 6, digest(tmp_path.parent / "outside"))
    with pytest.raises(BackupError, match="not whole"):
        verify(tmp_path, {"journal": outside})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"format": 2, "more": 1}', "later version"),
        ('{"format": 1}', "damaged"),
        ("{", "damaged"),
    ],
)
def test_manifest_that_cannot_be_understood_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / manifest.NAME).write_text(text)
    with pytest.raises(BackupError, match=said):
        read(tmp_path)


def test_folder_without_manifest_is_no_backup(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="is no backup of Lousa"):
        read(tmp_path)
