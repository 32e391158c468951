import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from server.cli.main import main
from server.cli.settings import mask
from server.version import VERSION


def test_what_is_shown_is_a_settings_file(tmp_path: Path) -> None:
    options = ["--port", "81", "--database", "journal=sqlite:///j", "--data-dir", str(tmp_path), "--workers", "2"]
    shown = CliRunner().invoke(main, ["settings", "show", *options]).output
    file = tmp_path / "again.toml"
    file.write_text(shown)
    again = CliRunner().invoke(main, ["settings", "show", "--config", str(file)]).output
    assert tomllib.loads(shown) == tomllib.loads(again)
    assert tomllib.loads(shown)["port"] == 81


def test_secrets_are_masked() -> None:
    variables = {"LOUSA_REDIS_URL": "rediss://lousa:hush@redis.example/0", "LOUSA_ROSTER_SECRET": "hush"}
    variables["LOUSA_METRICS_TOKEN"] = "hush" * 4
    options = ["--database", "journal=postgresql://lousa:hush@db.example/journal"]
    shown = CliRunner(env=variables).invoke(main, ["settings", "show", *options]).output
    assert "hush" not in shown
    assert 'redis-url = ["rediss://lousa:***@redis.example/0"]  # LOUSA_REDIS_URL' in shown
    assert 'journal = "postgresql://lousa:***@db.example/journal"' in shown
    assert "# LOUSA_ROSTER_SECRET is set" in shown


@pytest.mark.parametrize(
    ("address", "masked"),
    [
        ("redis://:p@ss@host:6379/0", "redis://:***@host:6379/0"),
        ("postgresql://u@host/name?password=x&ssl=1", "postgresql://u@host/name?password=***&ssl=1"),
        ("unix:///run/redis.sock", "unix:///run/redis.sock"),
        ("redis+sentinel://:x@a,b/n?sentinel_password=y", "redis+sentinel://:***@a,b/n?sentinel_password=***"),
        ("https://sis.example:8443/ims", "https://sis.example:8443/ims"),
    ],
)
def test_passwords_are_cut_out_of_addresses(address: str, masked: str) -> None:
    assert mask(address) == masked


def test_the_version_is_printed() -> None:
    assert CliRunner().invoke(main, ["--version"]).output == f"lousa {VERSION}\n"
