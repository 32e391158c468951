import pytest

from tests.server.rosters.exports import Files, Read, Refuse, add, change, export_11, export_12

PARENT_12 = "x1,,,true,,,Rui,Ribeiro"


def logins(files: Files, read: Read) -> list[str]:
    return [user.login for user in read(files).users]


def test_login_is_casefolded_and_stripped(read: Read) -> None:
    assert logins(change(export_12(), "users.csv", "true,bruno", "true, BRUNO Straße "), read)[1] == "bruno strasse"


def test_login_is_unicode_normalised(read: Read) -> None:
    assert logins(change(export_12(), "users.csv", "true,bruno", "true,joa\u0303o"), read)[1] == "jo\u00e3o"


def test_login_falls_back_to_email_then_identifier(read: Read) -> None:
    files = change(export_11(), "users.csv", "bruno,,Bruno,Lima,,,", ",,Bruno,Lima,,2026-17,Bruno@vale.example")
    assert logins(files, read)[1] == "bruno@vale.example"
    assert logins(change(files, "users.csv", "Bruno@vale.example", ""), read)[1] == "2026-17"


def test_preferred_name_is_shown(read: Read) -> None:
    files = change(export_12(), "users.csv", f"Lima{',' * 13}o1", f"Lima{',' * 10}Bruna,,Sá,o1")
    assert read(files).users[1].name == "Bruna Sá"


def test_a_name_is_one_line(read: Read) -> None:
    roster = read(change(export_12(), "users.csv", "Ana,Ribeiro", '"Ana\r\n  Maria",Ribeiro'))
    assert [(user.name, user.line) for user in roster.users][:2] == [("Ana Maria Ribeiro", 2), ("Bruno Lima", 4)]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("علی\u200cرضا", "علی\u200cرضا"),
        ("ශ්\u200dරී", "ශ්\u200dරී"),
        ("Ana\u00adMaria\u200f", "AnaMaria"),
        ("Ana\u200d", "Ana"),
    ],
)
def test_name_keeps_joiners_and_loses_hints(read: Read, typed: str, kept: str) -> None:
    roster = read(change(export_12(), "users.csv", "Ana,Ribeiro", f"{typed},Ribeiro"))
    assert roster.users[0].name == f"{kept} Ribeiro"


def test_disabled_or_gone_person_counts_as_absent(read: Read) -> None:
    files = change(export_12(), "users.csv", "s1,,,true", "s1,,,FALSE")
    roster = read(change(files, "users.csv", "s2,,,", "s2,tobedeleted,2026-02-01T00:00:00Z,"))
    assert [user.sourced_id for user in roster.users] == ["p1", "d1"]
    assert [each.sourced_id for each in roster.enrolments] == ["e3", "e4"]
    assert roster.skipped == {
        "parent": 1,
        "people who are not enabled": 1,
        "people marked as gone": 1,
        "enrolments of people or in classes that are skipped": 2,
    }


def test_logins_of_skipped_people_are_not_checked(read: Read) -> None:
    assert read(change(export_12(), "users.csv", PARENT_12, "x1,,,true,ana,,Rui,Ribeiro")).skipped == {"parent": 1}


@pytest.mark.parametrize("role", ["guardian", "relative", "aide", "proctor", "counselor"])
def test_other_roles_are_counted_by_name(read: Read, role: str) -> None:
    assert read(change(export_12(), "roles.csv", "primary,parent", f"primary,{role.title()}")).skipped == {role: 1}


def test_extension_roles_are_skipped_and_counted_together(read: Read) -> None:
    files = change(export_12(), "roles.csv", "primary,parent", "primary,ext:librarian")
    assert read(change(files, "roles.csv", "primary,principal", "primary,EXT:cook")).skipped == {"ext:": 2}


def test_an_administrator_is_the_principal_in_1_1_only(read: Read, refuse: Refuse) -> None:
    assert read(export_11()).users[3].role == "principal"
    [problem] = refuse(change(export_12(), "roles.csv", "principal", "administrator"))
    assert problem.message.endswith("in OneRoster 1.2 a principal is “principal”.")


