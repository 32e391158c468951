import html
import json
from collections.abc import Awaitable, Callable
from typing import Any

from tests.server.people import People
from tests.server.views.conftest import School
from tests.server.views.visitor import Visitor

SignedIn = Callable[[str], Awaitable[Visitor]]


async def _data(visitor: Visitor, path: str) -> dict[str, Any]:
    text = (await visitor.get(path)).text
    data: dict[str, Any] = json.loads(html.unescape(text.split('data-page="')[1].split('"')[0]))
    return data


async def test_page_data_has_the_user_and_the_sockets_address(school: School, signed_in: SignedIn) -> None:
    data = await _data(await signed_in("ana"), "/students/")
    assert data["me"] == {"id": school.ana, "name": "Ana Ribeiro", "role": "student"}
    assert (data["home"], data["socket"]) == ("/students/", "/students/socket")


async def test_classes_are_listed_by_title_with_their_teachers(
    people: People, school: School, signed_in: SignedIn
) -> None:
    await people.classroom("6º A · Artes", school.ana)
    classes = (await _data(await signed_in("ana"), "/students/"))["classes"]
    assert [each["title"] for each in classes] == ["6º A · Artes", "6º A · Matemática"]
    assert [each["teachers"] for each in classes] == [[], ["Paula Nogueira"]]
    assert classes[1]["students"] == 1


async def test_class_lists_its_people(school: School, signed_in: SignedIn) -> None:
    data = await _data(await signed_in("paula"), f"/teachers/classes/{school.mathematics}")
    assert [(each["name"], each["role"]) for each in data["people"]] == [
        ("Paula Nogueira", "teacher"),
        ("Ana Ribeiro", "student"),
    ]


async def test_class_too_large_for_presence_lists_nobody(people: People, school: School, signed_in: SignedIn) -> None:
    students = [await people.user(f"student{number}") for number in range(201)]
    class_id = await people.classroom("Auditório", *students)
    data = await _data(await signed_in("diretora"), f"/principal/classes/{class_id}")
    assert data["people"] == []
    assert data["classroom"]["students"] == 201


async def test_principal_sees_a_note_on_presence_and_may_announce_everywhere(
    school: School, signed_in: SignedIn
) -> None:
    principal = await signed_in("diretora")
    assert (await principal.get(f"/principal/classes/{school.history}")).has("The class can see that the principal")
    data = await _data(principal, "/principal/announcements")
    assert [each["title"] for each in data["classes"]] == ["6º A · Matemática", "9º C · História"]


async def test_only_staff_have_a_form_to_announce(signed_in: SignedIn) -> None:
    for login, path in (("ana", "students"), ("paula", "teachers"), ("diretora", "principal")):
        answer = await (await signed_in(login)).get(f"/{path}/announcements")
        assert ('id="announce"' in answer.text) is (login != "ana")


async def test_page_explains_an_empty_list_of_classes(signed_in: SignedIn) -> None:
    answer = await (await signed_in("ana")).get("/students/")
    assert answer.has("You are not in a class yet")  # hidden, until the scripts find none
