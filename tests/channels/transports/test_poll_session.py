"""One poll session without HTTP: which answers a poll gets, and which frames and messages are kept."""

import asyncio
import json

import pytest

from channels import limit
from channels.limit import FRAME_BURST, MAX_EPHEMERAL, MAX_PUSHES_WAITING, Limits
from channels.transports.poll_sessions import LeaveRequest, PushRequest
from tests.channels.support import ANA, BRUNO, PAULA
from tests.channels.transports.polls import MakeRoom, Place, Poller, until

# One kind of database is enough here.
pytestmark = pytest.mark.parametrize("made_urls", ["sqlite"], indirect=True)


async def test_a_polling_client_joins_sends_and_receives(place: Place) -> None:
    ana, bruno = Poller(place), Poller(place, who=BRUNO)
    assert (await ana.join())["status"] == (await bruno.join())["status"] == "ok"
    assert (await ana.say("bom dia"))["response"]["seq"] == 1
    message = await bruno.until(lambda frame: frame[3] == "message:sent")
    assert (message["text"], message["author"]["name"], message["seq"]) == ("bom dia", "Ana", 1)


async def test_a_poll_is_held_until_a_message_comes(place: Place) -> None:
    ana = Poller(place)
    await ana.join()
    await ana.until(lambda frame: frame[3] == "presence_diff")
    polling = ana.poll()
    paula = place.worker.connect(PAULA)
    await asyncio.sleep(0)
    assert not polling.done()
    await paula.ok("class:7", "phx_join")
    answer = await ana.answer(polling)
    assert json.loads(answer["messages"][0])[3] == "presence_diff"


async def test_a_held_poll_ends_empty_with_the_same_token(
    make_place: MakeRoom,
) -> None:
    place = await make_place(poll_seconds=0.01)
    ana = Poller(place)
    token = ana.token
    assert await ana.answer() == {"status": 204, "token": token, "messages": []}


@pytest.mark.parametrize("request_steps", ["join 9", "join 4, join 9", "leave 4, join 9", "join 4, leave 4, join 9"])
async def test_request_that_browser_sends_again_ends_no_join(place: Place, request_steps: str) -> None:
    ana, bruno = Poller(place), Poller(place, who=BRUNO)
    await ana.push(["4", "4", "class:7", "phx_join", {}])
    steps = [step.split() for step in request_steps.split(", ")]
    frames = [[ref, ref if step == "join" else "5", "class:7", f"phx_{step}", {}] for step, ref in steps]
    for _ in range(2):
        await ana.push(*frames)
    await bruno.join()
    await bruno.say("bom dia")
    await ana.until(lambda frame: frame[3] == "message:sent")
    assert ("9", "9", "class:7", "phx_close", {}) not in ana.frames
    assert ana.texts() == ["bom dia"]


async def test_topic_may_be_joined_again_under_the_ref_of_a_join_that_was_left(place: Place) -> None:
    ana = Poller(place)
    for event, ref in (("phx_join", "1"), ("phx_leave", "2"), ("phx_join", "1")):
        await ana.push(["1", ref, "class:7", event, {}])
    assert (await ana.say("bom dia"))["status"] == "ok"


async def test_an_answer_is_repeated_until_the_next_poll_acknowledges_it(place: Place) -> None:
    ana = Poller(place)
    await ana.push(["1", "1", "class:7", "phx_join", {}])
    lost = await ana.poll()
    assert await ana.poll() == await ana.poll() == lost
    answer = json.loads(lost)
    assert answer["messages"]
    # What comes meanwhile does not change it.
    paula = place.worker.connect(PAULA)
    await paula.ok("class:7", "phx_join")
    assert await ana.poll() == lost
    await ana.answer()
    following = await ana.answer()
    assert following["token"] != answer["token"]
    assert not set(following["messages"]) & set(answer["messages"])


