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
def test_some(number): print("process", os.environ["PYTEST_XDIST_WORKER"])
"""


def test_tests_that_share_servers_run_in_one_process(tmp_path: Path) -> None:
    folder = tmp_path / "tests" / "interop"
    folder.mkdir(parents=True)
    (folder / "test_some.py").write_text(GROUPED)
    (tmp_path / "test_other.py").write_text(GROUPED)
    assert len(processes_of(run(folder, "-n", "2", "-rP", "--rootdir", str(tmp_path)))) == 1
    assert len(processes_of(run(tmp_path / "test_other.py", "-n", "2", "-rP"))) == 2


def processes_of(output: str) -> set[str]:
    return {line for line in output.splitlines() if line.startswith("process ")}


@pytest.mark.parametrize("processes", ["0", "2"])
def test_run_reports_how_many_long_tests_it_left(processes: str, tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text(MODULE)
    assert "3 long tests were left" in run(tmp_path, "-n", processes, "-m", "not long")
    assert "were left" not in run(tmp_path, "-n", processes)


def run(folder: Path, *options: str) -> str:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml"), *options]
    done = subprocess.run([*command, str(folder)], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
