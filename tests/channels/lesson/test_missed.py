"""What a student missed: only lessons in which they were expected and not there, with what was said in them."""

from typing import Any

from channels.journal.entry import Spell, Spells
from channels.lesson.attendance import MINUTE
from tests.channels.support import ANA, BRUNO, PAULA, Worker

CLASS = "class:7"
STAFF = "class:7:staff"


async def joined(worker: Worker, who: Any, topic: str = CLASS) -> Any:
    client = worker.connect(who)
    await client.ok(topic, "phx_join")
    return client


async def keep(worker: Worker, *spells: Spell) -> None:
    worker.journal.keep_spells(Spells("aabbccddeeff", 10**13, spells))
    commits = worker.journal._commits
    while commits._committing is not None:
        await commits._committing


async def missed(worker: Worker, who: Any) -> list[Any]:
    lessons: list[Any] = (await (await joined(worker, who)).ok(CLASS, "lesson:missed"))["lessons"]
    return lessons


async def test_absent_pupil_gets_what_was_said_in_the_lesson(worker: Worker) -> None:
    paula = await joined(worker, PAULA)
    await paula.ok(CLASS, "message:send", {"text": "Antes."})
    lesson = await paula.ok(CLASS, "lesson:start", {"title": "Frações"})
    await paula.ok(CLASS, "announcement:send", {"text": "Prova na sexta."})
    pinned = await paula.ok(CLASS, "message:send", {"text": "Página 12", "id": "m1"})
    unpinned = await paula.ok(CLASS, "message:send", {"text": "Página 13", "id": "m2"})
    for message in (pinned, unpinned):
        await paula.ok(CLASS, "message:pin", {"target": message["seq"]})
    await paula.ok(CLASS, "message:unpin", {"target": unpinned["seq"]})
    await paula.ok(CLASS, "message:edit", {"target": pinned["seq"], "text": "Página 14"})
    poll = await paula.ok(CLASS, "poll:open", {"question": "7 × 8?", "options": ["54", "56"]})
    await paula.ok(CLASS, "poll:close", {"target": poll["seq"]})
    await paula.ok(CLASS, "lesson:end")
    await paula.ok(CLASS, "announcement:send", {"text": "Depois."})
    (found,) = await missed(worker, BRUNO)
    assert (found["target"], found["title"], found["messages"]) == (lesson["seq"], "Frações", 2)
    assert [each["payload"]["text"] for each in found["announcements"]] == ["Prova na sexta."]
    assert [each["payload"]["text"] for each in found["pinned"]] == ["Página 14"]
    assert [(each["opened"]["payload"]["question"], each["closed"]["payload"]["tally"]) for each in found["polls"]] == [
        ("7 × 8?", [0, 0])
    ]


async def test_who_was_there_or_is_not_expected_missed_nothing(worker: Worker) -> None:
    paula = await joined(worker, PAULA)
    del worker.authority.members["bruno"]
    lesson = await paula.ok(CLASS, "lesson:start")
    await paula.ok(CLASS, "lesson:end")
    at, target = lesson["at"], lesson["seq"]
    await keep(worker, Spell(1, CLASS, target, ANA.user.id, "student", at, at + 10 * MINUTE))
    assert await missed(worker, ANA) == []
    assert await missed(worker, BRUNO) == []


async def test_running_lesson_is_not_missed_yet_and_a_correction_counts(worker: Worker) -> None:
    paula = await joined(worker, PAULA)
    await paula.ok(STAFF, "phx_join")
    lesson = await paula.ok(CLASS, "lesson:start")
    assert await missed(worker, BRUNO) == []
    await paula.ok(CLASS, "lesson:end")
    assert [each["target"] for each in await missed(worker, BRUNO)] == [lesson["seq"]]
    await paula.ok(STAFF, "attendance:correct", {"target": lesson["seq"], "user": 2, "mark": "present"})
    assert await missed(worker, BRUNO) == []
