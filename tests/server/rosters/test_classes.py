import pytest

from tests.server.rosters.exports import Read, Refuse, add, change, export_12

DISTRICT = "o0,,,Rede de Ipê,district,,"


def test_single_school_is_chosen_below_any_parent(read: Read) -> None:
    files = add(change(export_12(), "orgs.csv", "school,,", "School,,o0"), "orgs.csv", DISTRICT)
    assert read(files).school.name == "Escola do Vale"


def test_common_parent_of_several_schools_is_chosen(read: Read) -> None:
    files = change(export_12(), "orgs.csv", "school,,", "school,,o0")
    assert read(add(files, "orgs.csv", DISTRICT, "o2,,,Escola do Monte,school,,o0")).school.name == "Rede de Ipê"


def test_several_schools_without_a_common_parent_are_refused(refuse: Refuse) -> None:
    [problem] = refuse(add(export_12(), "orgs.csv", "o2,,,Escola do Monte,school,,"))
    assert (problem.file, problem.line) == ("orgs.csv", 0)
    assert "2 schools" in problem.message


def test_school_marked_as_deleted_counts_as_absent(read: Read) -> None:
    assert read(add(export_12(), "orgs.csv", "o2,tobedeleted,,Escola Velha,school,,")).school.sourced_id == "o1"


@pytest.mark.parametrize("kind", ["homeroom", "HOMEROOM", "Scheduled", ""])
def test_class_types_ignore_case(read: Read, kind: str) -> None:
    assert read(change(export_12(), "classes.csv", "scheduled", kind)) == read(export_12())


@pytest.mark.parametrize("status", ["active", "ACTIVE"])
def test_status_and_date_columns_may_be_filled(read: Read, status: str) -> None:
    files = change(export_12(), "classes.csv", "c1,,,", f"c1,{status},2026-02-01,")
    assert read(files) == read(export_12())


@pytest.mark.parametrize("status", ["tobedeleted", "ToBeDeleted", "inactive"])
def test_class_marked_as_gone_counts_as_absent(read: Read, status: str) -> None:
    roster = read(change(export_12(), "classes.csv", "c2,,,", f"c2,{status},2026-02-01,"))
    assert [each.sourced_id for each in roster.classes] == ["c1"]
    assert [each.sourced_id for each in roster.enrolments] == ["e1", "e3"]
    assert roster.skipped["classes marked as gone"] == 1
    assert roster.skipped["enrolments of people or in classes that are skipped"] == 2


def test_unknown_columns_are_ignored(read: Read) -> None:
    lines = export_12()["classes.csv"].splitlines()
    text = "".join(f"{line},{'metadata.x' if not number else 'y'}\r\n" for number, line in enumerate(lines))
    assert read({**export_12(), "classes.csv": text}) == read(export_12())


@pytest.mark.parametrize(
    ("name", "old", "new", "line", "column"),
    [
        ("classes.csv", "c1,,,6º A · Matemática", "c1,,,", 2, "title"),
        ("classes.csv", "c1,,,6º A", "c1,,," + "x" * 255, 2, "title"),
        ("classes.csv", "6º A · Matemática", "\x1b[31m", 2, "title"),
        ("classes.csv", "Matemática,06,k1,,scheduled", "Matemática,\x07,k1,,scheduled", 2, "grades"),
        ("classes.csv", "c1,,,", "c1,unsure,,", 2, "status"),
        ("classes.csv", "c2,,,", "c1,,,", 3, "sourcedId"),
    ],
)
def test_problems_name_their_line_and_column(
    refuse: Refuse, name: str, old: str, new: str, line: int, column: str
) -> None:
    first = refuse(change(export_12(), name, old, new))[0]
    assert (first.file, first.line, first.column) == (name, line, column)


@pytest.mark.parametrize(
    ("name", "old", "new", "line", "column"),
    [
        ("classes.csv", "06,k1,,scheduled", "06,k9,,scheduled", 2, "courseSourcedId"),
        ("classes.csv", "scheduled,,o1", "scheduled,,o9", 2, "schoolSourcedId"),
        ("classes.csv", "t1,y1", "t1,y9", 2, "termSourcedIds"),
        ("orgs.csv", "school,,", "school,,o9", 2, "parentSourcedId"),
        ("academicSessions.csv", "y1,2026", "y9,2026", 3, "parentSourcedId"),
        ("courses.csv", "06,o1", "06,o9", 2, "orgSourcedId"),
        ("courses.csv", "k1,,,y1", "k1,,,y9", 2, "schoolYearSourcedId"),
        ("users.csv", "Lima,,,,,,,,,,,,,o1", "Lima,,,,,,,,,,,,,o9", 3, "primaryOrgSourcedId"),
        ("roles.csv", "s2,primary,student,,,o1", "s2,primary,student,,,o9", 3, "orgSourcedId"),
        ("enrollments.csv", "c2,o1,s2", "c2,o9,s2", 3, "schoolSourcedId"),
    ],
)
def test_reference_to_nothing_is_ignored_with_a_remark(
    read: Read, name: str, old: str, new: str, line: int, column: str
) -> None:
    found, whole = read(change(export_12(), name, old, new)), read(export_12())
    assert (found.school, found.users, found.classes) == (whole.school, whole.users, whole.classes)
    assert found.enrolments == whole.enrolments
    [remark] = found.remarks
    assert (remark.what, remark.times) == ("references to nothing, ignored", 1)
    assert [(each.file, each.line, each.column) for each in remark.places] == [(name, line, column)]


def test_identical_duplicate_row_is_ignored_with_a_remark(read: Read) -> None:
    for name, text in export_12().items():
        if name != "manifest.csv":
            [remark] = read(add(export_12(), name, text.splitlines()[-1])).remarks
            assert (remark.what, remark.times) == ("rows that are there twice", 1)


def test_long_list_of_grades_is_cut_after_whole_grade(read: Read) -> None:
    grades = ",".join(f"{grade:02}" for grade in range(30))
    roster = read(change(export_12(), "classes.csv", "6º A · Matemática,06", f'6º A · Matemática,"{grades}"'))
    assert roster.classes[0].grade == ",".join(f"{grade:02}" for grade in range(21)) + "…"
    assert roster.remarks[0].what == "lists of grades, shortened"


def test_reference_to_unreadable_file_is_no_second_problem(refuse: Refuse) -> None:
    files: dict[str, str | bytes] = {**export_12(), "courses.csv": b"sourcedId\nk\xe7\n"}
    assert [problem.file for problem in refuse(files)] == ["courses.csv"]