@pytest.mark.parametrize("role", ["siteAdministrator", "districtAdministrator", "systemAdministrator"])
def test_other_administrator_roles_are_skipped(read: Read, role: str) -> None:
    assert read(change(export_12(), "roles.csv", "principal", role)).skipped == {role.casefold(): 1, "parent": 1}


def test_skipped_role_is_ignored_beside_another(read: Read) -> None:
    assert read(add(export_12(), "roles.csv", "r9,,,p1,primary,parent,,,o1,")) == read(export_12())


@pytest.mark.parametrize("first", [True, False])
def test_primary_role_is_chosen_of_two(read: Read, first: bool) -> None:
    roles = ["r4,,,d1,primary,principal,,,o1,", "r9,,,d1,secondary,teacher,,,o1,"]
    files = change(export_12(), "roles.csv", roles[0] + "\r\n", "")
    assert read(add(files, "roles.csv", *(roles if first else roles[::-1]))).users[3].role == "principal"


def test_same_role_at_two_organisations_is_one(read: Read) -> None:
    assert read(add(export_12(), "roles.csv", "r9,,,p1,primary,teacher,,,,")) == read(export_12())


def test_conflicting_roles_are_refused(refuse: Refuse) -> None:
    [problem] = refuse(add(export_12(), "roles.csv", "r9,,,s1,primary,teacher,,,o1,"))
    assert (problem.file, problem.line, problem.column) == ("roles.csv", 7, "role")
    assert problem.message == "User “s1” has another role in line 2, which counts as much."


@pytest.mark.parametrize("dates", ["2026-06-02,", ",2026-05-31", "2026-02-01T00:00:00Z,2026-05-31T10:00:00.000Z"])
def test_ended_or_future_role_is_ignored(read: Read, dates: str) -> None:
    roster = read(change(export_12(), "roles.csv", "principal,,", f"principal,{dates}"))
    assert "diretora" not in [user.login for user in roster.users]
    assert roster.skipped["people whose role has ended or not begun"] == 1


@pytest.mark.parametrize(
    ("name", "old", "new", "line", "column"),
    [
        ("users.csv", "true,bruno", "true,", 3, "username"),
        ("users.csv", "true,bruno", "true,aNa", 3, "username"),
        ("users.csv", "true,bruno", "true,#1", 3, "username"),
        ("users.csv", "true,bruno", "true," + "b" * 256, 3, "username"),
        ("users.csv", "true,bruno", "true,bru\x07no", 3, "username"),
        ("users.csv", "true,bruno", "true,bru\u202eno", 3, "username"),
        ("users.csv", "Bruno,Lima", "Bru\u202eno,Lima", 3, "givenName"),
        ("users.csv", "Bruno,Lima", "Bruno,Lima\u3164", 3, "givenName"),
        ("users.csv", "Bruno,Lima", ",", 3, "givenName"),
        ("users.csv", "s2,,,", ",,,", 3, "sourcedId"),
        ("users.csv", "s2,,,", "s" * 256 + ",,,", 3, "sourcedId"),
        ("users.csv", "s2,,,", "s1,,,", 3, "sourcedId"),
        ("users.csv", "s2,,,true", "s2,,,maybe", 3, "enabledUser"),
        ("users.csv", ",username,", ",login,", 1, "username"),
        ("roles.csv", "r2,,,s2,primary,student", "r2,,,s2,primary,", 3, "role"),
        ("roles.csv", "r2,,,s2,primary", "r2,,,s2,main", 3, "roleType"),
        ("roles.csv", "r2,,,s2", "r2,,,", 3, "userSourcedId"),
        ("roles.csv", "s2,primary,student,,", "s2,primary,student,01/02/2026,", 3, "beginDate"),
        ("roles.csv", "s2,primary,student,,", "s2,primary,student,,2026-02-30", 3, "endDate"),
    ],
)
def test_problems_name_their_line_and_column(
    refuse: Refuse, name: str, old: str, new: str, line: int, column: str
) -> None:
    places = [(problem.file, problem.line, problem.column) for problem in refuse(change(export_12(), name, old, new))]
    assert (name, line, column) in places or ("users.csv", line, column) in places


