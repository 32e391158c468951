"""Chat messages: recipients, order, and storing exactly once."""

import asyncio
import json

import pytest

from tests.phoenix import ErrorReply
from tests.scenarios.conftest import Lesson

# The longest text allowed; each character has four bytes in UTF-8.
LONG_TEXT = "😀" * 4_000
WORD = "palavrão"


async def test_user_topic_lists_the_user_and_their_topics(lesson: Lesson) -> None:
    ana, teacher = await lesson.ana(), await lesson.teacher()
    assert ana.user["role"] == "student"
    assert lesson.title in ana.topics
    assert lesson.other_title not in ana.topics
    assert ana.topics.keys() >= {"role:students", "school"}
    assert teacher.topics.keys() >= {lesson.title, lesson.other_title, "role:teachers", "school"}


async def test_students_and_their_teacher_chat_in_order(lesson: Lesson) -> None:
    ana, bruno, teacher = everybody = [await lesson.ana(), await lesson.bruno(), await lesson.teacher()]
    topic = ana.topics[lesson.title]
    for each in everybody:
        await each.join(topic)
    talk = [(teacher, "Bom dia"), (ana, "Bom dia, professora"), (bruno, "Bom dia!"), (teacher, "Vamos começar")]
    for number, (who, text) in enumerate(talk, 1):
        assert (await who.say(topic, text))["seq"] == number
    for each in everybody:
        await each.reads(topic, *(text for _, text in talk))
        assert [message["author"] for message in each.seen(topic, "message:sent")] == [who.user for who, _ in talk]


async def test_concurrent_senders_see_one_order(lesson: Lesson) -> None:
    everybody = [await lesson.ana(), await lesson.bruno(), await lesson.teacher()]
    topic = everybody[0].topics[lesson.title]
    for each in everybody:
        await each.join(topic)
    await asyncio.gather(*(each.say(topic, f"{each.user['name']} {n}") for n in range(8) for each in everybody))
    for each in everybody:
        await each.until(lambda each=each: len(each.texts(topic)) == 24, "24 messages")  # type: ignore[misc]
    ana, *others = (each.texts(topic) for each in everybody)
    assert all(texts == ana for texts in others)
    for each in everybody:  # each sender's messages keep their order
        mine = [text for text in ana if text.startswith(each.user["name"])]
        assert mine == [f"{each.user['name']} {n}" for n in range(8)]


async def test_retried_push_is_stored_once(lesson: Lesson) -> None:
    ana, bruno = await lesson.ana(), await lesson.bruno()
    topic = ana.topics[lesson.title]
    await ana.join(topic)
    await bruno.join(topic)
    first = await ana.say(topic, "Oi", id="ana-1")
    ana.vanish()
    await ana.come_back()
    assert await ana.say(topic, "Oi", id="ana-1") == first
    await ana.say(topic, "Tudo bem?", id="ana-2")
    await bruno.say(topic, "Oi, Ana", id="ana-1")  # the same id from another user is another push
    await bruno.reads(topic, "Oi", "Tudo bem?", "Oi, Ana")


async def test_longest_texts_arrive_whole_and_longer_ones_are_refused(lesson: Lesson) -> None:
    ana, bruno = await lesson.ana(), await lesson.bruno()
    topic = ana.topics[lesson.title]
    await ana.join(topic)
    await bruno.join(topic)
    texts = [f"{LONG_TEXT[:-1]}{sign}" for sign in "abcdefghij"]
    await asyncio.gather(*(ana.say(topic, text) for text in texts))
    with pytest.raises(ErrorReply, match="bad_payload"):
        await ana.say(topic, f"{LONG_TEXT}!")
    await ana.say(topic, "Agora curto")
    await bruno.reads(topic, *texts, "Agora curto")
    assert [event["payload"]["text"] for event in (await bruno.join(topic))["events"]] == [*texts, "Agora curto"]


async def test_typing_is_shown_to_the_others(lesson: Lesson) -> None:
    ana, bruno = await lesson.ana(), await lesson.bruno()
    topic = ana.topics[lesson.title]
    await ana.join(topic)
    await bruno.join(topic)
    while not bruno.seen(topic, "typing:started"):  # ephemeral: lost until the other worker has subscribed
        await ana.push(topic, "typing:start")
        await asyncio.sleep(0.05)
    assert bruno.seen(topic, "typing:started")[0] == {"user": ana.user}


async def test_two_devices_of_one_student_receive_every_message(lesson: Lesson) -> None:
    phone, computer, bruno = await lesson.ana(), await lesson.ana(), await lesson.bruno()
    topic = phone.topics[lesson.title]
    for each in (phone, computer, bruno):
        await each.join(topic, present=True)
    await phone.say(topic, "Do telefone")
    await computer.say(topic, "Do computador")
    for each in (phone, computer, bruno):
        await each.reads(topic, "Do telefone", "Do computador")
        await each.sees_present(topic, [phone, computer, bruno])
    await phone.close()
    await bruno.sees_present(topic, [computer, bruno])
    await bruno.say(topic, "Ainda aí?")
    await computer.sees(topic, "message:sent", text="Ainda aí?")
    assert phone.texts(topic) == ["Do telefone", "Do computador"]


async def test_leave_stops_events_and_rejoin_returns_the_missed_ones(lesson: Lesson) -> None:
    ana, bruno = await lesson.ana(), await lesson.bruno()
    topic = ana.topics[lesson.title]
    await ana.join(topic)
    await bruno.join(topic)
    await ana.leave(topic)
    await ana.sees(topic, "phx_close")
    await bruno.say(topic, "Ana saiu")
    with pytest.raises(ErrorReply, match="unmatched_topic"):
        await ana.say(topic, "Não saí")
    missed = await ana.join(topic, since=0, epoch=ana.epoch)
    await bruno.say(topic, "Voltou")
    # An event may reach another worker a moment after its reply; Ana then receives it live, not in the join's reply.
    texts = [event["payload"]["text"] for event in missed["events"]]
    await ana.until(lambda: len(texts + ana.texts(topic)) >= 2, "both messages")
    assert texts + ana.texts(topic) == ["Ana saiu", "Voltou"]


async def test_hidden_words_leave_quotes_pins_and_joins_everywhere(lesson: Lesson) -> None:
    ana, bruno, teacher = everybody = [await lesson.ana(), await lesson.bruno(), await lesson.teacher()]
    topic = ana.topics[lesson.title]
    for each in everybody:
        await each.join(topic)
    target = (await ana.say(topic, WORD))["seq"]
    await bruno.say(topic, f"@{ana.user['name']}, não!", reply_to=target, mentions=[ana.user["id"]])
    await bruno.push(topic, "message:react", target=target, emoji="🤔")
    await teacher.push(topic, "message:pin", target=target)
    assert (await ana.sees("user:me", "message:mentioned"))["topic"] == topic
    for each in everybody:
        await each.sees(topic, "message:pinned", target=target)
    await teacher.push(topic, "message:hide", target=target)
    for each in everybody:
        await each.sees(topic, "message:hidden", target=target)
        joined = await each.join(topic)
        page = await each.push(topic, "history:read", before=100)
        assert WORD not in json.dumps([joined, page], ensure_ascii=False)
        message, reply = [event["payload"] for event in joined["events"] if event["event"] == "message:sent"]
        assert [user["id"] for user in message["reactions"][0]["users"]] == [bruno.user["id"]]
        assert reply["quote"] == {"author": ana.user, "text": ""} == joined["state"]["pins"][0]["quote"]
