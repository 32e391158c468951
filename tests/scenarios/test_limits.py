"""What is too much is refused, and what is far too much ends the connection."""

import asyncio

import pytest

from tests.phoenix import ErrorReply, Payload
from tests.scenarios.conftest import Lesson

# A user's pushes: 10 a second, 30 at once.
BURST = 30


async def test_who_writes_too_fast_is_told_when_to_go_on(lesson: Lesson) -> None:
    ana, bruno = await lesson.ana(), await lesson.bruno()
    topic = ana.topics[lesson.title]
    await ana.join(topic)
    await bruno.join(topic)
    answers = await asyncio.gather(
        *(ana.say(topic, f"{number}") for number in range(3 * BURST)), return_exceptions=True
    )
    refused = [answer for answer in answers if isinstance(answer, ErrorReply)]
    taken = [answer for answer in answers if isinstance(answer, dict)]
    assert len(taken) + len(refused) == 3 * BURST
    assert len(taken) >= BURST
    assert {answer.response["code"] for answer in refused} == {"too_fast"}
    await _say_when_it_may_be(ana.say, topic, "Mais devagar", refused[-1].response)
    await bruno.sees(topic, "message:sent", text="Mais devagar")
    assert len(bruno.texts(topic)) == len(taken) + 1


async def _say_when_it_may_be(say, topic: str, text: str, response: Payload) -> None:  # type: ignore[no-untyped-def]
    while True:
        await asyncio.sleep(response["retry_after"] / 1000)
        try:
            await say(topic, text)
            return
        except ErrorReply as error:
            response = error.response


async def test_a_hundred_topics_may_be_joined_and_no_more(lesson: Lesson) -> None:
    teacher = await lesson.teacher()
    topics = [topic for topic in teacher.topics.values() if topic.startswith("class:")]
    await asyncio.gather(*(teacher.join(topic) for topic in topics[:99]))  # `user:me` is the hundredth
    with pytest.raises(ErrorReply, match="too_many_topics"):
        await teacher.join(topics[99])
    await teacher.join(topics[5])  # again is no further one
    await teacher.leave(topics[0])
    await teacher.join(topics[99])


async def test_a_flood_ends_the_connection(lesson: Lesson) -> None:
    ana = await lesson.ana()
    for _ in range(600):
        ana.connection.start("phoenix", "heartbeat", {})
    assert await ana.is_ended() == 1008
    await ana.connect()
