import os
from pathlib import Path

import pytest

from server.cli.main import main
from tests.server.cli.conftest import Run, fails


@pytest.mark.parametrize("command", [[], ["serve"], ["token", "create", "ana"], ["database", "upgrade"]])
def test_every_command_reports_an_unusable_database(run: Run, command: list[str], free_port: int) -> None:
    url = f"postgresql://lousa:secret@127.0.0.1:{free_port}/lousa"
    result = run(*command, LOUSA_DATABASE=f"accounts={url}", LOUSA_PORT="0")
    fails(result, "The database “accounts” cannot be used")
    assert "secret" not in result.stderr
    fails(run(*command, LOUSA_DATABASE="accounts=mysql://x/y", LOUSA_PORT="0"), "of the kind “mysql”")
    fails(run(*command, LOUSA_DATABASE="grades=sqlite:///x"), "the name one of accounts, journal")


def test_invalid_origin_is_reported(run: Run) -> None:
    for command in ("serve", "demo"):
        fails(
            run(command, "--allowed-origin", "https://portal/x"), "--allowed-origin https://portal/x is not an origin"
        )


def test_unwritable_data_folder_is_reported(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file" / "data", Path("/proc/lousa")):
        fails(run("serve", LOUSA_DATA_DIR=str(folder)), f"The data folder {folder} cannot be written")


def test_data_folder_is_private_to_its_owner(run: Run, tmp_path: Path) -> None:
    assert run("database", "upgrade").stdout == "The databases are up to date.\n"
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


def test_databases_are_private_even_in_an_open_folder(run: Run, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o755)
    assert run("database", "upgrade").exit_code == 0
    files = list((tmp_path / "data").iterdir())
    assert len(files) >= 2
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


@pytest.mark.parametrize("name", ["Turma 50%41", "a?b", "a?mode=ro&uri=true#x"])
def test_folder_of_any_name_contains_both_databases(run: Run, tmp_path: Path, name: str) -> None:
    assert run("database", "upgrade", LOUSA_DATA_DIR=str(tmp_path / name)).exit_code == 0
    assert [each.name for each in tmp_path.iterdir()] == [name]
    assert {"accounts.sqlite3", "journal.sqlite3"} <= {each.name for each in (tmp_path / name).iterdir()}


def test_folder_whose_name_is_not_utf8_is_reported(run: Run, tmp_path: Path) -> None:
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/escola-\xe3")
    fails(run("database", "upgrade", LOUSA_DATA_DIR=folder), "is not UTF-8")


def test_external_databases_need_no_data_folder(run: Run, tmp_path: Path) -> None:
    urls = [f"{name}=sqlite:///{tmp_path}/{name}" for name in ("accounts", "journal", "audit")]
    assert run("database", "upgrade", LOUSA_DATABASE=" ".join(urls)).exit_code == 0
    assert not (tmp_path / "data").exists()


def test_every_option_has_an_environment_variable() -> None:
    """Every option except the demo's data folder, which a school's variable must not set."""

    def options(command: object, path: str = "server.py") -> list[str]:
        if hasattr(command, "commands"):
            return [each for name, sub in command.commands.items() for each in options(sub, f"{path} {name}")]
        found = [each for each in command.params if each.param_type_name == "option"]  # type: ignore[attr-defined]
        return [f"{path} {each.opts[0]}" for each in found if not str(each.envvar or "").startswith("LOUSA_")]

    assert options(main) == ["server.py demo --data-dir"]
