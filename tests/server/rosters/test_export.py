import pytest

from server import rosters
from tests.server.rosters.exports import TODAY, Folder, Read, Refuse, add, change, export_11, export_12, without


def test_courses_and_sessions_may_be_absent(read: Read) -> None:
    whole, part = read(export_12()), read(without(export_12(), "courses", "academicSessions"))
    assert part == whole


def test_file_missing_from_the_manifest_is_accepted(read: Read) -> None:
    assert read(change(export_12(), "manifest.csv", "file.users,bulk\r\n", "")) == read(export_12())


def test_manifest_ignores_case(read: Read) -> None:
    files = change(export_12(), "manifest.csv", "file.users,bulk", "FILE.Users,Bulk")
    assert read(change(files, "manifest.csv", "propertyName", "propertyname")) == read(export_12())


@pytest.mark.parametrize("version", ["1.0", "2.0", "", "1.20", "one"])
def test_another_version_is_refused(refuse: Refuse, version: str) -> None:
    files = change(export_12(), "manifest.csv", "oneroster.version,1.2", f"oneroster.version,{version}")
    assert any("OneRoster 1.1 and 1.2 can be read" in problem.message for problem in refuse(files))


def test_an_export_without_a_manifest_is_refused(refuse: Refuse) -> None:
    files = export_12()
    del files["manifest.csv"]
    assert "There is no manifest.csv" in refuse(files)[0].message


@pytest.mark.parametrize("name", ["users", "academicSessions", "enrollments"])
def test_a_delta_is_refused(refuse: Refuse, name: str) -> None:
    [problem] = refuse(change(export_12(), "manifest.csv", f"file.{name},bulk", f"file.{name},delta"))
    assert problem.file == "manifest.csv"
    assert problem.line
    assert problem.column == "value"
    assert problem.message == f"{name}.csv holds only changes (delta): make a complete export (bulk)."


@pytest.mark.parametrize("name", ["orgs", "classes", "users", "enrollments", "roles"])
def test_files_needed_for_enrolments_are_required(refuse: Refuse, name: str) -> None:
    [problem] = refuse(without(export_12(), name))
    assert problem.message == f"{name}.csv is missing: without it nobody can be enrolled."


def test_reports_missing_file(refuse: Refuse) -> None:
    files = export_12()
    del files["courses.csv"]
    assert refuse(files)[0].message == "courses.csv is not there, although file.courses says bulk."


def test_reports_file_that_manifest_calls_absent(refuse: Refuse) -> None:
    files = change(export_12(), "manifest.csv", "file.courses,bulk", "file.courses,absent")
    assert refuse(files)[0].message == "courses.csv is there, although file.courses says absent."


def test_unknown_file_mode_is_reported(refuse: Refuse) -> None:
    files = change(export_12(), "manifest.csv", "file.courses,bulk", "file.courses,full")
    assert refuse(files)[0].message == "file.courses is “full”, none of bulk, delta and absent."


def test_a_manifest_that_contradicts_itself_is_refused(refuse: Refuse) -> None:
    files = add(export_12(), "manifest.csv", "file.users,delta")
    assert refuse(files)[0].message == "“file.users” says something else in an earlier row."


def test_unused_files_are_not_checked(read: Read) -> None:
    files = add(export_11(), "manifest.csv", "file.demographics,delta")
    strange: dict[str, str | bytes] = {"demographics.csv": b"\xff\0", "roles.csv": ""}
    assert read({**files, **strange}) == read(export_11())


def test_the_same_file_under_two_names_is_refused(refuse: Refuse) -> None:
    assert refuse({**export_12(), "Users.csv": ""})[0].message.startswith("The folder has it twice")


@pytest.mark.parametrize("inner", ["2026", "export/2026", "export/2026/06"])
def test_folder_may_hold_the_export_deeper(read: Read, folder: Folder, inner: str) -> None:
    outer = folder({"notes.txt": ""})
    (outer / inner).parent.mkdir(parents=True, exist_ok=True)
    folder(export_12()).rename(outer / inner)
    (outer / "__MACOSX").mkdir()
    assert rosters.read(outer, today=TODAY) == read(export_12())


def test_folder_of_several_exports_is_refused(folder: Folder) -> None:
    outer = folder({})
    for name in ("2025", "2026"):
        folder(export_12()).rename(outer / name)
    with pytest.raises(rosters.RosterErrors, match="holds 2 exports, each with its manifest"):
        rosters.read(outer, today=TODAY)


def test_folder_without_an_export_says_what_to_give(folder: Folder) -> None:
    outer = folder({})
    (outer / "loop").symlink_to(outer)
    with pytest.raises(rosters.RosterErrors, match=r"There is no manifest\.csv: give the folder or zip"):
        rosters.read(outer, today=TODAY)


def test_folder_with_a_too_large_file_is_refused(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.rosters.source.MAX_FILE_BYTES", 300)
    with pytest.raises(rosters.RosterErrors, match=r"users\.csv: The file is too large: \d+ bytes"):
        rosters.read(folder(export_12()))
