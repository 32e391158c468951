import pytest

from tests.server.rosters.exports import Read, Refuse, add, change, export_12


def ids(read: Read, *lines: str) -> list[str]:
    return [each.sourced_id for each in read(add(export_12(), "enrollments.csv", *lines)).enrolments]


@pytest.mark.parametrize("dates", ["2026-06-01,", ",2026-06-01", "2026-02-04T00:00:00.000Z,2026-12-19T00:00:00-03:00"])
def test_enrolment_counts_from_first_to_last_day(read: Read, dates: str) -> None:
    assert ids(read, f"e9,,,c1,o1,s2,student,,{dates}")[-1] == "e9"


def test_enrolment_that_is_over_is_skipped(read: Read) -> None:
    assert "e9" not in ids(read, "e9,,,c1,o1,s2,student,,,2026-05-31")


def test_future_enrolment_is_kept_with_its_days(read: Read) -> None:
    roster = read(add(export_12(), "enrollments.csv", "e9,,,c1,o1,s2,student,,2026-06-02,2026-06-30"))
    assert (roster.enrolments[-1].begins, roster.enrolments[-1].ends) == ("2026-06-02", "2026-06-30")


def test_of_two_enrolments_the_earlier_one_counts(read: Read) -> None:
    lines = ("e8,,,c1,o1,s2,student,,2026-08-01,", "e9,,,c1,o1,s2,student,,2026-06-02,2026-06-30")
    assert ids(read, *lines)[-1] == "e9"


def test_enrolment_marked_as_deleted_is_skipped(read: Read) -> None:
    assert "e9" not in ids(read, "e9,tobedeleted,,c1,o1,s2,student,,,")


def test_duplicate_enrolments_are_merged(read: Read) -> None:
    roster = read(add(export_12(), "enrollments.csv", "e9,,,c1,o1,s1,Student,,,"))
    assert [each.sourced_id for each in roster.enrolments] == ["e1", "e2", "e3", "e4"]
    assert roster.skipped["enrolments that are there twice"] == 1


@pytest.mark.parametrize(
    "line", ["e9,,,c1,o1,x1,student,,,", "e9,,,c1,o1,d1,administrator,,,", "e9,,,c1,o1,p1,aide,,,"]
)
def test_enrolments_of_other_people_and_roles_are_skipped(read: Read, refuse: Refuse, line: str) -> None:
    if "administrator" in line:  # a word of 1.1
        line = line.replace("administrator", "proctor")
    roster = read(add(export_12(), "enrollments.csv", line))
    assert len(roster.enrolments) == 4
    assert roster.skipped["enrolments of people or in classes that are skipped"] == 1


def test_a_principal_may_teach(read: Read) -> None:
    roster = read(add(export_12(), "enrollments.csv", "e9,,,c1,o1,d1,teacher,,,"))
    assert roster.enrolments[-1].role == "teacher"


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("e9,,,,o1,s2,student,,,", "classSourcedId"),
        ("e9,,,c1,o1,,student,,,", "userSourcedId"),
        ("e9,,,c1,o1,s2,,,,", "role"),
        ("e9,,,c1,o1,s2,wizard,,,", "role"),
        ("e9,,,c1,o1,s2,student,,soon,", "beginDate"),
        ("e9,,,c1,o1,s2,student,,,2026-06-31", "endDate"),
        ("e1,,,c1,o1,s2,student,,,", "sourcedId"),
        ("e9,,,c1,o1,s2", ""),
    ],
)
def test_problems_name_their_line_and_column(refuse: Refuse, line: str, column: str) -> None:
    [problem] = refuse(add(export_12(), "enrollments.csv", line))
    assert (problem.file, problem.line, problem.column) == ("enrollments.csv", 6, column)


NOT_THERE = "enrolments of people or in classes that are not in the export, left out"
OTHER_ROLE = "enrolments in a role that is not the user's, left out"


@pytest.mark.parametrize(
    ("line", "column", "what"),
    [
        ("e9,,,c9,o1,s2,student,,,", "classSourcedId", NOT_THERE),
        ("e9,,,c1,o1,s9,student,,,", "userSourcedId", NOT_THERE),
        ("e9,,,c1,o1,s2,teacher,,,", "role", OTHER_ROLE),
        ("e9,,,c1,o1,p1,student,,,", "role", OTHER_ROLE),
        ("e9,,,c1,o1,d1,student,,,", "role", OTHER_ROLE),
    ],
)
def test_enrolment_that_fits_nobody_is_left_out(read: Read, line: str, column: str, what: str) -> None:
    roster = read(add(export_12(), "enrollments.csv", line))
    assert roster.enrolments == read(export_12()).enrolments
    [remark] = roster.remarks
    assert (remark.what, remark.times) == (what, 1)
    assert (remark.places[0].line, remark.places[0].column) == (6, column)


def test_old_enrolments_of_people_who_left_are_no_remark(read: Read) -> None:
    rows = [f"x{number},,,c{number},o1,u{number},student,,2020-02-01,2020-12-01" for number in range(50)]
    roster = read(add(export_12(), "enrollments.csv", *rows))
    assert not roster.remarks
    assert roster.skipped["enrolments that have ended"] == 50


def test_too_many_enrolments_that_fit_nobody_are_refused(read: Read, refuse: Refuse) -> None:
    rows = [f"x{number},,,c1,o1,u{number},student,,," for number in range(6)]
    assert read(add(export_12(), "enrollments.csv", *rows[:5])).remarks[0].times == 5
    [problem] = refuse(add(export_12(), "enrollments.csv", *rows))
    assert problem.message.startswith("6 of 10 enrolments do not fit the other files, the first in line 6")


def test_enrolments_of_refused_user_are_no_second_problem(refuse: Refuse) -> None:
    [problem] = refuse(change(export_12(), "users.csv", "true,paula", "true,"))
    assert problem.file == "users.csv"
