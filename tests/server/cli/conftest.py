"""The commands, run on a temporary data folder."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from server.cli.main import main
from tests.conftest import made_once
from tests.lousa import Lousa
from tests.roster import write_school

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    """Give this process its umask back, which a command changes for files with children's names."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return a function that runs a command on a temporary data folder."""

    def run(*arguments: str, stdin: str | bytes = "", **environment: str) -> Result:
        variables = {"LOUSA_DATA_DIR": str(tmp_path / "data"), **environment}
        result = CliRunner(env=variables).invoke(main, arguments, input=stdin)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return run


@pytest.fixture
def school(tmp_path: Path, imported: Path) -> Path:
    """Return the folder of the roster of a school of three students, which is imported."""
    shutil.copytree(imported, tmp_path, dirs_exist_ok=True)
    return tmp_path / "roster"


@pytest.fixture(scope="session")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Import the roster of a school of three students once; return a folder with both: copy it, do not use it."""

    def make(folder: Path) -> None:
        write_school(folder / "roster", 3)
        Lousa(folder / "data").run("roster", "import", str(folder / "roster"))

    return made_once(tmp_path_factory, "school-of-three", make)


def fails(result: Result, message: str, code: int = 1) -> None:
    """Hold a command to this end: nothing printed, a message without a traceback."""
    assert (result.exit_code, result.stdout) == (code, "")
    assert message in result.stderr
    assert "Traceback" not in result.stderr
