"""A teacher gives a student of their own classes a new code, and nobody else."""

import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from tests.server.people import People
from tests.server.views.conftest import School
from tests.server.views.visitor import Visitor

SignedIn = Callable[[str], Awaitable[Visitor]]


async def test_teacher_gives_an_own_student_a_new_code(signed_in: SignedIn, school: School) -> None:
    paula, ana = await signed_in("paula"), await signed_in("ana")
    made = await paula.post(f"/teachers/classes/{school.mathematics}/people/{school.ana}/code")
    assert made.status == HTTPStatus.OK
    given = json.loads(made.text)
    assert (given["name"], given["login"]) == ("Ana Ribeiro", "ana")
    assert (await ana.get("/students/")).status == HTTPStatus.FOUND
    fields = {"login": "ana", "code": given["code"], "password": "another secret"}
    assert (await Visitor(school.url).post("/accounts/first-sign-in", **fields)).status == HTTPStatus.SEE_OTHER


async def test_teacher_resets_no_staff_and_no_other_student(
    signed_in: SignedIn, school: School, people: People
) -> None:
    paula = await signed_in("paula")
    colleague, stranger = await people.user("rui", "teacher"), await people.user("zeca")
    await people.enrol(colleague, school.mathematics, "teacher")
    other = await people.classroom("7º B", stranger)
    # A member of staff who is enrolled as a student, by mistake, is still staff.
    await people.enrol(misplaced := await people.user("eva", "teacher"), school.mathematics, "student")
    for user_id in (colleague, stranger, misplaced):
        answer = await paula.post(f"/teachers/classes/{school.mathematics}/people/{user_id}/code")
        assert answer.status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert (await paula.post(f"/teachers/classes/{other}/people/{stranger}/code")).status == HTTPStatus.NOT_FOUND
