"""Schools made up in any size (bench/school.py), and schools that hypothesis makes up, written and read back."""

import csv
import io
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.school import write_file, write_manifest, write_school
from server import rosters
from tests.server.rosters.exports import TODAY, write


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_a_made_up_school_of_any_size_is_clean(tmp_path: Path, version: str) -> None:
    write_school(tmp_path, 1000, version=version)
    school = rosters.read(tmp_path, today=TODAY)
    assert not school.skipped
    assert len(school.users) == 1000
    assert len(school.classes) == 6 * 34
    assert len(school.enrolments) == 6 * 949 + len(school.classes)


def test_the_same_seed_makes_the_same_school_and_another_another(tmp_path: Path) -> None:
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_school(tmp_path / folder, 60, seed=seed)
    texts = [(tmp_path / folder / "users.csv").read_text() for folder in "abc"]
    assert texts[0] == texts[1] != texts[2]


def test_a_school_of_one_is_clean(tmp_path: Path) -> None:
    write_school(tmp_path, 3)
    assert [user.role for user in rosters.read(tmp_path, today=TODAY).users] == ["principal", "teacher", "student"]


# Text as people write it: nothing that cannot be seen, and something in it that is not a blank.
words = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=30).filter(
    lambda text: text.strip() and not text.strip().startswith("#")
)
ids = st.text(st.characters(codec="ascii", categories=["L", "N"], include_characters="-_."), min_size=1, max_size=36)
users_of_any_kind = st.tuples(ids, words, words, st.sampled_from(["student", "teacher", "principal", "parent"]))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(
    users=st.lists(users_of_any_kind, min_size=1, max_size=8, unique_by=lambda user: user[0]),
    classes=st.lists(st.tuples(ids, words), max_size=4, unique_by=lambda each: each[0]),
    places=st.lists(st.tuples(st.integers(0, 7), st.integers(0, 3)), max_size=12, unique=True),
    quoting=st.sampled_from((csv.QUOTE_ALL, csv.QUOTE_MINIMAL)),
    mark=st.booleans(),
)
def test_what_is_written_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory,
    users: list[tuple[str, str, str, str]],
    classes: list[tuple[str, str]],
    places: list[tuple[int, int]],
    quoting: Literal[0, 1],
    mark: bool,
) -> None:
    users = [
        ("head", "Head", "Teacher", "principal"),
        *((f"u-{id_}", given_name, family, role) for id_, given_name, family, role in users),
    ]
    enrolled = [(user, each) for user, each in places if user < len(users) and each < len(classes)]
    enrolled = [(user, each) for user, each in enrolled if users[user][3] in ("student", "teacher")]
    folder = tmp_path_factory.mktemp("school") / "export"
    write_export(folder, users, classes, enrolled)
    write(folder.parent / "again", {each.name: rewritten(each, quoting, mark) for each in folder.iterdir()})
    school = rosters.read(folder.parent / "again", today=TODAY)
    ours = [user for user in users if user[3] != "parent"]
    assert [(user.sourced_id, user.role) for user in school.users] == [(user[0], user[3]) for user in ours]
    assert [each.sourced_id for each in school.classes] == [id_ for id_, _ in classes]
    found = [(school.users[each.user].sourced_id, each.school_class) for each in school.enrolments]
    assert found == [(users[user][0], each) for user, each in enrolled]
    for user, (_, given_name, family, _) in zip(school.users, ours, strict=True):
        assert "".join(user.name.split()) == "".join(unicodedata.normalize("NFC", given_name + " " + family).split())


def write_export(
    folder: Path,
    users: Sequence[tuple[str, str, str, str]],
    classes: Sequence[tuple[str, str]],
    enrolled: Sequence[tuple[int, int]],
) -> None:
    folder.mkdir()
    write_manifest(folder)
    write_file(folder, "orgs", [{"sourcedId": "o", "name": "School", "type": "school"}])
    write_file(folder, "academicSessions", [])
    write_file(folder, "courses", [])
    write_file(folder, "classes", [{"sourcedId": id_, "title": title} for id_, title in classes])
    people = [
        {"sourcedId": id_, "username": f"user{number}", "givenName": name, "familyName": family, "enabledUser": "true"}
        for number, (id_, name, family, _) in enumerate(users)
    ]
    write_file(folder, "users", people)
    roles = [{"sourcedId": id_, "userSourcedId": id_, "role": role} for id_, _, _, role in users]
    write_file(folder, "roles", roles)
    rows = [
        {
            "sourcedId": str(number),
            "classSourcedId": classes[each][0],
            "userSourcedId": users[user][0],
            "role": users[user][3],
        }
        for number, (user, each) in enumerate(enrolled)
    ]
    write_file(folder, "enrollments", rows)


def rewritten(path: Path, quoting: Literal[0, 1], mark: bool) -> str:
    """Return a file's text as another program would have written it."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    text = io.StringIO(newline="")
    csv.writer(text, quoting=quoting, lineterminator="\n").writerows(rows)
    return ("\ufeff" if mark else "") + text.getvalue()
