"""Codes and tokens printed by real processes, whose output fails in the ways that outputs fail."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import IO, Any

import pytest
from click.testing import CliRunner

from server.cli.main import main
from tests.lousa import ROOT, Lousa
from tests.roster import write_school

COMMANDS = (("user", "create-codes"), ("token", "create", "student00001", "teacher"))


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a school of two students, and return its data folder: copy it, do not use it."""
    folder = tmp_path_factory.mktemp("secret")
    write_school(folder / "roster", 2)
    users = folder / "roster" / "users.csv"
    users.write_text(users.read_text().replace("Silva", "Conceição"))
    Lousa(folder / "data").run("roster", "import", str(folder / "roster"))
    return folder / "data"


@pytest.fixture
def data(school: Path, tmp_path: Path) -> Path:
    """Return a data folder of that school."""
    return shutil.copytree(school, tmp_path / "data")


def run(data: Path, command: tuple[str, ...], stdout: int) -> tuple[int, str]:
    """Run a command with this output; return its exit code and what it printed to its error output."""
    arguments = [*command, "--data-dir", str(data)]
    with tempfile.TemporaryFile("w+") as errors, open(os.devnull) as nothing:
        streams = (nothing.fileno(), stdout, errors.fileno())
        if Lousa.preloaded is not None:
            code = Lousa.preloaded.start(arguments, os.environ, streams).wait(60)
        else:
            started = [sys.executable, "server.py", *arguments]
            code = subprocess.run(started, cwd=ROOT, stdout=stdout, stderr=errors, timeout=60).returncode
        errors.seek(0)
        return code, errors.read()


def stored(data: Path) -> list[Any]:
    """Return the codes and tokens that are valid."""
    with closing(sqlite3.connect(data / "accounts.sqlite3")) as database:
        return [
            database.execute("SELECT id, code_hash FROM users ORDER BY id").fetchall(),
            database.execute("SELECT secret_hash FROM credentials").fetchall(),
        ]


@pytest.fixture(params=["full disk", "closed pipe"])
def failing(request: pytest.FixtureRequest) -> Iterator[IO[bytes]]:
    """Return an output that cannot be written."""
    if request.param == "full disk":
        with open("/dev/full", "wb") as full:
            yield full
    else:
        with subprocess.Popen(["true"], stdin=subprocess.PIPE) as reader:
            reader.wait()
            assert reader.stdin
            yield reader.stdin


@pytest.mark.parametrize("command", COMMANDS, ids=["codes", "tokens"])
def test_secrets_that_cannot_be_printed_change_nothing(
    data: Path, command: tuple[str, ...], failing: IO[bytes]
) -> None:
    assert CliRunner().invoke(main, ["user", "create-codes", "--data-dir", str(data)]).exit_code == 0
    before = stored(data)
    code, told = run(data, command, failing.fileno())
    assert code == 1
    assert told.startswith("Error: The output cannot be written (")
    assert told.count("\n") == 1, "no traceback, and no complaint at the end"
    assert stored(data) == before


def test_secrets_without_an_output_change_nothing(data: Path) -> None:
    before = stored(data)
    shell = f"'{sys.executable}' server.py user create-codes --data-dir '{data}' >&-"
    done = subprocess.run(["sh", "-c", shell], cwd=ROOT, stderr=subprocess.PIPE, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (1, "Error: There is no output to write to: nothing was changed.\n")
    assert stored(data) == before


def test_sheet_begins_a_file_with_a_mark_and_a_pipe_without(data: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "codes.csv"
    for mode in ("wb", "ab"):
        with sheet.open(mode) as file:
            assert run(data, COMMANDS[0], file.fileno()) == (0, "")
    first, second = sheet.read_bytes().split("\ufeff".encode())
    assert (first, second.count(b"class,name,login,code,expires\n")) == (b"", 2)
    assert "Conceição" in second.decode()
    arguments = [sys.executable, "server.py", *COMMANDS[0], "--data-dir", str(data)]
    piped = subprocess.run(arguments, cwd=ROOT, stdout=subprocess.PIPE, timeout=60, env={"LC_ALL": "C"})
    assert piped.stdout.startswith(b"class,name,login,code,expires\n")
    assert "Conceição" in piped.stdout.decode()
    with (tmp_path / "tokens").open("wb") as file:
        assert run(data, COMMANDS[1], file.fileno()) == (0, "")
    assert (tmp_path / "tokens").read_bytes().startswith(b"student00001\t")
