from pathlib import Path

from tests.server.cli.conftest import Run, fails


def test_user_is_created_and_gets_a_token(run: Run) -> None:
    create = ("user", "create", "Ana", "--role", "student", "--name", "Ana", "--password-stdin")
    created = run(*create, stdin="lousa-demo\n")
    assert (created.exit_code, created.stdout) == (0, "Ana can sign in.\n")
    (line,) = run("token", "create", "ana").stdout.splitlines()
    login, token = line.split("\t")
    assert (login, len(token)) == ("ana", 43)


def test_token_for_an_unknown_login_is_an_error(run: Run, school: Path) -> None:
    fails(run("token", "create", "teacher", "nobody"), "Nobody has the login: “nobody”")
