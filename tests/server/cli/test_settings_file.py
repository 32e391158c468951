from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from server.cli.main import main


def show(text: str, folder: Path, *options: str, **variables: str) -> Result:
    """Show the settings with a file that has this text."""
    file = folder / "lousa.toml"
    file.write_text(text)
    return CliRunner(env=variables).invoke(main, ["settings", "show", "--config", str(file), *options])


def test_every_kind_of_setting_is_read(tmp_path: Path) -> None:
    shown = show(
        'port = 81\ndrain-seconds = 3\nworkers = 2\nunbundled = true\nallowed-origin = "https://a.example"\n'
        'behind-proxy = ["10.0.0.5"]\n[database]\njournal = "sqlite:///j"\naudit = "sqlite:///a"\n',
        tmp_path,
    ).output
    for line in (
        "port = 81  #",
        "drain-seconds = 3.0",
        "workers = 2",
        "unbundled = true",
        'allowed-origin = ["https://a.example"]',
        'behind-proxy = ["10.0.0.5/32"]',
        'journal = "sqlite:///j"',
        'audit = "sqlite:///a"',
    ):
        assert line in shown


def test_options_come_before_variables_before_the_file(tmp_path: Path) -> None:
    text = "port = 81\npush-rate = 1\nmax-outbox-kib = 100\n"
    shown = show(text, tmp_path, "--port", "83", LOUSA_PORT="82", LOUSA_PUSH_RATE="2").output
    assert "port = 83  # the command line" in shown
    assert "push-rate = 2.0  # LOUSA_PUSH_RATE" in shown
    assert "max-outbox-kib = 100  # the settings file" in shown
    assert "drain-seconds = 10.0  # default" in shown


def test_the_variable_names_the_file(tmp_path: Path) -> None:
    file = tmp_path / "lousa.toml"
    file.write_text("port = 81")
    shown = CliRunner(env={"LOUSA_CONFIG": str(file)}).invoke(main, ["settings", "show"]).output
    assert "port = 81  # the settings file" in shown


def test_relative_paths_begin_at_the_files_folder(tmp_path: Path) -> None:
    assert f'data-dir = "{tmp_path}/school"' in show('data-dir = "school"', tmp_path).output


def test_a_proxy_may_be_named_by_true(tmp_path: Path) -> None:
    assert 'behind-proxy = ["127.0.0.1/32", "::1/128"]' in show("behind-proxy = true", tmp_path).output
    assert "# behind-proxy is not set" in show("behind-proxy = false", tmp_path).output


def test_other_commands_take_what_they_have(tmp_path: Path) -> None:
    file = tmp_path / "lousa.toml"
    file.write_text('port = 81\ndata-dir = "school"')
    result = CliRunner().invoke(main, ["token", "list", "--config", str(file)])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "school" / "accounts.sqlite3").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("prot = 1", "“prot” is no setting; is port meant?"),
        ("data_dir = 'x'", "is data-dir meant?"),
        ("config = 'x'", "“config” is no setting"),
        ("port = 'x'", "port: a string stands where a number is expected"),
        ("port = true", "port: true or false stands where a number is expected"),
        ("port = 99999", "port: 99999 is not in the range"),
        ("workers = 'many'", "workers: 'many'"),
        ("unbundled = 1", "unbundled: a number stands where true or false is expected"),
        ("push-rate = 2026-01-01", "push-rate: a date or a time stands where a number"),
        ("allowed-origin = [1]", "allowed-origin: a string, or a list of strings"),
        ("database = 'x'", "database: a table of addresses"),
        ("port = 1\nport", "is not TOML: "),
        ("\n\nport = =", "line 3"),
    ],
)
def test_mistakes_are_named(text: str, words: str, tmp_path: Path) -> None:
    result = show(text, tmp_path)
    assert result.exit_code == 1
    assert "lousa.toml" in result.output
    assert words in result.output


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["settings", "show", "--config", str(tmp_path / "none.toml")])
    assert result.exit_code == 1
    assert "none.toml cannot be read: No such file" in result.output
