from pathlib import Path

from server.checks.machine import check_files, check_folder, check_sqlite
from server.settings import Settings, database_urls


def settings(folder: Path) -> Settings:
    """Return the settings of a server with its data in this folder."""
    return Settings(data_dir=folder, databases=database_urls(folder))


def test_folder_of_ones_own_is_well(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    assert {each.state for each in check_folder(settings(tmp_path))} == {"ok"}


def test_folder_open_to_others_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (problem,) = [each for each in check_folder(settings(tmp_path)) if each.state != "ok"]
    assert problem.advice == f"chmod 700 {tmp_path}"


def test_missing_folder_is_not_made(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    assert "the first start makes it" in next(check_folder(settings(folder))).text
    assert not folder.exists()


def test_files_are_counted_for_each_worker(tmp_path: Path) -> None:
    assert check_files(settings(tmp_path), 1).state == "ok"
    problem = check_files(settings(tmp_path), 100_000_000)
    assert problem.state == "error"
    assert "LimitNOFILE=" in problem.advice


def test_sqlite_on_this_disk_is_well(tmp_path: Path) -> None:
    assert [each.state for each in check_sqlite(settings(tmp_path))] == ["ok"]
