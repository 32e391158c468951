from typing import Any

import msgspec

from server import rosters
from server.databases import DbSessions
from tests.server.rosters.exports import Files, Read, add, change, export_11
from tests.server.rosters.test_merge import everything


async def lists(sessions: DbSessions, read: Read, files: Files) -> dict[str, Any]:
    """Return the lists that are not empty, as JSON has them, and check that nothing was written."""
    before = await everything(sessions)
    _, found = await rosters.preview(sessions, read(files))
    assert await everything(sessions) == before
    return {name: msgspec.to_builtins(entries) for name, entries in found.entries.items() if entries}


async def test_first_import_lists_people_and_classes_by_name(sessions: DbSessions, read: Read) -> None:
    found = await lists(sessions, read, export_11())
    assert list(found) == ["user:new", "class:new"]
    assert [each["name"] for each in found["user:new"]] == [
        "Ana Ribeiro",
        "Bruno Lima",
        "Helena Prado",
        "Paula Nogueira",
    ]
    assert found["class:new"][0] == {"name": "6º A · Matemática", "grade": "06"}


async def test_changes_are_listed_with_what_was_before(sessions: DbSessions, read: Read) -> None:
    await rosters.apply(sessions, read(export_11()))
    files = change(export_11(), "users.csv", "student,bruno,,Bruno,Lima", "student,bl,,Bruno,Sá")
    files = change(files, "classes.csv", "6º A · Matemática,06", "7º A · Matemática,07")
    found = await lists(sessions, read, files)
    person = {"name": "Bruno Sá", "login": "bl", "role": "student", "was": {"name": "Bruno Lima", "login": "bruno"}}
    room = {"name": "7º A · Matemática", "grade": "07", "was": {"title": "6º A · Matemática", "grade": "06"}}
    assert found == {"user:changed": [person], "class:changed": [room]}


async def test_who_changes_class_is_listed_with_both(sessions: DbSessions, read: Read) -> None:
    await rosters.apply(sessions, read(export_11()))
    files = change(export_11(), "enrollments.csv", "e1,,,c1,o1,s1", "e1,,,c2,o1,s1")
    files = add(files, "classes.csv", "c3,,,Xadrez,06,k1,,,,o1,t1,,,")
    files = add(files, "enrollments.csv", "e9,,,c3,o1,s2,student,,,")
    found = await lists(sessions, read, files)
    assert found["user:moved"] == [
        {
            "name": "Ana Ribeiro",
            "login": "ana",
            "role": "student",
            "left": ["6º A · Matemática"],
            "joined": ["6º B · Matemática"],
        },
        {"name": "Bruno Lima", "login": "bruno", "role": "student", "joined": ["Xadrez"]},
    ]


async def test_who_leaves_the_school_changes_no_class(sessions: DbSessions, read: Read) -> None:
    await rosters.apply(sessions, read(export_11()))
    files = change(export_11(), "users.csv", "s2,,,true", "s2,,,false")
    found = await lists(sessions, read, files)
    assert found == {"user:gone": [{"name": "Bruno Lima", "login": "bruno", "role": "student"}]}
    await rosters.apply(sessions, read(files))
    back = await lists(sessions, read, export_11())
    assert back["user:changed"][0]["back"] is True
    assert back["user:moved"][0]["joined"] == ["6º B · Matemática"]
