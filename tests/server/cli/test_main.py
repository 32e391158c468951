import asyncio
import csv
import io
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner, Result

from server.asyncapi import make_document
from server.cli.main import main
from server.spreadsheet import as_text
from tests.conftest import made_once
from tests.lousa import ROOT, Lousa
from tests.roster import write_school
from tests.server.rosters.exports import export_11
from tests.server.rosters.rest_provider import TOKEN, RestProvider
from tests.server.rosters.test_merge import with_more

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return a function that runs a command on a temporary data folder."""

    def run(*arguments: str, stdin: str | bytes = "", **environment: str) -> Result:
        variables = {"LOUSA_DATA_DIR": str(tmp_path / "data"), **environment}
        before = os.umask(0o022)
        try:
            result = CliRunner(env=variables).invoke(main, arguments, input=stdin)
        finally:
            os.umask(before)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return run


@pytest.fixture
def school(tmp_path: Path, imported: Path) -> Path:
    """Return the folder of the roster of a school of three students, which is imported."""
    shutil.copytree(imported, tmp_path, dirs_exist_ok=True)
    return tmp_path / "roster"


@pytest.fixture(scope="session")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Import the roster of a school of three students once; return a folder with both: copy it, do not use it."""

    def make(folder: Path) -> None:
        write_school(folder / "roster", 3)
        Lousa(folder / "data").run("roster", "import", str(folder / "roster"))

    return made_once(tmp_path_factory, "school-of-three", make)


def _fails(result: Result, message: str, code: int = 1) -> None:
    assert (result.exit_code, result.stdout) == (code, "")
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_second_import_of_a_roster_changes_nothing(run: Run, tmp_path: Path) -> None:
    write_school(tmp_path / "roster", 3)
    dry = run("roster", "import", str(tmp_path / "roster"), "--dry-run").stdout
    assert dry.startswith("Escola de Teste: nothing was changed. It would be:\n")
    assert "users      5 new, 0 updated, 0 ended" in dry
    first, second = [run("roster", "import", str(tmp_path / "roster")).stdout for _ in range(2)]
    assert "users      5 new, 0 updated, 0 ended" in first
    assert "enrolments 0 new, 0 updated, 0 ended" in second


def test_import_reports_omissions_and_confirms_large_removals(run: Run, school: Path, tmp_path: Path) -> None:
    write_school(tmp_path / "larger", 12)
    assert run("roster", "import", str(tmp_path / "larger")).exit_code == 0
    enrolments = tmp_path / "larger" / "enrollments.csv"
    enrolments.write_text(enrolments.read_text().splitlines()[0] + "\nx,,,class0,school,nobody,student,,,\n")
    dry = run("roster", "import", str(tmp_path / "larger"), "--dry-run").stdout
    assert "  1 enrolments of people or in classes that are not in the export, left out:\n" in dry
    assert "    enrollments.csv:2:userSourcedId: “nobody” is not in the export.\n" in dry
    assert dry.endswith("If that is right, import with --confirm-ended 13.\n")
    _fails(run("roster", "import", str(tmp_path / "larger")), "--confirm-ended 13")
    done = run("roster", "import", str(tmp_path / "larger"), "--confirm-ended", "13").stdout
    assert "enrolments 0 new, 0 updated, 13 ended" in done


def test_invalid_roster_is_refused_with_all_its_problems(run: Run, tmp_path: Path) -> None:
    write_school(tmp_path / "roster", 3)
    users = tmp_path / "roster" / "users.csv"
    users.write_text(users.read_text().replace(",student,", ",wizard,", 2))
    result = run("roster", "import", str(tmp_path / "roster"))
    _fails(result, "users.csv:")
    assert result.stderr.count("wizard") >= 1


def test_user_is_created_and_gets_a_token(run: Run) -> None:
    create = ("user", "create", "Ana", "--role", "student", "--name", "Ana", "--password-stdin")
    created = run(*create, stdin="lousa-demo\n")
    assert (created.exit_code, created.stdout) == (0, "Ana can sign in.\n")
    (line,) = run("token", "create", "ana").stdout.splitlines()
    login, token = line.split("\t")
    assert (login, len(token)) == ("ana", 43)


