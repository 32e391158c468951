"""Presence, and the principal's dashboard."""

import asyncio
from collections.abc import Callable

from tests.dashboard import SeenSchool
from tests.scenarios.conftest import Lesson, Site
from tests.scenarios.participant import Participant, Way

# A poll session is idle 25 s after its last poll began; the server checks every 5 s.
VANISHED_SECONDS = 60.0


async def test_presence_shows_joins_and_leaves_to_everyone(lesson: Lesson) -> None:
    ana, bruno, teacher = await lesson.ana(), await lesson.bruno(), await lesson.teacher()
    topic = ana.topics[lesson.title]
    await ana.join(topic)
    await ana.sees_present(topic, [ana])
    await teacher.join(topic)
    await bruno.join(topic)
    for each in (ana, bruno, teacher):
        await each.sees_present(topic, [ana, bruno, teacher])
    await bruno.leave(topic)
    for each in (ana, teacher):
        await each.sees_present(topic, [ana, teacher])
    await ana.close()
    await teacher.sees_present(topic, [teacher])


async def test_join_without_presence_is_not_shown(lesson: Lesson) -> None:
    ana, bruno = await lesson.ana(), await lesson.bruno()
    topic = ana.topics[lesson.title]
    await ana.join(topic)
    await bruno.join(topic, present=False)
    await bruno.sees_present(topic, [ana])
    await bruno.say(topic, "Só escuto")
    await ana.reads(topic, "Só escuto")
    await ana.sees_present(topic, [ana])


async def test_presence_removes_a_client_that_vanished(sites: Callable[[int], Site]) -> None:
    # All at once, because a poll session takes half a minute to expire.
    async def vanish(site: Site, way: Way) -> None:
        lesson = site.lesson(way)
        ana, bruno = await lesson.ana(), await lesson.bruno()
        topic = ana.topics[lesson.title]
        await ana.join(topic)
        await bruno.join(topic)
        await bruno.sees_present(topic, [ana, bruno])
        ana.vanish()
        await bruno.sees_present(topic, [bruno], VANISHED_SECONDS)

    both = [sites(1), sites(4)]
    await asyncio.gather(*(vanish(site, way) for site in both for way in Way))
    for site in both:
        await site.empty()


async def test_dashboard_follows_presence_and_message_rate(lesson: Lesson) -> None:
    principal, ana = await lesson.principal(), await lesson.ana()
    topic = ana.topics[lesson.title]
    school = SeenSchool((await principal.join("dashboard"))["state"]["dashboard"])
    assert _numbers(school, lesson) == (0, 0)
    await ana.join(topic)
    await ana.say(topic, "Oi")
    await _shows(principal, school, lesson, 1, 1)
    await ana.close()
    await _shows(principal, school, lesson, 0, 1)


async def _shows(principal: Participant, school: SeenSchool, lesson: Lesson, online: int, messages: int) -> None:
    def has_come() -> bool:
        for changes in principal.seen("dashboard", "dashboard:changed"):
            if changes["version"] > school.version:
                school.apply(changes)
        return _numbers(school, lesson) == (online, messages)

    await principal.until(has_come, f"{online} online, {messages} messages")


def _numbers(school: SeenSchool, lesson: Lesson) -> tuple[int, int]:
    row = school.titled(lesson.title)
    return row["students_online"], sum(row["messages"])
