from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server import rosters
from server.databases.accounts import Account, SchoolClass
from server.rosters import problems, records
from server.rosters.classes import MAX_GRADE
from tests.server.rosters.exports import (
    TODAY,
    Files,
    Folder,
    Read,
    Refuse,
    add,
    change,
    export_11,
    export_12,
    problems_of,
    write,
    write_zip,
)


@pytest.fixture(params=["1.1", "1.2"])
def export(request: pytest.FixtureRequest) -> Files:
    return export_11() if request.param == "1.1" else export_12()


def test_both_versions_give_the_same_roster(read: Read) -> None:
    old, new = read(export_11()), read(export_12())
    assert (old.version, new.version) == ("1.1", "1.2")
    assert (old.school, old.users, old.classes, old.enrolments) == (new.school, new.users, new.classes, new.enrolments)


def test_students_teachers_and_the_principal_become_users(export: Files, read: Read) -> None:
    roster = read(export)
    assert [(user.login, user.name, user.role, user.line) for user in roster.users] == [
        ("ana", "Ana Ribeiro", "student", 2),
        ("bruno", "Bruno Lima", "student", 3),
        ("paula", "Paula Nogueira", "teacher", 4),
        ("diretora", "Helena Prado", "principal", 5),
    ]
    assert roster.school.name == "Escola do Vale"
    assert [(each.title, each.grade) for each in roster.classes] == [
        ("6º A · Matemática", "06"),
        ("6º B · Matemática", "06"),
    ]
    assert [(each.user, each.school_class, each.role) for each in roster.enrolments] == [
        (0, 0, "student"),
        (1, 1, "student"),
        (2, 0, "teacher"),
        (2, 1, "teacher"),
    ]


def test_person_of_another_role_is_skipped_and_counted(export: Files, read: Read) -> None:
    assert read(export).skipped == {"parent": 1}


def test_zip_and_folder_give_the_same_roster(export: Files, read: Read, tmp_path: Path) -> None:
    assert rosters.read(write_zip(tmp_path / "school.zip", export), today=TODAY) == read(export)


def test_reports_all_problems_at_once(refuse: Refuse, export: Files) -> None:
    wrong = change(export, "orgs.csv", "Escola do Vale", "")
    wrong = change(wrong, "classes.csv", "c1,,,6º A · Matemática", "c1,,,")
    wrong = change(wrong, "users.csv", "bruno", "ANA")
    wrong = change(wrong, "enrollments.csv", "e3,,,c1,o1,p1", "e2,,,c1,o1,p1")
    places = [(each.file, each.line, each.column) for each in refuse(wrong)]
    assert places == [
        ("orgs.csv", 2, "name"),
        ("classes.csv", 2, "title"),
        ("users.csv", 3, "username"),
        ("enrollments.csv", 4, "sourcedId"),
    ]


def test_problem_list_is_limited_and_counts_the_rest(folder: Folder) -> None:
    rows = [f"e{number},,,c1,o1,s1,wizard,false,," for number in range(10, 10 + problems.MAX_PROBLEMS + 7)]
    with pytest.raises(rosters.RosterErrors) as refused:
        rosters.read(folder(add(export_12(), "enrollments.csv", *rows)))
    assert len(refused.value.problems) == problems.MAX_PROBLEMS
    assert refused.value.more == 7
    assert str(refused.value).endswith("\n… and 7 more")


def test_problem_names_file_line_and_column(refuse: Refuse) -> None:
    [problem] = refuse(change(export_12(), "roles.csv", "s2,primary,student", "s2,primary,wizard"))
    assert str(problem) == "roles.csv:3:role: “wizard” is not a role of OneRoster 1.2."


def test_missing_export_is_reported(tmp_path: Path) -> None:
    [problem] = problems_of(tmp_path / "nowhere.zip")
    assert problem.file == "nowhere.zip"
    assert "cannot be opened" in problem.message


def test_reading_reports_progress(folder: Folder, export: Files) -> None:
    steps: list[tuple[int, int]] = []
    rosters.read(folder(export), today=TODAY, progress=lambda done, total: steps.append((done, total)))
    total = sum(len(text.encode()) for text in export.values())
    assert steps == sorted(steps)
    assert steps[-1] == (total, total)


def test_text_limits_match_the_columns_of_the_tables() -> None:
    for column in (Account.login, Account.name, Account.sourced_id, SchoolClass.title, SchoolClass.sourced_id):
        assert column.type.length == records.MAX_TEXT
    assert SchoolClass.grade.type.length == MAX_GRADE


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)
@given(data=st.data())
def test_arbitrary_bytes_raise_only_roster_errors(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    version = data.draw(st.sampled_from([export_11, export_12]))
    files: dict[str, str | bytes] = dict(version())
    name = data.draw(st.sampled_from(sorted(files)))
    files[name] = _spoil(data, str(files[name]).encode())
    path = tmp_path_factory.mktemp("soup") / "export"
    with suppress(rosters.RosterErrors):
        rosters.read(write(path, files), today=TODAY)


def _spoil(data: st.DataObject, good: bytes) -> bytes:
    """Insert random bytes somewhere, or replace all bytes by random ones."""
    pieces = st.one_of(
        st.binary(max_size=20),
        st.text(max_size=20).map(str.encode),
        st.sampled_from([b'"', b",", b"\r", b"\n", b"\0", b"\xff", b"\xef\xbb\xbf", b'","', b'"\r\n', b";"]),
    )
    if data.draw(st.booleans()):
        return b"".join(data.draw(st.lists(pieces, max_size=10)))
    start = data.draw(st.integers(0, len(good)))
    end = data.draw(st.integers(start, min(start + 30, len(good))))
    return good[:start] + data.draw(pieces) + good[end:]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)
@given(data=st.data())
def test_damaged_zips_raise_only_roster_errors(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("soup") / "export.zip"
    good = bytearray(write_zip(path, dict(export_12())).read_bytes())
    for _ in range(data.draw(st.integers(1, 5))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(good[: data.draw(st.sampled_from([len(good), len(good) // 2, len(good) - 10]))])
    with suppress(rosters.RosterErrors):
        rosters.read(path, today=TODAY)
