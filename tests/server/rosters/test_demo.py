"""The demo school is a valid export with every user that the README names."""

from collections import Counter
from pathlib import Path

import pytest

from server import rosters

FOLDER = Path(rosters.__file__).parent / "demo"


@pytest.fixture(scope="module")
def school() -> rosters.Roster:
    return rosters.read(FOLDER)


def classes_of(school: rosters.Roster, login: str) -> set[int]:
    [user] = [user for user in school.users if user.login == login]
    return {each.school_class for each in school.enrolments if each.user == user.number}


def test_demo_school_is_valid_and_complete(school: rosters.Roster) -> None:
    roles = Counter(user.role for user in school.users)
    assert not school.skipped
    assert len({each.grade for each in school.classes}) == 3
    assert len(school.classes) == 45
    assert roles == {"student": 243, "teacher": 15, "principal": 1}


def test_each_class_has_a_teacher_and_20_to_30_students(school: rosters.Roster) -> None:
    people = Counter((each.school_class, each.role) for each in school.enrolments)
    for number in range(len(school.classes)):
        assert people[number, "teacher"] == 1
        assert 20 <= people[number, "student"] <= 30


def test_each_student_has_five_subjects(school: rosters.Roster) -> None:
    places = Counter(each.user for each in school.enrolments if each.role == "student")
    assert set(places.values()) == {5}


def test_ana_and_bruno_share_their_classes_and_paula_teaches_them(school: rosters.Roster) -> None:
    assert classes_of(school, "ana") == classes_of(school, "bruno")
    assert len(classes_of(school, "paula")) == 3
    assert classes_of(school, "paula") & classes_of(school, "ana")
    assert {user.role for user in school.users if user.login == "diretora"} == {"principal"}


def test_all_names_are_unique(school: rosters.Roster) -> None:
    assert Counter(user.name for user in school.users).most_common(1)[0][1] == 1
