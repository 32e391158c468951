"""What the README and docs/operations.md print can be typed as it stands."""

import os
import pty
import re
import select
import shutil
import subprocess
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from server.cli.main import main
from tests.lousa import DEMO_SCHOOL
from tests.printed import DOCUMENTS, MARKS, ROOT, Block, blocks

ALL = [block for document in DOCUMENTS for block in blocks(document)]
# A root is made in two minutes, and a package is installed in one.
LONG = pytest.mark.timeout(1_800)
RUN_SECONDS = 900
STOP_SECONDS = 10
# Typed where a command asks for a password, twice.
PASSWORD = "chalk-and-sponge"
# What the two documents' packages need: a test of commands should not wait for a mirror twice.
PACKAGES = "ca-certificates,python3,python3-venv,postgresql,redis-server"
FORGOTTEN = (".venv", ".git", "node_modules", "build", "data", "__pycache__")


def name(block: Block) -> str:
    """Name a block for the list of tests."""
    return f"{block.document}:{block.text.splitlines()[0][:40]}"


@pytest.mark.parametrize("block", ALL, ids=name)
def test_block_says_where_it_runs(block: Block) -> None:
    assert block.mark in MARKS, f"{block.document}, line {block.line}: write <!-- run: … --> before it"


@pytest.mark.parametrize("block", [each for each in ALL if each.mark == "settings"], ids=name)
def test_settings_are_taken(block: Block, tmp_path: Path) -> None:
    (tmp_path / "lousa.toml").write_text(block.text)
    shown = CliRunner().invoke(main, ["settings", "show", "--config", str(tmp_path / "lousa.toml")])
    assert shown.exit_code == 0, shown.output


def test_settings_of_deploy_are_taken() -> None:
    shown = CliRunner().invoke(main, ["settings", "show", "--config", str(ROOT / "deploy/lousa.toml")])
    assert 'data-dir = "/var/lib/lousa"  # the settings file' in shown.output


def test_printed_targets_are_in_the_makefile() -> None:
    printed = {target for each in ALL if each.mark == "make" for target in re.findall(r"^make (\S+)", each.text, re.M)}
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    assert printed
    assert printed <= known


@pytest.mark.parametrize(
    "block", [each for each in ALL if each.mark in ("root", "systemd", "network", "machines", "school")], ids=name
)
def test_shell_takes_what_is_printed(block: Block) -> None:
    checked = subprocess.run(["sh", "-n"], input=block.text, text=True, capture_output=True)
    assert checked.returncode == 0, checked.stderr


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a fresh Debian in a folder, with a clone of the project in /src and a roster of a school there."""
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        pytest.fail("This test makes a Debian in a folder: as root, after apt-get install debootstrap.")
    folder = tmp_path_factory.mktemp("machine")
    folder.chmod(0o755)  # it becomes a root folder, which everybody enters
    subprocess.run(["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", folder], check=True)
    for file in ("etc/resolv.conf", "etc/hosts", "etc/ssl/certs/ca-certificates.crt"):
        shutil.copy(f"/{file}", folder / file)
    shutil.copytree(ROOT, folder / "src", ignore=shutil.ignore_patterns(*FORGOTTEN), symlinks=True)
    _write_roster(folder / "src" / "roster.zip")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def _write_roster(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as roster:
        for file in DEMO_SCHOOL.glob("*.csv"):
            roster.write(file, file.name)


@LONG
@pytest.mark.long
def test_printed_commands_bring_a_school_up(machine: Path) -> None:
    wanted = [each for each in blocks("docs/operations.md") if each.mark == "root"]
    wanted += [each for each in blocks("README.md") if each.mark == "school"]
    script = "".join(f": {each.document} {each.line}\n{each.text}" for each in wanted)
    script += "lousa user list > /src/users.txt\nwc -l /src/*.csv\n"
    (machine / "src" / "printed.sh").write_text(f"set -eux\ncd /src\numask 022\n{script}")
    code, printed = _run(machine)
    assert code == 0, printed[-6_000:]
    users = (machine / "src" / "users.txt").read_text()
    assert "maria\tMaria Souza\tprincipal" in users
    assert "diretora" in (machine / "src" / "principal.csv").read_text()
    assert list((machine / "var/lib/lousa").glob("*.sqlite3")) == []  # all of it is in PostgreSQL


def _run(machine: Path) -> tuple[int, str]:
    """Run the script in the machine, at a terminal where a password is typed; all its processes end with it."""
    command = ["unshare", "--pid", "--fork", "--kill-child", "--mount", f"--root={machine}", "--mount-proc"]
    environment = {each: value for each, value in os.environ.items() if each in ("PIP_CERT", "PIP_DEFAULT_TIMEOUT")}
    environment |= {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
    environment |= {"DEBIAN_FRONTEND": "noninteractive", "TERM": "dumb"}
    ours, theirs = pty.openpty()
    typed = ["setsid", "--ctty", *command, "sh", "/src/printed.sh"]
    process = subprocess.Popen(typed, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    try:
        printed = _read_all(ours)
        return process.wait(STOP_SECONDS), printed
    finally:
        process.kill()
        process.wait()


def _read_all(terminal: int) -> str:
    """Return what is printed until nobody has the terminal open any more; type the password where it is asked for."""
    text, deadline = b"", time.monotonic() + RUN_SECONDS
    while select.select([terminal], [], [], max(0.0, deadline - time.monotonic()))[0]:
        try:
            some = os.read(terminal, 65_536)
        except OSError:  # so a terminal says it
            break
        text += some
        if some.endswith((b"Password: ", b"confirmation: ")):
            os.write(terminal, f"{PASSWORD}\n".encode())
    os.close(terminal)
    return text.decode(errors="replace")