def test_organisations_of_version_1_1_are_checked_separately(read: Read) -> None:
    [remark] = read(change(export_11(), "users.csv", "s2,,,true,o1", 's2,,,true,"o1,o9"')).remarks
    [place] = remark.places
    assert str(place) == "users.csv:3:orgSourcedIds: “o9” is not in the export."


@pytest.mark.parametrize(("value", "count"), [("1", 4), ("Yes", 4), ("SIM", 4), ("0", 3), ("No", 3)])
def test_other_words_for_enabled_are_read_as_meant(read: Read, value: str, count: int) -> None:
    roster = read(change(export_12(), "users.csv", "s2,,,true", f"s2,,,{value}"))
    assert len(roster.users) == count
    assert roster.remarks[0].what == "people enabled or not by another word than true and false"


def test_other_staff_is_skipped_and_counted(read: Read) -> None:
    assert read(change(export_11(), "users.csv", "parent", "Staff")).skipped == {"staff": 1}


def siblings(*more: str) -> Files:
    """Return an export whose two students have one e-mail address, no username, and perhaps an identifier."""
    files = change(export_11(), "users.csv", "Ana,,Ana,Ribeiro,,,", f",,Ana,Ribeiro,,{more[0]},Familia@vale.example")
    return change(files, "users.csv", "bruno,,Bruno,Lima,,,", f",,Bruno,Lima,,{more[1]},familia@Vale.example")


def test_siblings_with_one_email_sign_in_by_identifier(read: Read) -> None:
    roster = read(siblings("2026-17", "2026-18"))
    assert [user.login for user in roster.users] == ["2026-17", "2026-18", "paula", "diretora"]
    assert (roster.remarks[0].times, roster.remarks[0].places[1].line) == (2, 3)
    assert logins(siblings("", "2026-18"), read)[:2] == ["familia@vale.example", "2026-18"]


@pytest.mark.parametrize("identifiers", [("", ""), ("7", "7"), ("paula", "8")])
def test_siblings_without_a_login_of_their_own_are_refused(refuse: Refuse, identifiers: tuple[str, str]) -> None:
    [problem] = refuse(siblings(*identifiers))
    assert "is the login of the user in line" in problem.message


def test_a_person_without_a_role_is_left_out(read: Read) -> None:
    roster = read(change(export_12(), "roles.csv", "r2,,,s2,primary,student,,,o1,\r\n", ""))
    assert len(roster.users) == 3
    assert roster.remarks[0].what == "people without a role, left out"


def test_role_of_an_unknown_person_is_left_out(read: Read) -> None:
    roster = read(add(export_12(), "roles.csv", "r9,,,s9,primary,student,,,o1,"))
    assert roster.users == read(export_12()).users
    assert str(roster.remarks[0].places[0]) == "roles.csv:7:userSourcedId: “s9” is not there."


def test_too_many_people_or_roles_alone_are_refused(refuse: Refuse) -> None:
    people = [f"n{number},,,true,n{number},,Nina,Sá{',' * 13}o1," for number in range(6)]
    assert "6 of 11 people have no role" in refuse(add(export_12(), "users.csv", *people))[0].message
    roles = [f"n{number},,,n{number},primary,student,,,o1," for number in range(6)]
    assert "6 of 11 people are not in users.csv" in refuse(add(export_12(), "roles.csv", *roles))[0].message


def test_export_without_users_is_refused(refuse: Refuse) -> None:
    files = export_11()
    files["users.csv"] = files["users.csv"].splitlines()[0] + "\n"
    assert any(problem.message == "The file has no student, teacher or principal." for problem in refuse(files))
