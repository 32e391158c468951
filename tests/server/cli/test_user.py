import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lousa import ROOT
from tests.server.cli.conftest import Run, fails


def test_users_are_listed_by_what_is_wanted(run: Run, school: Path) -> None:
    assert run("user", "disable", "student00002").exit_code == 0
    rows = [line.split("\t") for line in run("user", "list").stdout.splitlines()]
    assert ["student00001", "Student00001 Silva", "student", "active", "never"] in rows
    listed = run("user", "list", "--class", "turma 1", "--role", "student").stdout
    assert [line.split("\t")[0] for line in listed.splitlines()] == ["student00001", "student00002", "student00003"]
    assert run("user", "list", "--state", "disabled").stdout.startswith("student00002\t")
    assert json.loads(run("user", "list", "student00003", "--json").stdout) == [
        {
            "login": "student00003",
            "name": "Student00003 Silva",
            "role": "student",
            "state": "active",
            "last_sign_in": "never",
        }
    ]
    fails(run("user", "list", "--class", "none"), "There is no class called “none”")


def test_user_made_by_hand_is_renamed(run: Run, school: Path) -> None:
    run("user", "create", "ana", "--role", "principal", "--name", "Ana", "--password-stdin", stdin="lousa-demo\n")
    assert run("user", "rename", "ana", "Ana Lima").exit_code == 0
    assert run("user", "list", "lima").stdout == "ana\tAna Lima\tprincipal\tactive\tnever\n"
    fails(run("user", "rename", "student00001", "X"), "The roster gives this person's name")


def test_code_sheet_is_safe_for_spreadsheets(run: Run, school: Path) -> None:
    users = school / "users.csv"
    users.write_text(users.read_text().replace(",Student00001,", ",=Student00001,"))
    assert run("roster", "import", str(school)).exit_code == 0
    sheet = run("user", "create-codes", "--class", "Turma 1", "--role", "student").stdout
    rows = list(csv.DictReader(io.StringIO(sheet)))
    assert list(rows[0]) == ["class", "name", "login", "code", "expires"]
    assert {(row["class"], row["name"], row["login"]) for row in rows} == {
        ("Turma 1", "'=Student00001 Silva", "student00001"),
        ("Turma 1", "Student00002 Silva", "student00002"),
        ("Turma 1", "Student00003 Silva", "student00003"),
    }


def test_codes_are_printed_as_cards(run: Run, school: Path) -> None:
    page = run("user", "create-codes", "--cards", "https://Lousa.escola.br/", "--language", "en").stdout
    assert page.count("<svg ") == page.count('class="card-code"') == 4
    assert "lousa.escola.br/accounts/first-sign-in" in page
    assert "@page" in page, "it prints without any other file"
    assert "Código de uso único" in run("user", "create-codes", "--cards", "https://lousa.escola.br").stdout
    fails(run("user", "create-codes", "--cards", "lousa.escola.br"), "--cards lousa.escola.br is not an origin")


def test_codes_are_for_all_classes_or_for_single_people(run: Run, school: Path) -> None:
    def logins(*options: str) -> list[str]:
        return [row["login"] for row in csv.DictReader(io.StringIO(run("user", "create-codes", *options).stdout))]

    assert logins() == ["student00001", "student00002", "student00003", "teacher"]
    assert logins("--login", "principal", "--login", "teacher") == ["principal", "teacher"]
    assert len(run("user", "create-codes", LOUSA_CLASS="Turma 1;turma 1").stdout.splitlines()) == 5
    fails(run("user", "create-codes", "--class", "Turma 1", "--class", "Turma 9"), "no class called “Turma 9”")


def test_account_is_disabled_enabled_and_gets_a_password(run: Run, school: Path) -> None:
    assert run("user", "disable", "teacher").stdout == "teacher is disabled, and signed out everywhere.\n"
    fails(run("token", "create", "teacher"), "Disabled")
    assert run("user", "enable", "teacher").stdout == "teacher can sign in again.\n"
    assert run("user", "set-password", "teacher", "--password-stdin", stdin="lousa-demo").exit_code == 0
    fails(run("user", "set-password", "teacher", "--password-stdin", stdin="short\n"), "at least 8 characters")
    fails(run("user", "disable", "nobody"), "There is no user with the login “nobody”.")


def test_password_must_be_piped_without_a_terminal(run: Run, school: Path) -> None:
    fails(run("user", "set-password", "teacher"), "with --password-stdin", code=2)


@pytest.mark.parametrize(
    ("line", "message"),
    [(b"", "No password came"), (b"\n", "No password came"), (b"caf\xe9-da-manh\xe3\n", "not in UTF-8")],
)
def test_invalid_piped_password_is_reported(run: Run, school: Path, line: bytes, message: str) -> None:
    fails(run("user", "set-password", "teacher", "--password-stdin", stdin=line), message, code=2)


def test_password_is_prompted_twice_and_hidden(run: Run, school: Path, tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    command = [sys.executable, "server.py", "user", "set-password", "teacher", "--data-dir", str(tmp_path / "data")]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    ) as process:
        os.close(theirs)
        shown = ""
        for prompt in ("Password: ", "Repeat for confirmation: "):
            while not shown.endswith(prompt):
                shown += os.read(ours, 1000).decode()
            os.write(ours, b"lousa-demo\n")
        while "new password" not in shown:
            shown += os.read(ours, 1000).decode()
        assert process.wait(30) == 0
    os.close(ours)
    assert "lousa-demo" not in shown
