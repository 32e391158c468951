import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

from click.testing import Result

from tests.roster import write_school
from tests.server.cli.conftest import Run, fails
from tests.server.rosters.exports import export_11
from tests.server.rosters.rest_provider import TOKEN, RestProvider
from tests.server.rosters.test_merge import with_more


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
    fails(run("roster", "import", str(tmp_path / "larger")), "--confirm-ended 13")
    done = run("roster", "import", str(tmp_path / "larger"), "--confirm-ended", "13").stdout
    assert "enrolments 0 new, 0 updated, 13 ended" in done


def test_invalid_roster_is_refused_with_all_its_problems(run: Run, tmp_path: Path) -> None:
    write_school(tmp_path / "roster", 3)
    users = tmp_path / "roster" / "users.csv"
    users.write_text(users.read_text().replace(",student,", ",wizard,", 2))
    result = run("roster", "import", str(tmp_path / "roster"))
    fails(result, "users.csv:")
    assert result.stderr.count("wizard") >= 1


def test_imports_are_listed_and_the_last_is_undone(run: Run, school: Path) -> None:
    write_school(school.parent / "more", 5)
    assert run("roster", "import", str(school.parent / "more")).exit_code == 0
    listed = run("roster", "list").stdout.splitlines()
    assert ["roster" in listed[1], "\tmore\tusers +2" in listed[0]] == [True, True]
    number = listed[0].split()[0]
    assert run("roster", "undo", number).stdout == f"Import {number} is undone.\n"
    assert "undone" in run("roster", "list").stdout.splitlines()[0]
    fails(run("roster", "undo", number), "Only the last import that changed something can be undone")


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
        fails(pull(url, "--apply"), "A large part of the school would end.")
    assert "ready" in run("roster", "list").stdout.splitlines()[0]


def test_pull_needs_a_secret_and_tls(run: Run) -> None:
    options = ("roster", "pull", "--roster-auth", "bearer", "--roster-url")
    fails(run(*options, "https://sis.example"), "LOUSA_ROSTER_SECRET")
    fails(run(*options, "http://sis.example", LOUSA_ROSTER_SECRET=TOKEN), "no https:// address")