async def test_a_poll_overtaken_by_later_ones_gets_410(place: Place) -> None:
    ana = Poller(place)
    first = ana.token
    await ana.join()
    await ana.say("oi")
    ana.token = first
    assert (await ana.answer())["status"] == 410


async def test_a_second_poll_ends_the_first_one(place: Place) -> None:
    ana = Poller(place)
    older, newer = ana.poll(), ana.poll()
    assert json.loads(await older)["status"] == 204
    await ana.push(["1", "1", "class:7", "phx_join", {}])
    assert json.loads(await newer)["status"] == 200


async def test_messages_during_a_hang_up_come_with_the_next_poll(place: Place) -> None:
    ana = Poller(place)
    await ana.join()
    ana.poll().cancel()
    paula = place.worker.connect(PAULA)
    await paula.ok("class:7", "phx_join")
    await paula.ok("class:7", "message:send", {"text": "lição"})
    await ana.until(lambda frame: frame[3] == "message:sent")
    assert ana.texts() == ["lição"]


async def test_answers_in_quick_succession_carry_several_messages(place: Place) -> None:
    ana = Poller(place)
    await ana.join()
    paula = place.worker.connect(PAULA)
    await paula.ok("class:7", "phx_join")
    answers = 0
    for number in range(200):
        await paula.send("class:7", "message:send", {"text": str(number)})
    while len(ana.texts()) < 200:
        await ana.answer()
        answers += 1
    assert ana.texts() == [str(number) for number in range(200)]
    assert answers < 100


async def test_a_bounded_number_of_ephemeral_messages_waits_for_a_poll(place: Place) -> None:
    ana = Poller(place)
    await ana.join()
    paula = place.worker.connect(PAULA)
    await paula.ok("class:7", "phx_join")
    for _ in range(MAX_EPHEMERAL + 10):
        await paula.ok("class:7", "typing:start")
    await ana.until(lambda frame: frame[3] == "typing:started")
    assert len([frame for frame in ana.frames if frame[3] == "typing:started"]) == MAX_EPHEMERAL


# What is pushed


async def test_frames_of_one_push_are_handled_in_order(place: Place) -> None:
    ana = Poller(place)
    sends = [["1", str(number), "class:7", "message:send", {"text": str(number)}] for number in range(2, 30)]
    assert await ana.push(["1", "1", "class:7", "phx_join", {}], *sends) == {"status": 200}
    await ana.reply("29")
    while len(ana.texts()) < 28:
        await ana.answer()
    assert ana.texts() == [str(number) for number in range(2, 30)]


async def test_an_unreadable_frame_is_refused_and_the_others_are_handled(place: Place) -> None:
    ana = Poller(place)
    request = [b"[nonsense", b'["1","1","class:7","phx_join",{}]']
    body = await ana.ask(lambda token: PushRequest(token.session, "student", request))
    assert json.loads(body) == {"status": 200}
    assert (await ana.reply("1"))["status"] == "ok"
    assert ana.frames[0][3:] == (
        "phx_reply",
        {"status": "error", "response": ana.frames[0][4]["response"]},
    )
    assert ana.frames[0][4]["response"]["code"] == "bad_frame"


async def test_frames_wait_until_a_poll_takes_the_replies(make_place: MakeRoom) -> None:
    place = await make_place(reply_room_bytes=1_000)
    ana = Poller(place)
    await ana.join()
    for number in range(10):
        await ana.say("x" * 1_000, f"m{number}")
    reads = [["1", f"r{number}", "class:7", "history:read", {"after": 0}] for number in range(30)]
    pushing = asyncio.create_task(ana.push(*reads))  # 300 KB of replies, where 20 KB may wait
    assert (await ana.reply("r29"))["status"] == "ok"
    assert await pushing == {"status": 200}


async def test_a_push_without_polls_ends_with_408(make_place: MakeRoom) -> None:
    place = await make_place(reply_room_bytes=10, push_seconds=0.05)
    ana = Poller(place)
    assert await ana.push(["1", "1", "class:7", "phx_join", {}], ["1", "2", "class:7", "phx_leave", {}]) == {
        "status": 408
    }


