"""Whether a file is the one that it was."""

from pathlib import Path

import pytest

from channels.journal.same_file import FileReplaced, check_same, identity


def test_deleted_file_is_told_from_a_replaced_one(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    path.touch()
    known = identity(str(path))
    check_same(str(path), known)
    path.rename(tmp_path / "aside")
    with pytest.raises(FileReplaced, match="was deleted or moved"):
        check_same(str(path), known)
    path.touch()
    with pytest.raises(FileReplaced, match="is another one"):
        check_same(str(path), known)


def test_file_that_comes_back_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    path.touch()
    known = identity(str(path))
    check_same(str(path.rename(tmp_path / "aside").rename(path)), known)
