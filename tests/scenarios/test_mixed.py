"""Clients of different transports and formats in one class behave the same."""

import asyncio

from tests.scenarios.conftest import Site
from tests.scenarios.participant import Way

MESSAGES_EACH = 8


async def test_clients_of_all_transports_see_one_order(site: Site) -> None:
    lesson = site.lesson(Way.WEBSOCKET)
    everybody = [
        *[await lesson.ana(way) for way in Way],
        *[await lesson.bruno(way) for way in Way],
        *[await lesson.teacher(way) for way in Way],
    ]
    topic = everybody[0].topics[lesson.title]
    for each in everybody:
        await each.join(topic)
    ana, bruno, teacher = everybody[0::4]  # over WebSocket, MessagePack and long-poll
    talk = [each.say(topic, f"{each.user['name']} {n}") for n in range(MESSAGES_EACH) for each in (ana, bruno, teacher)]
    await asyncio.gather(*talk)
    for each in everybody:
        await each.until(lambda each=each: len(each.texts(topic)) == len(talk), f"{len(talk)} messages")  # type: ignore[misc]
    first, *others = (each.seen(topic, "message:sent") for each in everybody)
    assert all(seen == first for seen in others)


async def test_position_survives_a_change_of_transport(site: Site) -> None:
    lesson = site.lesson(Way.WEBSOCKET)
    bruno, ana = await lesson.bruno(), await lesson.ana()
    topic = bruno.topics[lesson.title]
    await bruno.join(topic)
    await ana.join(topic)
    seq, epoch = 0, ana.epoch
    for number, way in enumerate([Way.LONGPOLL, Way.WEBSOCKET, Way.MESSAGE_PACK, Way.LONGPOLL]):
        await ana.close()
        await bruno.say(topic, f"enquanto isso {number}")
        ana = await lesson.ana(way)
        back = await ana.join(topic, since=seq, epoch=epoch)
        assert back["complete"]
        seq = (await ana.say(topic, f"agora por {way.value}"))["seq"]
        # Another worker's message may reach this one after the join: then it comes live.
        missed = [event["payload"]["text"] for event in back["events"]]
        await ana.reads(topic, *[f"enquanto isso {number}", f"agora por {way.value}"][len(missed) :])
        assert missed in ([], [f"enquanto isso {number}"])
