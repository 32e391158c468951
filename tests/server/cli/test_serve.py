import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from server.cli.main import main
from tests.lousa import Lousa
from tests.server.cli.conftest import Run, fails


@pytest.mark.parametrize("workers", ["1", "2"])
def test_unusable_redis_is_reported_first(run: Run, tmp_path: Path, workers: str) -> None:
    for url, message in (("redis://192.0.2.7", "SQLite cannot keep"), ("redis+cluster://a", "does not spread over")):
        fails(run("serve", "--port", "0", "--workers", workers, "--redis-url", url), message)
    assert list((tmp_path / "data").iterdir()) == []


def test_port_in_use_is_reported(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert f"Cannot listen on port {port} of 127.0.0.1" in _cannot_listen(tmp_path, "--port", port)


@pytest.mark.parametrize("host", ["203.0.113.1", "no-such-host.invalid"])
def test_foreign_host_address_is_reported(tmp_path: Path, host: str) -> None:
    for workers in ("1", "2"):
        told = _cannot_listen(tmp_path, "--host", host, "--port", "0", "--workers", workers)
        assert f"--host {host} is not an address of this machine" in told


def _cannot_listen(data_dir: Path, *arguments: str) -> str:
    """Serve in a separate process, because Tornado does not close a socket that it could not bind."""
    done = Lousa(data_dir).attempt("serve", *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr
    return done.stderr


def _password_hashes(data_dir: Path) -> list[str | None]:
    with closing(sqlite3.connect(data_dir / "accounts.sqlite3")) as database:
        return [password_hash for (password_hash,) in database.execute("SELECT password_hash FROM users")]


@pytest.mark.parametrize("sourced_id", ["school", "escola"])
def test_demo_refuses_the_data_of_a_school(run: Run, school: Path, tmp_path: Path, sourced_id: str) -> None:
    with closing(sqlite3.connect(tmp_path / "data" / "accounts.sqlite3")) as database, database:
        database.execute("UPDATE schools SET sourced_id = ?", [sourced_id])
    fails(run("demo", "--port", "0", "--data-dir", str(tmp_path / "data")), "it is not the demo's")
    assert _password_hashes(tmp_path / "data") == [None] * 5


def test_demo_refuses_a_database_with_users_made_by_hand(run: Run, tmp_path: Path) -> None:
    create = ("user", "create", "Maria", "--role", "principal", "--name", "Maria", "--password-stdin")
    assert run(*create, stdin="quatro paredes\n").exit_code == 0
    fails(run("demo", "--port", "0", "--data-dir", str(tmp_path / "data")), "it is not the demo's")
    assert len(_password_hashes(tmp_path / "data")) == 1


def test_demo_ignores_database_options_and_variables_of_a_school(run: Run, tmp_path: Path) -> None:
    fails(run("demo", "--database", "accounts=sqlite:///x"), "--database", code=2)
    with CliRunner().isolation(env={"LOUSA_DATA_DIR": str(tmp_path), "LOUSA_DATABASE": "accounts=sqlite:///x"}):
        assert main.commands["demo"].make_context("demo", []).params["data_dir"] is None


def test_demo_help_does_not_offer_the_network(run: Run) -> None:
    assert "0.0.0.0" not in run("demo", "--help").stdout
    assert "0.0.0.0" in run("serve", "--help").stdout
