import sqlite3
from contextlib import closing
from pathlib import Path

from tests.server.cli.conftest import Run, fails


def test_older_accounts_are_refused_until_the_restore_is_accepted(run: Run, school: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "data" / "journal.sqlite3")) as database, database:
        database.execute("INSERT INTO topics (name, seq) VALUES ('user:57', 1)")
    create = ("user", "create", "bia", "--role", "student", "--name", "Bia", "--password-stdin")
    for command in (["serve", "--port", "0"], ["demo", "--port", "0", "--data-dir", str(tmp_path / "data")], create):
        fails(run(*command, stdin="quatro paredes\n"), "the journal mentions user 57, and the accounts end at 5")
    fails(run("roster", "import", str(school)), "“python server.py database accept”")
    assert "New users begin after id 57, new classes after id 1." in run("database", "accept").stdout
    assert run(*create, stdin="quatro paredes\n").exit_code == 0
    with closing(sqlite3.connect(tmp_path / "data" / "accounts.sqlite3")) as database:
        assert database.execute("SELECT id FROM users WHERE login = 'bia'").fetchone() == (58,)


def test_postgresql_is_upgraded_by_command_only(run: Run, postgresql_url: str) -> None:
    database = f"accounts={postgresql_url}"
    fails(run("token", "create", "ana", "--database", database), "run “python server.py database upgrade”")
    assert run("database", "upgrade", "--database", database).exit_code == 0
    fails(run("token", "create", "ana", "--database", database), "Nobody has the login: “ana”")
