"""What is installed as a package serves like the clone, from any folder."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from server.version import VERSION
from tests.programs import free_port

ROOT = Path(__file__).parent.parent
# Requirements come from the package registry.
INSTALL_SECONDS = 170
START_SECONDS = 60


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install Lousa as `pipx install .` does, and return the folder of its commands."""
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    command = [str(folder / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", str(ROOT)]
    subprocess.run(command, check=True, timeout=INSTALL_SECONDS)
    return folder / "bin"


@pytest.mark.long
def test_installed_command_has_the_version_of_the_clone(installed: Path, tmp_path: Path) -> None:
    told = subprocess.run([installed / "lousa", "--version"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert told.stdout == f"lousa {VERSION}\n"


@pytest.mark.long
def test_installed_command_serves_from_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    with _served(installed, tmp_path) as url:
        page = _read(f"{url}/accounts/sign-in")
        assert "Entrar" in page or "Sign in" in page
        # Scripts, sheets and translations are inside.
        scripts = [part.partition('"')[0] for part in page.split('src="')[1:]]
        assert scripts
        for script in scripts:
            assert _read(url + script)
    assert list(tmp_path.iterdir()) == []


@contextmanager
def _served(installed: Path, folder: Path) -> Iterator[str]:
    port = free_port()
    command = [str(installed / "lousa"), "demo", "--workers", "2", "--port", str(port)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LOUSA"))}
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            _wait(f"{url}/healthz")
            yield url
        finally:
            process.terminate()
            assert process.wait(START_SECONDS) == 0


def _wait(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            _read(url)
            return
        except OSError:
            assert time.monotonic() < deadline, "the installed server does not answer"
            time.sleep(0.1)


def _read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return str(answer.read().decode())