def test_users_are_listed_by_what_is_wanted(run: Run, school: Path) -> None:
    assert run("user", "disable", "student00002").exit_code == 0
    rows = [line.split("\t") for line in run("user", "list").stdout.splitlines()]
    assert ["student00001", "Student00001 Silva", "student", "active", "never"] in rows
    listed = run("user", "list", "--class", "turma 1", "--role", "student").stdout
    assert [line.split("\t")[0] for line in listed.splitlines()] == ["student00001", "student00002", "student00003"]
    assert run("user", "list", "--state", "disabled").stdout.startswith("student00002\t")
    assert run("user", "list", "student00003").stdout.count("\n") == 1
    _fails(run("user", "list", "--class", "none"), "There is no class called “none”")


def test_user_made_by_hand_is_renamed(run: Run, school: Path) -> None:
    run("user", "create", "ana", "--role", "principal", "--name", "Ana", "--password-stdin", stdin="lousa-demo\n")
    assert run("user", "rename", "ana", "Ana Lima").exit_code == 0
    assert run("user", "list", "lima").stdout == "ana\tAna Lima\tprincipal\tactive\tnever\n"
    _fails(run("user", "rename", "student00001", "X"), "The roster gives this person's name")


def test_token_for_an_unknown_login_is_an_error(run: Run, school: Path) -> None:
    _fails(run("token", "create", "teacher", "nobody"), "Nobody has the login: “nobody”")


def test_code_sheet_is_safe_for_spreadsheets(run: Run, school: Path) -> None:
    users = school / "users.csv"
    users.write_text(users.read_text().replace(",Student00001,", ",=Student00001,"))
    assert run("roster", "import", str(school)).exit_code == 0
    sheet = run("user", "codes", "--class", "Turma 1", "--role", "student").stdout
    rows = list(csv.DictReader(io.StringIO(sheet)))
    assert list(rows[0]) == ["class", "name", "login", "code", "expires"]
    assert {(row["class"], row["name"], row["login"]) for row in rows} == {
        ("Turma 1", "'=Student00001 Silva", "student00001"),
        ("Turma 1", "Student00002 Silva", "student00002"),
        ("Turma 1", "Student00003 Silva", "student00003"),
    }


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "＝", "＋", "－", "＠", "﹦", " =", "\t=", "\u3000＝"])
def test_no_cell_of_a_sheet_is_read_as_a_formula(sign: str) -> None:
    assert as_text(f"{sign}1+1") == f"'{sign}1+1"


@pytest.mark.parametrize("name", ["Ana", "João-Pedro", "1+1", "'=", "安娜"])
def test_names_in_a_sheet_stay_as_they_are(name: str) -> None:
    assert as_text(name) == name


def test_codes_are_printed_as_cards(run: Run, school: Path) -> None:
    page = run("user", "codes", "--cards", "https://Lousa.escola.br/", "--language", "en").stdout
    assert page.count("<svg ") == page.count('class="card-code"') == 4
    assert "lousa.escola.br/accounts/first-sign-in" in page
    assert "@page" in page, "it prints without any other file"
    assert "Código de uso único" in run("user", "codes", "--cards", "https://lousa.escola.br").stdout
    _fails(run("user", "codes", "--cards", "lousa.escola.br"), "--cards lousa.escola.br is not an origin")


def test_codes_are_for_all_classes_or_for_single_people(run: Run, school: Path) -> None:
    def logins(*options: str) -> list[str]:
        return [row["login"] for row in csv.DictReader(io.StringIO(run("user", "codes", *options).stdout))]

    assert logins() == ["student00001", "student00002", "student00003", "teacher"]
    assert logins("--login", "principal", "--login", "teacher") == ["principal", "teacher"]
    assert len(run("user", "codes", LOUSA_CLASS="Turma 1;turma 1").stdout.splitlines()) == 5
    _fails(run("user", "codes", "--class", "Turma 1", "--class", "Turma 9"), "no class called “Turma 9”")


def test_account_is_disabled_enabled_and_gets_a_password(run: Run, school: Path) -> None:
    assert run("user", "disable", "teacher").stdout == "teacher is disabled, and signed out everywhere.\n"
    _fails(run("token", "create", "teacher"), "Disabled")
    assert run("user", "enable", "teacher").stdout == "teacher can sign in again.\n"
    assert run("user", "password", "teacher", "--password-stdin", stdin="lousa-demo").exit_code == 0
    _fails(run("user", "password", "teacher", "--password-stdin", stdin="short\n"), "at least 8 characters")
    _fails(run("user", "disable", "nobody"), "There is no user with the login “nobody”.")


