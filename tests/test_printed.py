"""What the README and docs/operations.md print can be typed as it stands."""

import re
import subprocess
import zipfile
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from server.cli.main import main
from tests.debian import Debian
from tests.lousa import DEMO_SCHOOL
from tests.printed import DOCUMENTS, MARKS, ROOT, Block, blocks, commands

ALL = [block for document in DOCUMENTS for block in blocks(document)]
# A root is made in two minutes, and a package is installed in one.
LONG = pytest.mark.timeout(1_800)
# What the two documents' packages need: a test of commands should not wait for a mirror twice.
PACKAGES = "ca-certificates,python3,python3-venv,postgresql,redis-server"


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


@pytest.mark.parametrize("block", [each for each in ALL if commands(each.text)], ids=name)
def test_commands_and_options_of_ours_exist(block: Block) -> None:
    for words in commands(block.text):
        _parse(main, words)


def _parse(command: click.Command, words: list[str]) -> None:
    """Raise click's UsageError where a command or an option does not exist; what values are worth is not looked at."""
    while isinstance(command, click.Group):
        if words[0].startswith("-"):
            assert words[0] in ("--version", "--help")
            return
        _, found, words = command.resolve_command(click.Context(command), words)
        assert found is not None
        command = found
    command.make_parser(click.Context(command)).parse_args(list(words))


@LONG
@pytest.mark.long
def test_printed_commands_bring_a_school_up(tmp_path: Path) -> None:
    debian = Debian(tmp_path)
    debian.make(PACKAGES)
    with zipfile.ZipFile(debian.clone / "roster.zip", "w") as roster:
        for file in DEMO_SCHOOL.glob("*.csv"):
            roster.write(file, file.name)
    wanted = [each for each in blocks("docs/operations.md") if each.mark == "root"]
    wanted += [each for each in blocks("README.md") if each.mark == "school"]
    script = "".join(f": {each.document} {each.line}\n{each.text}" for each in wanted)
    code, printed = debian.run(f"{script}lousa user list > users.txt\n")
    assert code == 0, printed[-6_000:]
    assert "maria\tMaria Souza\tprincipal" in (debian.clone / "users.txt").read_text()
    assert "diretora" in (debian.clone / "principal.csv").read_text()
    assert list((tmp_path / "var/lib/lousa").glob("*.sqlite3")) == []  # all of it is in PostgreSQL
