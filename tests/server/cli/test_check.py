import json
from pathlib import Path

from click.testing import CliRunner, Result

from server.cli.main import main


def check(folder: Path, *options: str) -> Result:
    """Check a server with its data in this folder."""
    given = ["check", "--data-dir", str(folder), "--nginx", str(folder / "none"), *options]
    return CliRunner().invoke(main, given)


def test_what_is_well_ends_with_zero(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    result = check(tmp_path)
    assert result.exit_code == 0, result.output
    assert f"ok       data folder: {tmp_path} can be written" in result.output


def test_an_error_says_what_to_do_and_ends_with_one(tmp_path: Path) -> None:
    result = check(tmp_path, "--database", "journal=mysql://x/y")
    assert result.exit_code == 1
    assert "ERROR    database journal: The database “journal” is of the kind" in result.output
    assert "→ Correct --database" in result.output


def test_json_has_all_findings(tmp_path: Path) -> None:
    result = check(tmp_path, "--json", "--machines", "2")
    findings = json.loads(result.output)
    assert result.exit_code == 1
    assert {"part": "Redis", "state": "error"}.items() <= next(f for f in findings if f["part"] == "Redis").items()
    assert all(set(each) == {"part", "state", "text", "advice"} for each in findings)


def test_settings_that_do_not_fit_are_a_finding(tmp_path: Path) -> None:
    result = check(tmp_path, "--roster-url", "https://sis.example")
    assert result.exit_code == 1
    assert "ERROR    settings: --roster-url needs --roster-auth" in result.output


def test_file_that_others_may_read_is_named(tmp_path: Path) -> None:
    file = tmp_path / "lousa.toml"
    file.write_text("port = 81")
    file.chmod(0o644)
    assert (
        f"WARNING  settings: Everybody on this machine may read {file}" in check(tmp_path, "--config", str(file)).output
    )
