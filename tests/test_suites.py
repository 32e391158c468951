"""A run without the long tests reports their number, and tests that share servers run in one process."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

MODULE = """
import pytest

def test_short(): pass

@pytest.mark.long
@pytest.mark.parametrize("number", range(3))
def test_long(number): pass
"""


GROUPED = """
import os, pytest

@pytest.mark.parametrize("number", range(20))
def test_some(number): print(__name__, "in process", os.environ["PYTEST_XDIST_WORKER"])
"""


@pytest.fixture(scope="module")
def parallel(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the output of a run in two processes."""
    folder = tmp_path_factory.mktemp("parallel")
    (folder / "tests" / "interop").mkdir(parents=True)
    (folder / "tests" / "interop" / "test_grouped.py").write_text(GROUPED)
    (folder / "tests" / "faults").mkdir()
    (folder / "tests" / "faults" / "test_waiting.py").write_text(GROUPED.replace("20", "3"))
    (folder / "test_other.py").write_text(GROUPED.replace("20", "100"))
    (folder / "test_long.py").write_text(MODULE)
    return run(folder, "-n", "2", "-rP", "-m", "not long", "--rootdir", str(folder))


def test_tests_that_share_servers_run_in_one_process(parallel: str) -> None:
    assert len(processes_of("test_grouped", parallel)) == 1
    assert len(processes_of("test_other", parallel)) == 2


def test_half_of_the_processes_run_tests_that_wait(parallel: str) -> None:
    assert len(processes_of("test_waiting", parallel)) == 1


def processes_of(module: str, output: str) -> set[str]:
    return {line for line in output.splitlines() if line.startswith(f"{module} in process ")}


def test_run_reports_how_many_long_tests_it_left(tmp_path: Path, parallel: str) -> None:
    (tmp_path / "test_some.py").write_text(MODULE)
    assert "3 long tests were left" in parallel
    assert "3 long tests were left" in run(tmp_path, "-n", "0", "-m", "not long")
    assert "were left" not in run(tmp_path, "-n", "0")


def run(folder: Path, *options: str) -> str:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml"), *options]
    done = subprocess.run([*command, str(folder)], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