def test_password_must_be_piped_without_a_terminal(run: Run, school: Path) -> None:
    _fails(run("user", "password", "teacher"), "with --password-stdin", code=2)


@pytest.mark.parametrize(
    ("line", "message"),
    [(b"", "No password came"), (b"\n", "No password came"), (b"caf\xe9-da-manh\xe3\n", "not in UTF-8")],
)
def test_invalid_piped_password_is_reported(run: Run, school: Path, line: bytes, message: str) -> None:
    _fails(run("user", "password", "teacher", "--password-stdin", stdin=line), message, code=2)


def test_password_is_prompted_twice_and_hidden(run: Run, school: Path, tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    command = [sys.executable, "server.py", "user", "password", "teacher", "--data-dir", str(tmp_path / "data")]
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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--port", "99999"], "--port"),
        (["--port", "many"], "--port"),
        (["--workers", "0"], "--workers"),
        (["--workers", "some"], "--workers"),
        (["--drain-seconds", "-1"], "--drain-seconds"),
        (["--push-rate", "-1"], "--push-rate"),
        (["--frobnicate"], "--frobnicate"),
        (["frobnicate"], "No such command 'frobnicate'"),
        (["demo", "--host", "0.0.0.0"], "open to this machine only"),
        (["demo", "--host", "school.example"], "open to this machine only"),
        (["user", "create", "ana", "--role", "wizard", "--name", "x"], "'student', 'teacher', 'principal'"),
        (["token", "create"], "LOGIN"),
        (["token", "create", "ana", "--days", "0"], "--days"),
        (["roster", "import", "/nowhere"], "does not exist"),
    ],
)
def test_wrong_option_is_reported_with_a_hint_at_help(run: Run, arguments: list[str], message: str) -> None:
    result = run(*arguments)
    _fails(result, message, code=2)
    assert "--help' for help" in result.stderr


@pytest.mark.parametrize("command", [[], ["serve"], ["token", "create", "ana"], ["database", "upgrade"]])
def test_every_command_reports_an_unusable_database(run: Run, command: list[str], free_port: int) -> None:
    url = f"postgresql://lousa:secret@127.0.0.1:{free_port}/lousa"
    result = run(*command, LOUSA_DATABASE=f"accounts={url}", LOUSA_PORT="0")
    _fails(result, "The database “accounts” cannot be used")
    assert "secret" not in result.stderr
    _fails(run(*command, LOUSA_DATABASE="accounts=mysql://x/y", LOUSA_PORT="0"), "of the kind “mysql”")
    _fails(run(*command, LOUSA_DATABASE="grades=sqlite:///x"), "the name one of accounts, journal")


def test_invalid_origin_is_reported(run: Run) -> None:
    for command in ("serve", "demo"):
        _fails(
            run(command, "--allowed-origin", "https://portal/x"), "--allowed-origin https://portal/x is not an origin"
        )


def test_unwritable_data_folder_is_reported(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file" / "data", Path("/proc/lousa")):
        _fails(run("serve", LOUSA_DATA_DIR=str(folder)), f"The data folder {folder} cannot be written")


def test_data_folder_is_private_to_its_owner(run: Run, tmp_path: Path) -> None:
    assert run("database", "upgrade").stdout == "The databases are up to date.\n"
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


def test_databases_are_private_even_in_an_open_folder(run: Run, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o755)
    assert run("database", "upgrade").exit_code == 0
    files = list((tmp_path / "data").iterdir())
    assert len(files) >= 2
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


@pytest.mark.parametrize("name", ["Turma 50%41", "a?b", "a?mode=ro&uri=true#x"])
def test_folder_of_any_name_contains_both_databases(run: Run, tmp_path: Path, name: str) -> None:
    assert run("database", "upgrade", LOUSA_DATA_DIR=str(tmp_path / name)).exit_code == 0
    assert [each.name for each in tmp_path.iterdir()] == [name]
    assert {"accounts.sqlite3", "journal.sqlite3"} <= {each.name for each in (tmp_path / name).iterdir()}


def test_folder_whose_name_is_not_utf8_is_reported(run: Run, tmp_path: Path) -> None:
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/escola-\xe3")
    _fails(run("database", "upgrade", LOUSA_DATA_DIR=folder), "is not UTF-8")


def test_older_accounts_are_refused_until_the_restore_is_accepted(run: Run, school: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "data" / "journal.sqlite3")) as database, database:
        database.execute("INSERT INTO topics (name, seq) VALUES ('user:57', 1)")
    create = ("user", "create", "bia", "--role", "student", "--name", "Bia", "--password-stdin")
    for command in (["serve", "--port", "0"], ["demo", "--port", "0", "--data-dir", str(tmp_path / "data")], create):
        _fails(run(*command, stdin="quatro paredes\n"), "the journal mentions user 57, and the accounts end at 5")
    _fails(run("roster", "import", str(school)), "“python server.py database restored”")
    assert "New users begin after id 57, new classes after id 1." in run("database", "restored").stdout
    assert run(*create, stdin="quatro paredes\n").exit_code == 0
    with closing(sqlite3.connect(tmp_path / "data" / "accounts.sqlite3")) as database:
        assert database.execute("SELECT id FROM users WHERE login = 'bia'").fetchone() == (58,)


