import pytest

from server.rosters.lookalike import skeleton
from tests.server.rosters.exports import Read, change, export_12


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Paula Nogueira", "Pаula Nogueira"),  # a Cyrillic а
        ("Ilana", "llana"),
        ("Carmo", "Carrno"),
        ("João", "Joa\u0303o"),
        ("D'Ávila", "D’Ávila"),
        ("علی\u200c", "علی"),
    ],
)
def test_confusable_names_have_one_skeleton(name: str, other: str) -> None:
    assert skeleton(name) == skeleton(other)


@pytest.mark.parametrize(("name", "other"), [("Ana", "Aná"), ("Bia", "Lia"), ("Ana Lima", "Ana Luma"), ("Zé", "Ze")])
def test_different_names_have_different_skeletons(name: str, other: str) -> None:
    assert skeleton(name) != skeleton(other)


def test_names_that_look_alike_are_reported_and_kept(read: Read) -> None:
    roster = read(change(export_12(), "users.csv", "Bruno,Lima", "Pаula,Nogueira"))
    assert [user.name for user in roster.users][1:3] == ["Pаula Nogueira", "Paula Nogueira"]
    [remark] = roster.remarks
    assert remark.what == "people whose names look alike"
    assert str(remark.places[0]).startswith("users.csv:4:givenName: “Paula Nogueira” looks like the name in line 3")


def test_people_of_one_name_are_no_remark(read: Read) -> None:
    assert not read(change(export_12(), "users.csv", "Bruno,Lima", "Ana,Ribeiro")).remarks
