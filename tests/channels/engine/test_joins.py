"""What a join is answered, from memory and from the journal."""

import asyncio
import json
from typing import Any

import msgspec
import pytest

from channels.errors import Refused
from channels.limit import MAX_TOPICS
from tests.channels.support import ANA, BRUNO, DIRETORA, PAULA, Worker, member


async def test_rejoin_with_a_position_returns_the_missed_events(worker: Worker) -> None:
    ana, bruno = worker.connect(ANA), worker.connect(BRUNO)
    epoch = (await ana.ok("class:7", "phx_join"))["epoch"]
    await bruno.ok("class:7", "phx_join")
    for number in range(1, 6):
        await bruno.ok("class:7", "message:send", {"text": str(number)})
    ana.gone()
    back = worker.connect(ANA)
    joined = await back.ok("class:7", "phx_join", {"since": 3, "epoch": epoch})
    assert [event["payload"]["seq"] for event in joined["events"]] == [4, 5]
    assert joined["complete"] is True
    assert back.got("message:sent") == []


async def test_reply_from_memory_has_what_was_amended_after_another_got_it(worker: Worker) -> None:
    ana, paula = worker.connect(ANA), worker.connect(PAULA)
    await paula.ok("class:7", "phx_join")
    await ana.ok("class:7", "phx_join")
    target = (await ana.ok("class:7", "message:send", {"text": "antes"}))["seq"]
    (before,) = (await worker.connect(BRUNO).ok("class:7", "phx_join"))["events"]
    await ana.ok("class:7", "message:edit", {"target": target, "text": "depois"})
    await paula.ok("class:7", "chat:lock", {})
    joined = await worker.connect(BRUNO).ok("class:7", "phx_join")
    assert before["payload"]["text"] == "antes"
    assert joined["events"][0]["payload"]["text"] == "depois"
    assert joined["state"]["lock"] is not None


@pytest.mark.parametrize("position", [{"since": 3, "epoch": "another"}, {"since": 77}])
async def test_position_of_another_journal_is_not_complete(worker: Worker, position: dict[str, Any]) -> None:
    ana = worker.connect(ANA)
    await ana.ok("class:7", "phx_join")
    for number in range(5):
        await ana.ok("class:7", "message:send", {"text": str(number)})
    joined = await worker.connect(ANA).ok("class:7", "phx_join", position)
    assert joined["complete"] is False
    assert [event["payload"]["seq"] for event in joined["events"]] == [1, 2, 3, 4, 5]


async def test_second_join_is_answered_before_the_first_is_closed(worker: Worker) -> None:
    ana = worker.connect(ANA)
    await ana.send("class:7", "phx_join", {}, "1", "1")
    await ana.send("class:7", "phx_join", {}, "5", "5")
    await ana.until(lambda frame: frame[3] == "phx_close")
    order = [frame[:4] for frame in ana.frames if frame[3] in ("phx_reply", "phx_close")]
    assert order == [
        ("1", "1", "class:7", "phx_reply"),
        ("5", "5", "class:7", "phx_reply"),
        ("1", "1", "class:7", "phx_close"),
    ]
    await ana.send("class:7", "message:send", {"text": "vom alten"}, "1", "6")
    await ana.ok("class:7", "message:send", {"text": "do novo"})
    assert [message["text"] for message in await ana.has(1)] == ["do novo"]


async def test_repeated_join_is_answered_twice_and_stays(worker: Worker) -> None:
    ana = worker.connect(ANA)
    for _ in range(2):
        await ana.send("class:7", "phx_join", {}, join_ref="9", ref="9")
    await ana.ok("class:7", "message:send", {"text": "x"})
    await ana.has(1)
    assert [frame[:4] for frame in ana.frames if frame[3] in ("phx_reply", "phx_close")][:2] == [
        ("9", "9", "class:7", "phx_reply"),
        ("9", "9", "class:7", "phx_reply"),
    ]
    assert not ana.got("phx_close")


