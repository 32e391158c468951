"""The style of all commands, present and future."""

import json
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from server.cli.main import main
from tests.server.cli.conftest import Run, fails

# What concerns the server as a whole.
ALONE = {"serve", "demo", "check", "backup", "restore"}
# A verb, or a verb and a part of the thing, as `git remote set-url`. A new command takes one of these where it can.
VERBS = {
    "accept",
    "compact",
    "create",
    "disable",
    "enable",
    "erase",
    "expire",
    "export",
    "import",
    "lift",
    "list",
    "pull",
    "rename",
    "revoke",
    "set",
    "show",
    "undo",
    "unlink",
    "upgrade",
}
# A terminal's usual width, at which a list of commands shows the whole first sentence of each.
COLUMNS = 80


def tree(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Return all commands and groups with their paths."""
    yield path, command
    for name, sub in command.commands.items() if isinstance(command, click.Group) else ():
        yield from tree(sub, (*path, name))


ALL = dict(tree(main))
SINGLE = {path: each for path, each in ALL.items() if not isinstance(each, click.Group)}


def test_groups_are_things_and_their_commands_verbs() -> None:
    assert {path[0] for path in SINGLE if len(path) == 1} == ALONE
    grouped = [path for path in SINGLE if path[0] not in ALONE]
    assert [path for path in grouped if len(path) != 2 or path[1].split("-")[0] not in VERBS] == []
    assert {path[0] for path in grouped} & (VERBS | ALONE) == set()


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_command_says_in_a_sentence_what_it_does(path: tuple[str, ...]) -> None:
    first, *others = str(ALL[path].help).strip().split("\n\n")
    assert first[0].isupper()
    assert all(part.rstrip().endswith(".") for part in (first, *others))
    assert first.count(". ") == 0, "the rest of the help is a paragraph of its own"


@pytest.mark.parametrize("path", [path for path, each in ALL.items() if path not in SINGLE], ids=" ".join)
def test_list_of_commands_shows_whole_sentences(path: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(main, [*path, "--help"], terminal_width=COLUMNS).stdout
    listed = shown.partition("\nCommands:\n")[2]
    assert listed
    assert "..." not in listed


@pytest.mark.parametrize("path", SINGLE, ids=" ".join)
def test_options_have_help(path: tuple[str, ...]) -> None:
    without = [each.opts[0] for each in SINGLE[path].params if isinstance(each, click.Option) and not each.help]
    assert without == []


def test_every_list_is_printed_as_json(run: Run) -> None:
    lists = [path for path in SINGLE if path[-1] == "list"]
    assert [json.loads(run(*path, "--json").stdout) for path in lists] == [[]] * len(lists)


def test_group_without_a_command_explains_itself(run: Run) -> None:
    shown = run("user")
    assert (shown.exit_code, "Commands:" in shown.stderr) == (2, True)


def test_former_name_runs_the_command_and_says_its_name(run: Run) -> None:
    former = run("database", "restored")
    assert former.stdout.startswith("The databases belong together")
    assert former.stderr == "“database restored” is called “database accept” now.\n"
    fails(run("records", "holds"), "“records holds” is called “hold list” now.", code=2)


def test_former_names_are_free_and_name_commands_that_exist() -> None:
    former = {
        (*path, name): tuple(now.split()) if " " in now else (*path, now)
        for path, each in ALL.items()
        for name, now in getattr(each, "former", {}).items()
    }
    assert former
    assert not set(former) & set(ALL)
    assert set(former.values()) <= set(SINGLE)


def test_protocol_alone_shows_it(run: Run) -> None:
    assert run("protocol").stdout == run("protocol", "show").stdout
