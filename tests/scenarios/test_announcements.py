"""Announcements reach the members of their topic, and their author sees who has read them."""

import asyncio
from collections.abc import Sequence

import pytest

from tests.phoenix import ErrorReply
from tests.scenarios.conftest import Lesson
from tests.scenarios.participant import SECONDS, Participant


async def test_teacher_announces_to_a_class_and_sees_its_readers(lesson: Lesson) -> None:
    teacher, ana, bruno = await lesson.teacher(), await lesson.ana(), await lesson.bruno()
    topic = ana.topics[lesson.title]
    for each in (teacher, ana, bruno):
        await each.join(topic)
    sent = await teacher.push(topic, "announcement:send", title="Prova", text="Na sexta-feira.", id="prova")
    assert await teacher.push(topic, "announcement:send", title="Prova", text="Na sexta-feira.", id="prova") == sent
    for each in (teacher, ana, bruno):
        told = await each.sees(topic, "announcement:sent", title="Prova", text="Na sexta-feira.")
        assert (told["seq"], told["author"]) == (sent["seq"], teacher.user)
        assert len(each.seen(topic, "announcement:sent")) == 1
    assert await teacher.push(topic, "receipts:read", seq=sent["seq"]) == {"count": 0, "members": 2, "read": []}
    for number, pupil in enumerate((ana, bruno)):
        await pupil.push(topic, "read:mark", seq=sent["seq"])
        await is_read_by(teacher, topic, sent["seq"], [ana, bruno][: number + 1])
    state = (await bruno.join(topic))["state"]
    assert [each["payload"]["title"] for each in state["announcements"]] == ["Prova"]


@pytest.mark.parametrize("topic", ["role:students", "role:teachers", "school"])
async def test_principal_announces_to_a_role_or_the_school(lesson: Lesson, topic: str) -> None:
    principal, ana, bruno, teacher = [
        await lesson.principal(), await lesson.ana(), await lesson.bruno(), await lesson.teacher()
    ]  # fmt: skip
    listeners = [each for each in (ana, bruno, teacher) if topic in each.topics.values()]
    assert listeners == {"role:students": [ana, bruno], "role:teachers": [teacher]}.get(topic, [ana, bruno, teacher])
    for each in (principal, *listeners):
        await each.join(topic)
    text = f"Para {topic}, {lesson.title}"
    sent = await principal.push(topic, "announcement:send", text=text)
    for each in (principal, *listeners):
        assert (await each.sees(topic, "announcement:sent", text=text))["seq"] == sent["seq"]
    for number, each in enumerate(listeners):
        await each.push(topic, "read:mark", seq=sent["seq"])
        await is_read_by(principal, topic, sent["seq"], listeners[: number + 1])
    with pytest.raises(ErrorReply, match="forbidden"):
        await listeners[0].push(topic, "announcement:send", text="Amanhã não tem aula")


async def is_read_by(asker: Participant, topic: str, seq: int, readers: Sequence[Participant]) -> None:
    """Poll the receipts until they list exactly `readers`; a read mark is stored shortly after its reply."""
    expected = {reader.user["id"] for reader in readers}
    async with asyncio.timeout(SECONDS):
        while (answer := await asker.push(topic, "receipts:read", seq=seq))["count"] < len(readers):
            await asyncio.sleep(0.1)
    assert (answer["count"], {reader["id"] for reader in answer["read"]}) == (len(readers), expected)
