"""Rejoining from a position, and reading history and read marks."""

import asyncio

from tests.phoenix import Payload
from tests.scenarios.conftest import Lesson
from tests.scenarios.participant import SECONDS


def texts_of(reply: Payload) -> list[str]:
    return [event["payload"]["text"] for event in reply["events"]]


async def test_rejoin_returns_exactly_the_missed_events(lesson: Lesson) -> None:
    ana, bruno = await lesson.ana(), await lesson.bruno()
    topic = ana.topics[lesson.title]
    await ana.join(topic)
    await bruno.join(topic)
    await bruno.say(topic, "um")
    await ana.reads(topic, "um")
    ana.vanish()
    for text in ("dois", "três"):
        await bruno.say(topic, text)
    back = (await ana.come_back())[topic]
    assert (back["complete"], back["seq"], texts_of(back)) == (True, 3, ["dois", "três"])
    assert [event["payload"]["seq"] for event in back["events"]] == [2, 3]
    await bruno.say(topic, "quatro")
    await ana.reads(topic, "um", "quatro")


async def test_rejoin_without_missed_events_returns_none(lesson: Lesson) -> None:
    ana = await lesson.ana()
    topic = ana.topics[lesson.title]
    await ana.join(topic)
    await ana.say(topic, "um")
    await ana.reads(topic, "um")
    ana.vanish()
    back = (await ana.come_back())[topic]
    assert (back["complete"], back["seq"], back["events"]) == (True, 1, [])


async def test_position_of_another_journal_gets_an_incomplete_reply(lesson: Lesson) -> None:
    ana = await lesson.ana()
    topic = ana.topics[lesson.title]
    await ana.join(topic)
    await ana.say(topic, "um")
    for position in ({"since": 0, "epoch": "de-outro-diário"}, {"since": 7, "epoch": ana.epoch}):
        reply = await ana.join(topic, **position)
        assert (reply["complete"], reply["seq"], texts_of(reply)) == (False, 1, ["um"])


async def test_first_join_returns_newest_events_and_history_pages_both_ways(lesson: Lesson) -> None:
    teacher, ana = await lesson.teacher(), await lesson.ana()
    topic = ana.topics[lesson.title]
    await teacher.join(topic)
    await ana.join(topic)
    said = [f"linha {number}" for number in range(1, 28)]
    for text in said[:14]:
        await teacher.say(topic, text)
    for text in said[14:]:
        await ana.say(topic, text)
    newest = await (await lesson.bruno()).join(topic)
    assert texts_of(newest) == said
    page = await ana.push(topic, "history:read", before=20, limit=10)
    assert (texts_of(page), page["more"]) == (said[9:19], True)
    page = await ana.push(topic, "history:read", before=10, limit=10)
    assert (texts_of(page), page["more"]) == (said[:9], False)
    page = await ana.push(topic, "history:read", after=10, limit=10)
    assert (texts_of(page), page["more"]) == (said[10:20], True)
    page = await ana.push(topic, "history:read", after=20, limit=10)
    assert (texts_of(page), page["more"]) == (said[20:], False)


async def test_read_position_is_stored_and_reaches_the_users_other_devices(lesson: Lesson) -> None:
    phone, computer, bruno = await lesson.ana(), await lesson.ana(), await lesson.bruno()
    topic = phone.topics[lesson.title]
    await phone.join(topic)
    await bruno.join(topic)
    await bruno.say(topic, "um")
    await bruno.say(topic, "dois")
    await phone.reads(topic, "um", "dois")
    assert await phone.push(topic, "read:mark", seq=1) == {"seq": 1}
    assert await phone.push(topic, "read:mark", seq=99) == {"seq": 2}  # clamped to the head
    assert await phone.push(topic, "read:mark", seq=1) == {"seq": 2}  # never moves back
    await computer.sees("user:me", "read:marked", topic=topic, seq=2)
    async with asyncio.timeout(SECONDS):  # stored shortly after the reply
        while (await computer.join(topic))["read"] != 2:
            await asyncio.sleep(0.1)
    assert not bruno.seen("user:me", "read:marked")
