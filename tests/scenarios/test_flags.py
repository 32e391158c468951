"""Flags and notes reach those who deal with them; a teacher learns nothing of a flag on their own message."""

import json

import pytest

from tests.phoenix import ErrorReply
from tests.scenarios.conftest import Lesson

SECRET = "segredo-da-denúncia"


async def test_teacher_gets_nothing_of_a_flag_on_their_message(lesson: Lesson) -> None:
    ana, bruno, teacher, principal = [
        await lesson.ana(), await lesson.bruno(), await lesson.teacher(), await lesson.principal()
    ]  # fmt: skip
    topic = ana.topics[lesson.title]
    staff = f"{topic}:staff"
    theirs = [topic, staff, "user:me", "role:teachers", "school"]
    for each in (ana, bruno):
        await each.join(topic)
    before = {
        name: (await teacher.join(name))["seq"] for name in theirs if name.split(":")[0] != "class" or topic in name
    }
    for name in (topic, staff, "principals"):
        await principal.join(name)
    target = (await teacher.say(topic, "Vocês são fracos."))["seq"]
    await bruno.sees(topic, "message:sent", seq=target)
    await bruno.push(topic, "message:flag", target=target, reason="insult", note=SECRET)
    flagged = await principal.sees("principals", "message:flagged", topic=topic, target=target)
    assert (flagged["note"], flagged["text"]) == (SECRET, "Vocês são fracos.")
    await principal.push("principals", "flag:close", target=flagged["seq"], outcome=SECRET)
    await bruno.sees("user:me", "flag:closed", topic=topic)
    await ana.say(topic, "fim")
    await teacher.sees(topic, "message:sent", text="fim")
    assert SECRET not in json.dumps(teacher.events, ensure_ascii=False)
    assert all("flag" not in event for _, event, _ in teacher.events)
    for name, seq in before.items():
        joined = await teacher.join(name)
        page = await teacher.push(name, "history:read", after=0, limit=200)
        assert "flagged" not in json.dumps([joined, page])
        assert joined["seq"] == seq + (2 if name == topic else 0)
    with pytest.raises(ErrorReply, match="unmatched_topic"):
        await teacher.join("principals")


async def test_flag_on_a_students_message_reaches_the_staff(lesson: Lesson) -> None:
    ana, bruno, teacher = await lesson.ana(), await lesson.bruno(), await lesson.teacher()
    topic = ana.topics[lesson.title]
    staff = f"{topic}:staff"
    for each in (ana, bruno):
        await each.join(topic)
    await teacher.join(staff)
    target = (await ana.say(topic, "Seu bobo!"))["seq"]
    await bruno.sees(topic, "message:sent", seq=target)
    await bruno.push(topic, "message:flag", target=target, reason="insult")
    flagged = await teacher.sees(staff, "message:flagged", target=target, text="Seu bobo!")
    await teacher.push(staff, "flag:see", target=flagged["seq"])
    await bruno.sees("user:me", "flag:seen", topic=topic)
    await bruno.push(topic, "note:send", text="Obrigado!")
    note = await teacher.sees(staff, "note:sent", text="Obrigado!")
    await teacher.push(staff, "note:send", text="De nada.", user=note["user"]["id"])
    await bruno.sees("user:me", "note:sent", text="De nada.")
    assert ana.seen("user:me", "note:sent") == ana.seen("user:me", "message:flagged") == []
