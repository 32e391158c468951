"""A push over a limit is refused; a flood of frames closes the connection."""

import asyncio

import pytest

from tests.carrier import Gone
from tests.phoenix import ErrorReply, Payload
from tests.scenarios.conftest import Lesson
from tests.scenarios.participant import SECONDS, Participant

# A user's push rate: 10 per second, with a burst of 30.
BURST = 30


async def test_too_fast_refusal_says_when_to_retry(lesson: Lesson) -> None:
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


async def test_session_may_join_at_most_a_hundred_topics(lesson: Lesson) -> None:
    teacher = await lesson.teacher()
    topics = [topic for topic in teacher.topics.values() if topic.startswith("class:")]
    await asyncio.gather(*(teacher.join(topic) for topic in topics[:99]))  # `user:me` is the hundredth topic
    with pytest.raises(ErrorReply, match="too_many_topics"):
        await teacher.join(topics[99])
    await teacher.join(topics[5])  # a rejoin does not count twice
    await teacher.leave(topics[0])
    await teacher.join(topics[99])


async def test_flood_of_frames_closes_the_connection(lesson: Lesson) -> None:
    ana = await lesson.ana()
    for _ in range(600):
        ana.connection.start("phoenix", "heartbeat", {})
    assert await ana.is_ended() == 1008
    async with asyncio.timeout(SECONDS):  # what was spent is the user's, also on the next connection
        while not await connects(ana):
            await asyncio.sleep(0.1)


async def connects(participant: Participant) -> bool:
    try:
        await participant.connect()
    except Gone:
        return False
    return True