def test_external_databases_need_no_data_folder(run: Run, tmp_path: Path) -> None:
    urls = [f"{name}=sqlite:///{tmp_path}/{name}" for name in ("accounts", "journal", "audit")]
    assert run("database", "upgrade", LOUSA_DATABASE=" ".join(urls)).exit_code == 0
    assert not (tmp_path / "data").exists()


def test_postgresql_is_upgraded_by_command_only(run: Run, postgresql_url: str) -> None:
    database = f"accounts={postgresql_url}"
    _fails(run("token", "create", "ana", "--database", database), "run “python server.py database upgrade”")
    assert run("database", "upgrade", "--database", database).exit_code == 0
    _fails(run("token", "create", "ana", "--database", database), "Nobody has the login: “ana”")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_unusable_redis_is_reported_first(run: Run, tmp_path: Path, workers: str) -> None:
    for url, message in (("redis://192.0.2.7", "SQLite cannot keep"), ("redis+cluster://a", "does not spread over")):
        _fails(run("serve", "--port", "0", "--workers", workers, "--redis-url", url), message)
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
    _fails(run("demo", "--port", "0", "--data-dir", str(tmp_path / "data")), "it is not the demo's")
    assert _password_hashes(tmp_path / "data") == [None] * 5


def test_demo_refuses_a_database_with_users_made_by_hand(run: Run, tmp_path: Path) -> None:
    create = ("user", "create", "Maria", "--role", "principal", "--name", "Maria", "--password-stdin")
    assert run(*create, stdin="quatro paredes\n").exit_code == 0
    _fails(run("demo", "--port", "0", "--data-dir", str(tmp_path / "data")), "it is not the demo's")
    assert len(_password_hashes(tmp_path / "data")) == 1


def test_demo_ignores_database_options_and_variables_of_a_school(run: Run, tmp_path: Path) -> None:
    _fails(run("demo", "--database", "accounts=sqlite:///x"), "--database", code=2)
    with CliRunner().isolation(env={"LOUSA_DATA_DIR": str(tmp_path), "LOUSA_DATABASE": "accounts=sqlite:///x"}):
        assert main.commands["demo"].make_context("demo", []).params["data_dir"] is None


def test_demo_help_does_not_offer_the_network(run: Run) -> None:
    assert "0.0.0.0" not in run("demo", "--help").stdout
    assert "0.0.0.0" in run("serve", "--help").stdout


def test_every_option_has_an_environment_variable() -> None:
    """Every option except the demo's data folder, which a school's variable must not set."""

    def options(command: object, path: str = "server.py") -> list[str]:
        if hasattr(command, "commands"):
            return [each for name, sub in command.commands.items() for each in options(sub, f"{path} {name}")]
        found = [each for each in command.params if each.param_type_name == "option"]  # type: ignore[attr-defined]
        return [f"{path} {each.opts[0]}" for each in found if not str(each.envvar or "").startswith("LOUSA_")]

    assert options(main) == ["server.py demo --data-dir"]


def test_protocol_is_printed_for_the_given_address(run: Run) -> None:
    printed = run("protocol", "--url", "https://Lousa.example/")
    assert printed.exit_code == 0
    assert json.loads(printed.stdout) == json.loads(json.dumps(make_document("https://lousa.example")))
    _fails(run("protocol", "--url", "lousa"), "--url lousa is not an origin such as https://portal.school.example.")


