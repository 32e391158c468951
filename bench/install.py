"""Installs the peers' dependencies from PyPI and npm into `build/bench`; `deploy/prepare bench` installs the others.

A peer whose dependencies cannot be installed is left out of a benchmark; the reason is reported instead.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from tests.lousa import ROOT

PEERS_FOLDER = Path(__file__).parent / "peers"
BUILD = ROOT / "build" / "bench"
VENV = BUILD / "venv"
PEERS_PYTHON = VENV / "bin" / "python"
NODE_FOLDER = BUILD / "node"
NODE_MODULES = NODE_FOLDER / "node_modules"
CENTRIFUGO_PROGRAM = BUILD / "go" / "centrifugo"
NCHAN_MODULE = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")

# Enough of a program's output to show what failed.
LAST_LINES = 5


@cache
def missing(need: str) -> str:
    """Install the needs of a peer; return the reason for a failure, or nothing on success."""
    return NEEDS[need]()


def _nothing() -> str:
    return ""


def _python() -> str:
    requirements = PEERS_FOLDER / "requirements.txt"
    stamp = VENV / "installed.txt"
    if _same(requirements, stamp):
        return ""
    install = [str(PEERS_PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]
    return _run([sys.executable, "-m", "venv", str(VENV)], [*install, str(requirements)]) or _keep(requirements, stamp)


def _node() -> str:
    if not shutil.which("npm"):
        return "needs Node and npm (run deploy/prepare bench)"
    lock, stamp = PEERS_FOLDER / "package-lock.json", NODE_FOLDER / "installed.json"
    if _same(lock, stamp):
        return ""
    NODE_FOLDER.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(PEERS_FOLDER / name, NODE_FOLDER)
    return _run(
        ["npm", "--prefix", str(NODE_FOLDER), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    ) or _keep(lock, stamp)


def _nchan() -> str:
    if shutil.which("nginx") and NCHAN_MODULE.exists():
        return ""
    return "needs nginx with Nchan (run deploy/prepare bench)"


def _centrifugo() -> str:
    return "" if CENTRIFUGO_PROGRAM.exists() else "needs Centrifugo (run deploy/prepare bench where Go is installed)"


def _same(wanted: Path, installed: Path) -> bool:
    return installed.exists() and installed.read_bytes() == wanted.read_bytes()


def _keep(wanted: Path, installed: Path) -> str:
    shutil.copy(wanted, installed)
    return ""


def _run(*commands: Sequence[str]) -> str:
    """Run commands one after another; return the output of the first that fails."""
    for command in commands:
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            said = (done.stdout + done.stderr).strip().splitlines()[-LAST_LINES:]
            return f"`{' '.join(command)}` failed: {' / '.join(said)}"
    return ""


NEEDS: dict[str, Callable[[], str]] = {
    "": _nothing,
    "python": _python,
    "node": _node,
    "nchan": _nchan,
    "centrifugo": _centrifugo,
}