async def test_pushes_beyond_the_bound_get_408(make_place: MakeRoom) -> None:
    place = await make_place(reply_room_bytes=10)
    ana = Poller(place)
    first = asyncio.create_task(ana.push(["1", "1", "class:7", "phx_join", {}]))
    await until(lambda: bool(place.room._tasks))
    others = [asyncio.create_task(ana.push([None, "h", "phoenix", "heartbeat", {}])) for _ in range(MAX_PUSHES_WAITING)]
    assert await others[-1] == {"status": 408}
    polling = asyncio.create_task(ana.until(lambda frame: frame[1] == "h"))
    assert await first == await others[0] == {"status": 200}
    await polling


# The end


async def test_a_session_that_overflows_ends_and_drops_its_messages(place: Place) -> None:
    ana = Poller(place)
    await ana.join()
    paula = place.worker.connect(PAULA)
    await paula.ok("class:7", "phx_join")
    for _ in range(8):
        await paula.ok("class:7", "message:send", {"text": "x" * 4_000})
    answer = await ana.answer()
    assert (answer["status"], answer["code"], answer["token"], answer["messages"]) == (410, 4008, None, [])
    # It comes back from its position.
    again = Poller(place)
    response = (await again.join(since=0))["response"]
    assert (len(response["events"]), response["complete"]) == (8, True)


async def test_a_reply_larger_than_the_bound_still_arrives(place: Place) -> None:
    paula = place.worker.connect(PAULA)
    await paula.ok("class:7", "phx_join")
    for _ in range(8):
        await paula.ok("class:7", "message:send", {"text": "x" * 4_000})
    ana = Poller(place)
    assert len((await ana.join())["response"]["events"]) == 8


async def test_an_ended_session_delivers_its_last_messages_then_the_reason(place: Place) -> None:
    ana = Poller(place)
    await ana.join("user:me")
    del place.worker.authority.members["ana"]
    await place.worker.engine.revalidate({1})
    await ana.until(lambda frame: frame[3] == "session:ended")
    answer = await ana.answer()
    assert (answer["status"], answer["code"], answer["token"]) == (410, 4001, None)
    assert await ana.push(["1", "2", "user:me", "phx_join", {}]) == {
        "status": 410,
        "token": None,
        "messages": [],
        "code": 4001,
        "reason": "signed out",
    }


async def test_a_held_poll_is_answered_when_the_session_ends(place: Place) -> None:
    ana = Poller(place)
    polling = ana.poll()
    await place.worker.engine.drain(0.01)
    assert (await ana.answer(polling))["code"] == 1012
    assert place.worker.engine.connections_of(ANA) == 0


async def test_a_page_that_leaves_ends_its_session(place: Place) -> None:
    ana = Poller(place)
    await ana.join()
    body = await ana.ask(lambda token: LeaveRequest(token.session, "student"))
    assert json.loads(body) == {"status": 200}
    await until(lambda: place.worker.engine.connections_of(ANA) == 0)
    assert (await ana.answer())["code"] == 1000


async def test_a_session_without_polls_ends_as_idle(place: Place) -> None:
    ana = Poller(place)
    await ana.join()
    place.worker.clock.now += limit.LONGPOLL_IDLE_SECONDS + 1
    place.worker.engine._sweep()
    await until(lambda: place.worker.engine.connections_of(ANA) == 0)
    while (answer := await ana.answer())["status"] == 200:
        pass
    assert answer["code"] == 4009


async def test_a_client_that_polls_without_pause_is_ended(make_place: MakeRoom) -> None:
    place = await make_place(limits=Limits())
    ana = Poller(place)
    for _ in range(int(FRAME_BURST) + 1):
        ana.poll()
    await until(lambda: place.worker.engine.connections_of(ANA) == 0)
    assert (await ana.answer())["code"] == 1008