def test_hours_of_the_school_are_set_and_shown(run: Run, school: Path) -> None:
    assert run("school", "hours").stdout == "Time zone: UTC\nStudents can write at all hours.\n"
    zone = ("--zone", "America/Sao_Paulo")
    shown = run("school", "hours", "mon-tue=7:30-12:00", "sat=08:00-24:00", *zone).stdout
    assert shown.splitlines() == [
        "Time zone: America/Sao_Paulo",
        "  mon 07:30-12:00",
        "  tue 07:30-12:00",
        "  sat 08:00-24:00",
    ]
    assert run("school", "hours").stdout == shown
    assert "while a lesson of their class runs" in run("school", "hours", "--lesson").stdout
    assert "at all hours" in run("school", "hours", "--always").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mon=12:00-07:00"], "a span opens before it closes"),
        (["--zone", "Brasília"], "There is no time zone 'Brasília'"),
    ],
)
def test_hours_that_cannot_be_are_not_set(run: Run, school: Path, arguments: list[str], message: str) -> None:
    _fails(run("school", "hours", *arguments), message)
    assert run("school", "hours").stdout == "Time zone: UTC\nStudents can write at all hours.\n"


@pytest.mark.parametrize("span", ["monday=07:00-12:00", "mon", "mon=7-12", "mon=07:00-25:00", "sat-mon=07:00-12:00"])
def test_times_that_cannot_be_read_are_explained(run: Run, span: str) -> None:
    _fails(run("school", "hours", span), "is not written as in mon-fri=07:00-18:00", code=2)


def test_quiet_hours_of_the_school_are_set_shown_and_ended(run: Run, school: Path) -> None:
    assert run("school", "quiet").stdout == "Time zone: UTC\nThere are no quiet hours.\n"
    shown = run("school", "quiet", "20:00-7:00").stdout.splitlines()
    assert shown[:4] == ["Time zone: UTC", "Quiet hours:", "  mon 00:00-07:00", "  mon 20:00-24:00"]
    assert len(shown) == 2 + 14
    assert run("school", "quiet").stdout.splitlines() == shown
    assert run("school", "quiet", "12:00-14:00").stdout.splitlines()[2:4] == ["  mon 12:00-14:00", "  tue 12:00-14:00"]
    assert "no quiet hours" in run("school", "quiet", "--none").stdout
    _fails(run("school", "quiet", "8-9"), "is not written as in 20:00-07:00", code=2)
    _fails(run("school", "quiet", "--none", "20:00-07:00"), "Give either", code=2)


def test_imports_are_listed_and_the_last_is_undone(run: Run, school: Path) -> None:
    write_school(school.parent / "more", 5)
    assert run("roster", "import", str(school.parent / "more")).exit_code == 0
    listed = run("roster", "list").stdout.splitlines()
    assert ["roster" in listed[1], "more  users +2" in listed[0]] == [True, True]
    number = listed[0].split()[0]
    assert run("roster", "undo", number).stdout == f"Import {number} is undone.\n"
    assert "undone" in run("roster", "list").stdout.splitlines()[0]
    _fails(run("roster", "undo", number), "Only the last import that changed something can be undone")


@contextmanager
def provider(files: Mapping[str, str]) -> Iterator[str]:
    """Run a provider of rosters beside the commands, in a loop of its own; return its address."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()

    async def start() -> RestProvider:
        return RestProvider(files)

    running = asyncio.run_coroutine_threadsafe(start(), loop).result()
    yield f"{running.url}/v1p1"
    asyncio.run_coroutine_threadsafe(running.stop(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_pulled_roster_waits_or_is_applied(run: Run) -> None:
    def pull(url: str, *more: str) -> Result:
        options = ("--roster-url", url, "--roster-auth", "bearer", *more)
        return run("roster", "pull", *options, LOUSA_ROSTER_SECRET=TOKEN)

    many = with_more(export_11(), 20)
    with provider(many) as url:
        assert "waits for the office:  users +24" in pull(url).stdout
        assert "is applied:  users +24" in pull(url, "--apply").stdout
    with provider({**many, "enrollments.csv": many["enrollments.csv"].splitlines()[0]}) as url:
        _fails(pull(url, "--apply"), "A large part of the school would end.")
    assert "ready" in run("roster", "list").stdout.splitlines()[0]


def test_pull_needs_a_secret_and_tls(run: Run) -> None:
    options = ("roster", "pull", "--roster-auth", "bearer", "--roster-url")
    _fails(run(*options, "https://sis.example"), "LOUSA_ROSTER_SECRET")
    _fails(run(*options, "http://sis.example", LOUSA_ROSTER_SECRET=TOKEN), "no https:// address")
