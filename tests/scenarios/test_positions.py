"""Coming back from where one was, and reading what was said before."""

import asyncio

from tests.phoenix import Payload
from tests.scenarios.conftest import Lesson
from tests.scenarios.participant import SECONDS


def texts_of(reply: Payload) -> list[str]:
    return [event["payload"]["text"] for event in reply["events"]]


async def test_who_comes_back_gets_exactly_what_they_missed(lesson: Lesson) -> None:
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


async def test_who_missed_nothing_is_told_so(lesson: Lesson) -> None:
    ana = await lesson.ana()
    topic = ana.topics[lesson.title]
    await ana.join(topic)
    await ana.say(topic, "um")
    await ana.reads(topic, "um")
    ana.vanish()
    back = (await ana.come_back())[topic]
    assert (back["complete"], back["seq"], back["events"]) == (True, 1, [])


async def test_a_position_of_another_journal_is_told_to_be_incomplete(lesson: Lesson) -> None:
    ana = await lesson.ana()
    topic = ana.topics[lesson.title]
    await ana.join(topic)
    await ana.say(topic, "um")
    for position in ({"since": 0, "epoch": "de-outro-diário"}, {"since": 7, "epoch": ana.epoch}):
        reply = await ana.join(topic, **position)
        assert (reply["complete"], reply["seq"], texts_of(reply)) == (False, 1, ["um"])


async def test_who_comes_for_the_first_time_gets_the_newest_and_reads_on_in_both_directions(lesson: Lesson) -> None:
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


async def test_how_far_one_has_read_is_told_to_ones_other_devices_and_kept(lesson: Lesson) -> None:
    phone, computer, bruno = await lesson.ana(), await lesson.ana(), await lesson.bruno()
    topic = phone.topics[lesson.title]
    await phone.join(topic)
    await bruno.join(topic)
    await bruno.say(topic, "um")
    await bruno.say(topic, "dois")
    await phone.reads(topic, "um", "dois")
    assert await phone.push(topic, "read:mark", seq=1) == {"seq": 1}
    assert await phone.push(topic, "read:mark", seq=99) == {"seq": 2}  # as far as there is something
    assert await phone.push(topic, "read:mark", seq=1) == {"seq": 2}  # never back
    await computer.sees("user:me", "read:marked", topic=topic, seq=2)
    async with asyncio.timeout(SECONDS):  # it is written a little after the answer
        while (await computer.join(topic))["read"] != 2:
            await asyncio.sleep(0.1)
    assert not bruno.seen("user:me", "read:marked")