@pytest.mark.parametrize(
    ("who", "topic", "code"),
    [
        (ANA, "class:8", "forbidden"),
        (ANA, "class:08", "unmatched_topic"),
        (ANA, "class:99999999999999999999", "unmatched_topic"),
        (ANA, "class", "unmatched_topic"),
        (ANA, "role:teachers", "unmatched_topic"),
        (ANA, "user:2", "unmatched_topic"),
        (ANA, "dashboard", "unmatched_topic"),
        (PAULA, "class:8", "forbidden"),
        (PAULA, "role:students", "unmatched_topic"),
        (PAULA, "dashboard", "unmatched_topic"),
        (DIRETORA, "class:10", "forbidden"),
    ],
)
async def test_join_of_a_topic_without_right_is_refused(worker: Worker, who: Any, topic: str, code: str) -> None:
    assert await worker.connect(who).refused(topic, "phx_join") == code


async def test_topics_past_the_limit_are_refused(worker: Worker) -> None:
    ana = worker.connect(ANA)
    for number in range(MAX_TOPICS):
        ana.session.subscriptions[f"filler:{number}"] = None  # type: ignore[assignment]
    reply = await ana.ask("class:7", "phx_join")
    assert reply["response"]["code"] == "too_many_topics"
    assert reply["response"]["reason"] == "too many channels joined"
    ana.session.subscriptions.clear()


async def test_session_gone_during_its_join_is_not_left_in_the_topic(worker: Worker) -> None:
    ana, bruno = worker.connect(ANA), worker.connect(BRUNO)
    join = worker.engine.handle(ana.session, json.dumps(["1", "1", "class:7", "phx_join", {}]))
    assert join is not None
    ana.gone()
    await join
    await bruno.ok("class:7", "phx_join")
    state = await bruno.until(lambda frame: frame[3] == "presence_state")
    await asyncio.sleep(0)
    assert "1" not in state
    assert ana.session.subscriptions == {}


async def test_user_me_lists_the_user_and_their_topics(worker: Worker) -> None:
    joined = await worker.connect(ANA).ok("user:me", "phx_join")
    assert joined["user"] == {"id": 1, "name": "Ana", "role": "student"}
    assert [topic["topic"] for topic in joined["topics"]] == ["class:7", "class:9", "role:students", "school"]
    assert joined["topics"][0] == {"topic": "class:7", "title": "6º A · Matemática", "students": 30}


async def test_right_withdrawn_during_a_join_is_not_given(worker: Worker) -> None:
    ana = worker.connect(ANA)
    joining = asyncio.create_task(ana.refused("class:7", "phx_join"))
    await asyncio.sleep(0)
    ana.session.member = member(1, "Ana", "student")
    assert await joining == "forbidden"


async def test_page_is_given_what_its_join_would_be_answered(worker: Worker) -> None:
    ana = worker.connect(ANA)
    await ana.ok("class:7", "phx_join")
    for number in range(9):
        await ana.ok("class:7", "message:send", {"text": str(number)})
    await ana.ok("class:7", "read:mark", {"seq": 3})
    read = json.loads(msgspec.json.encode(await worker.engine.read_topic(ANA, "class:7")))
    joined = await worker.connect(ANA).ok("class:7", "phx_join")
    assert read == joined
    assert [len(read["events"]), read["seq"], read["read"]] == [9, 9, 3]


async def test_page_and_the_join_after_it_leave_no_gap(worker: Worker) -> None:
    bruno = worker.connect(BRUNO)
    await bruno.ok("class:7", "phx_join")
    await bruno.ok("class:7", "message:send", {"text": "before"})
    page = await worker.engine.read_topic(ANA, "class:7")
    await bruno.ok("class:7", "message:send", {"text": "after"})
    joined = await worker.connect(ANA).ok("class:7", "phx_join", {"since": page.seq, "epoch": page.epoch})
    assert (joined["complete"], [event["payload"]["text"] for event in joined["events"]]) == (True, ["after"])


@pytest.mark.parametrize("topic", ["class:8", "dashboard", "nothing"])
async def test_page_is_given_no_topic_without_right(worker: Worker, topic: str) -> None:
    with pytest.raises(Refused):
        await worker.engine.read_topic(ANA, topic)
