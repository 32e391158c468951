"""A backup's folder appears whole, and what a killed backup has left goes with the next."""

from pathlib import Path

import pytest

from server.backups.errors import BackupError
from server.backups.folder import unfinished


def test_folder_has_its_name_only_at_the_end(tmp_path: Path) -> None:
    folder = tmp_path / "one"
    with unfinished(folder) as work:
        (work / "file").write_text("all of it")
        assert not folder.exists()
    assert [(path.name, path.read_text()) for path in folder.iterdir()] == [("file", "all of it")]
    assert list(tmp_path.iterdir()) == [folder]


def test_nothing_is_left_after_an_error(tmp_path: Path) -> None:
    def fail(work: Path) -> None:
        (work / "file").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), unfinished(tmp_path / "one") as work:
        fail(work)
    assert not list(tmp_path.iterdir())


def test_remains_of_a_killed_backup_go_with_the_next(tmp_path: Path) -> None:
    (tmp_path / ".old.x.unfinished").mkdir()
    (tmp_path / ".old.x.unfinished" / "file").write_text("half")
    with unfinished(tmp_path / "one"), unfinished(tmp_path / "two"):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]


def test_folder_without_a_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="No folder can be made"), unfinished(tmp_path / "nowhere" / "one"):
        pass
