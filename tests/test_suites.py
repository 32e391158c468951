"""A run that leaves long tests out says so."""

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


@pytest.mark.parametrize("processes", ["0", "2"])
def test_a_run_says_how_many_long_tests_it_left(processes: str, tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text(MODULE)
    assert "3 long tests were left" in run(tmp_path, "-n", processes, "-m", "not long")
    assert "were left" not in run(tmp_path, "-n", processes)


def run(folder: Path, *options: str) -> str:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml"), *options]
    done = subprocess.run([*command, str(folder)], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
