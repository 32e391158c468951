"""What clients may ask and what they are answered, over a real journal of both kinds and both wires."""

import asyncio
import json
from typing import Any

import pytest

from channels.limit import FRAME_BURST, JOIN_BURST, MAX_TEXT_CHARACTERS, MAX_TOPICS, Limits
from channels.wire.codec import JSON, MESSAGE_PACK, Wire
from tests.channels.support import ANA, BRUNO, DIRETORA, PAULA, Worker


@pytest.fixture(params=[JSON, MESSAGE_PACK], ids=lambda wire: wire.name)
def wire(request: pytest.FixtureRequest) -> Wire:
    return request.param  # type: ignore[no-any-return]


async def test_a_message_is_answered_with_its_position_and_reaches_everybody_in_the_class(
    worker: Worker, wire: Wire
) -> None:
    ana, bruno = worker.connect(ANA, wire), worker.connect(BRUNO, wire)
    joined = await ana.ok("class:7", "phx_join")
    await bruno.ok("class:7", "phx_join")
    reply = await ana.ok("class:7", "message:send", {"text": " Olá! ", "id": "a-1"})
    (message,) = await bruno.has(1)
    assert joined["seq"] == 0
    assert joined["events"] == []
    assert joined["complete"] is True
    assert reply["seq"] == 1
    assert message == {
        "text": "Olá!",
        "author": {"id": 1, "name": "Ana", "role": "student"},
        "id": "a-1",
        "seq": 1,
        "at": reply["at"],
    }
    assert (await ana.has(1)) == [message]


async def test_a_retried_push_counts_once(worker: Worker) -> None:
    ana, bruno = worker.connect(ANA), worker.connect(BRUNO)
    await ana.ok("class:7", "phx_join")
    await bruno.ok("class:7", "phx_join")
    first = await ana.ok("class:7", "message:send", {"text": "uma vez", "id": "x"})
    again = await ana.ok("class:7", "message:send", {"text": "uma vez", "id": "x"})
    other = await bruno.ok("class:7", "message:send", {"text": "de outro", "id": "x"})
    assert again == first
    assert other["seq"] == 2
    assert [message["text"] for message in await bruno.has(2)] == ["uma vez", "de outro"]


async def test_pushes_of_one_client_keep_their_order_without_waiting_for_answers(worker: Worker) -> None:
    ana = worker.connect(ANA)
    await ana.ok("class:7", "phx_join")
    for number in range(25):
        await ana.send("class:7", "message:send", {"text": str(number)})
    assert [message["text"] for message in await ana.has(25)] == [str(number) for number in range(25)]
    assert [message["seq"] for message in ana.got("message:sent")] == list(range(1, 26))


async def test_who_comes_back_gets_what_was_missed_and_no_more(worker: Worker) -> None:
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


@pytest.mark.parametrize("position", [{"since": 3, "epoch": "another"}, {"since": 77}])
async def test_a_position_of_another_journal_is_told_to_be_one(worker: Worker, position: dict[str, Any]) -> None:
    ana = worker.connect(ANA)
    await ana.ok("class:7", "phx_join")
    for number in range(5):
        await ana.ok("class:7", "message:send", {"text": str(number)})
    joined = await worker.connect(ANA).ok("class:7", "phx_join", position)
    assert joined["complete"] is False
    assert [event["payload"]["seq"] for event in joined["events"]] == [1, 2, 3, 4, 5]


async def test_joining_again_answers_the_new_join_and_then_closes_the_old_one(worker: Worker) -> None:
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


async def test_a_join_that_is_said_twice_is_answered_twice_and_stays(worker: Worker) -> None:
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


async def test_leaving_is_answered_closed_and_silent_afterwards(worker: Worker) -> None:
    ana, bruno = worker.connect(ANA), worker.connect(BRUNO)
    await ana.send("class:7", "phx_join", {}, "3", "3")
    await bruno.ok("class:7", "phx_join")
    await ana.send("class:7", "phx_leave", {}, "3", "4")
    await ana.until(lambda frame: frame[3] == "phx_close")
    assert [frame for frame in ana.frames if frame[3] in ("phx_reply", "phx_close")][1:] == [
        ("3", "4", "class:7", "phx_reply", {"status": "ok", "response": {}}),
        ("3", "3", "class:7", "phx_close", {}),
    ]
    await bruno.ok("class:7", "message:send", {"text": "sem ana"})
    assert ana.got("message:sent") == []
    assert await ana.refused("class:7", "message:send", {"text": "de fora"}) == "unmatched_topic"


async def test_a_heartbeat_is_answered_under_its_ref(worker: Worker) -> None:
    ana = worker.connect(ANA)
    await ana.send("phoenix", "heartbeat", {}, ref="9")
    await ana.until(lambda frame: frame[1] == "9")
    assert ana.frames == [(None, "9", "phoenix", "phx_reply", {"status": "ok", "response": {}})]


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
async def test_nobody_joins_what_is_not_theirs(worker: Worker, who: Any, topic: str, code: str) -> None:
    assert await worker.connect(who).refused(topic, "phx_join") == code


@pytest.mark.parametrize(
    ("who", "topic", "event", "code"),
    [
        (ANA, "class:7", "announcement:send", "forbidden"),
        (ANA, "class:7", "receipts:read", "forbidden"),
        (ANA, "school", "announcement:send", "forbidden"),
        (ANA, "school", "message:send", "forbidden"),
        (PAULA, "school", "announcement:send", "forbidden"),
        (DIRETORA, "dashboard", "message:send", "forbidden"),
        (ANA, "class:7", "message:sent", "unknown_event"),
        (ANA, "class:7", "phx_reply", "unknown_event"),
    ],
)
async def test_nobody_pushes_what_their_role_does_not_give(
    worker: Worker, who: Any, topic: str, event: str, code: str
) -> None:
    client = worker.connect(who)
    await client.ok(topic, "phx_join")
    assert await client.refused(topic, event, {"text": "?"}) == code


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"text": ""},
        {"text": " \n\t "},
        {"text": 5},
        {"text": "x" * (MAX_TEXT_CHARACTERS + 1)},
        {"text": "x", "colour": "red"},
        {"text": "x", "id": ""},
        {"text": "x", "id": "a b"},
        {"text": "x", "id": "nul\x00"},
        {"text": "x", "id": "i" * 65},
        [],
        None,
    ],
)
async def test_a_payload_that_is_not_of_its_type_is_refused_and_nothing_is_written(
    worker: Worker, payload: Any, wire: Wire
) -> None:
    ana = worker.connect(ANA, wire)
    await ana.ok("class:7", "phx_join")
    assert await ana.refused("class:7", "message:send", payload) == "bad_payload"
    assert (await ana.ok("class:7", "message:send", {"text": "x" * MAX_TEXT_CHARACTERS}))["seq"] == 1


@pytest.mark.parametrize(
    "frame", ["", "{", "[]", '[1,"2","t","e",{}]', '["1","2","t","e"]', '["1","2","t","e",{}', "[" * 5000, "\ud800"]
)
async def test_a_frame_that_cannot_be_read_is_answered_and_the_connection_stays(worker: Worker, frame: str) -> None:
    ana = worker.connect(ANA)
    await ana.raw(frame.encode("utf-8", "surrogatepass"))
    reply = await ana.until(lambda frame: frame[3] == "phx_reply")
    assert reply["response"]["code"] == "bad_frame"
    assert await ana.ok("phoenix", "heartbeat") == {}


async def test_text_is_kept_and_sent_as_it_was_typed(worker: Worker, wire: Wire) -> None:
    ana = worker.connect(ANA, wire)
    await ana.ok("class:7", "phx_join")
    text = '<img src=x onerror=alert(1)> "\\\u2028\x00 👩‍🏫 ção'
    await ana.ok("class:7", "message:send", {"text": text})
    assert (await ana.has(1))[0]["text"] == text
    page = await ana.ok("class:7", "history:read", {"after": 0})
    assert page["events"][0]["payload"]["text"] == text


async def test_history_is_read_in_pages_from_either_side(worker: Worker) -> None:
    ana = worker.connect(ANA)
    await ana.ok("class:7", "phx_join")
    for number in range(1, 8):
        await ana.ok("class:7", "message:send", {"text": str(number)})

    async def page(**wanted: Any) -> tuple[list[int], bool]:
        answer = await ana.ok("class:7", "history:read", wanted)
        return [event["payload"]["seq"] for event in answer["events"]], answer["more"]

    assert await page(before=6, limit=2) == ([4, 5], True)
    assert await page(before=3) == ([1, 2], False)
    assert await page(after=2, limit=3) == ([3, 4, 5], True)
    assert await page(after=7) == ([], False)
    assert await page(before=6, event="announcement:sent") == ([], False)
    assert await ana.refused("class:7", "history:read", {}) == "bad_payload"
    assert await ana.refused("class:7", "history:read", {"before": 3, "after": 1}) == "bad_payload"
    assert await ana.refused("class:7", "history:read", {"before": 3, "limit": 201}) == "bad_payload"
    assert await ana.refused("class:7", "history:read", {"before": 3, "event": "\0"}) == "bad_payload"


async def test_an_answer_of_history_is_bounded_in_bytes_and_says_that_there_is_more(make_worker: Any) -> None:
    worker: Worker = await make_worker(limits=Limits(push_rate=0))
    ana = worker.connect(ANA)
    await ana.ok("class:7", "phx_join")
    for _ in range(30):
        await ana.ok("class:7", "message:send", {"text": "x" + "\x01" * 3998 + "x"})  # 24 kB as JSON

    async def page(**wanted: Any) -> tuple[list[int], bool]:
        answer = await ana.ok("class:7", "history:read", wanted | {"limit": 200})
        return [event["payload"]["seq"] for event in answer["events"]], answer["more"]

    first, more = await page(after=0)
    assert more
    assert first == list(range(1, len(first) + 1))
    assert 15 < len(first) < 25
    newest, more = await page(before=31)
    assert more
    assert newest == list(range(31 - len(newest), 31))
    rest, more = await page(after=first[-1])
    assert first + rest == list(range(1, 31))
    assert not more


async def test_a_user_joins_no_faster_than_the_rate_over_all_connections(worker: Worker) -> None:
    one, two = worker.connect(ANA), worker.connect(ANA)
    for _ in range(int(JOIN_BURST) // 2):
        await one.send("school", "phx_join", {})
        await two.send("school", "phx_join", {})
    reply = await two.ask("class:7", "phx_join")
    assert reply["response"]["code"] == "too_fast"
    assert 0 < reply["response"]["retry_after"] <= 201
    worker.clock.now += 1
    assert await two.ok("class:7", "phx_join")


async def test_announcements_stand_in_the_state_of_their_topic_for_whoever_joins(worker: Worker) -> None:
    paula, ana = worker.connect(PAULA), worker.connect(ANA)
    await paula.ok("class:7", "phx_join")
    await paula.ok("class:7", "announcement:send", {"title": "Prova", "text": "Amanhã, às 8h"})
    for number in range(60):
        worker.clock.now += 1  # the class talks on, within its rate, past the newest events
        await paula.ok("class:7", "message:send", {"text": str(number)})
    joined = await ana.ok("class:7", "phx_join")
    (announcement,) = joined["state"]["announcements"]
    assert announcement["event"] == "announcement:sent"
    assert announcement["payload"]["title"] == "Prova"
    assert [event["payload"]["seq"] for event in joined["events"]] == list(range(12, 62))


async def test_the_principal_announces_to_the_school_and_to_roles(worker: Worker) -> None:
    diretora, ana, paula = worker.connect(DIRETORA), worker.connect(ANA), worker.connect(PAULA)
    for client, topics in (
        (diretora, ("school", "role:students")),
        (ana, ("school", "role:students")),
        (paula, ("school",)),
    ):
        for topic in topics:
            await client.ok(topic, "phx_join")
    await diretora.ok("school", "announcement:send", {"text": "a todos"})
    await diretora.ok("role:students", "announcement:send", {"text": "aos alunos"})
    assert [each["text"] for each in await ana.has(2, "announcement:sent")] == ["a todos", "aos alunos"]
    assert [each["text"] for each in await paula.has(1, "announcement:sent")] == ["a todos"]


async def test_a_read_mark_goes_forward_is_told_to_ones_other_sessions_and_shows_on_joining(worker: Worker) -> None:
    ana, elsewhere = worker.connect(ANA), worker.connect(ANA)
    await ana.ok("class:7", "phx_join")
    await elsewhere.ok("user:me", "phx_join")
    for number in range(3):
        await ana.ok("class:7", "message:send", {"text": str(number)})
    assert await ana.ok("class:7", "read:mark", {"seq": 2}) == {"seq": 2}
    assert await ana.ok("class:7", "read:mark", {"seq": 1}) == {"seq": 2}
    assert await ana.ok("class:7", "read:mark", {"seq": 999}) == {"seq": 3}
    assert [told["seq"] for told in await elsewhere.has(2, "read:marked")] == [2, 3]
    await ana.ok("class:7", "message:send", {"text": "commits after the marks"})
    assert (await elsewhere.ok("class:7", "phx_join"))["read"] == 3


async def test_staff_see_who_has_read_an_announcement(worker: Worker) -> None:
    paula, ana, bruno = worker.connect(PAULA), worker.connect(ANA), worker.connect(BRUNO)
    for client in (paula, ana, bruno):
        await client.ok("class:7", "phx_join")
    seq = (await paula.ok("class:7", "announcement:send", {"text": "leiam"}))["seq"]
    assert (await paula.ok("class:7", "receipts:read", {"seq": seq}))["read"] == []
    await ana.ok("class:7", "read:mark", {"seq": seq})
    await paula.ok("class:7", "message:send", {"text": "commits after the mark"})
    assert await paula.ok("class:7", "receipts:read", {"seq": seq}) == {
        "count": 1,
        "members": 30,
        "read": [{"id": 1, "name": "Ana", "role": "student"}],
    }


async def test_typing_is_told_and_not_kept(worker: Worker) -> None:
    ana, bruno = worker.connect(ANA), worker.connect(BRUNO)
    await ana.ok("class:7", "phx_join")
    await bruno.ok("class:7", "phx_join")
    assert await ana.ok("class:7", "typing:start") == {}
    assert await bruno.has(1, "typing:started") == [{"user": {"id": 1, "name": "Ana", "role": "student"}}]
    assert (await worker.connect(BRUNO).ok("class:7", "phx_join"))["seq"] == 0


async def test_user_me_says_who_one_is_and_what_one_may_join(worker: Worker) -> None:
    joined = await worker.connect(ANA).ok("user:me", "phx_join")
    assert joined["user"] == {"id": 1, "name": "Ana", "role": "student"}
    assert [topic["topic"] for topic in joined["topics"]] == ["class:7", "class:9", "role:students", "school"]
    assert joined["topics"][0] == {"topic": "class:7", "title": "6º A · Matemática", "students": 30}


async def test_a_user_pushes_no_faster_than_the_rate_over_all_connections(worker: Worker) -> None:
    one, two = worker.connect(ANA), worker.connect(ANA)
    await one.ok("class:7", "phx_join")
    await two.ok("class:7", "phx_join")
    for _ in range(15):
        await one.ok("class:7", "message:send", {"text": "x"})
        await two.ok("class:7", "message:send", {"text": "x"})
    reply = await one.ask("class:7", "message:send", {"text": "x", "id": "r"})
    assert reply["response"]["code"] == "too_fast"
    assert 0 < reply["response"]["retry_after"] <= 101
    assert await two.refused("class:7", "message:send", {"text": "x"}) == "too_fast"
    worker.clock.now += 0.1
    assert (await one.ok("class:7", "message:send", {"text": "x", "id": "r"}))["seq"] == 31


async def test_a_connection_that_floods_is_closed(worker: Worker) -> None:
    ana = worker.connect(ANA)
    for _ in range(int(FRAME_BURST)):
        await ana.send("phoenix", "heartbeat", {})
    assert ana.closed_with is None
    await ana.send("phoenix", "heartbeat", {})
    assert ana.closed_with == 1008


async def test_rates_of_nought_lift_the_bounds(make_worker: Any) -> None:
    worker: Worker = await make_worker(limits=Limits(push_rate=0))
    ana = worker.connect(ANA)
    await ana.ok("class:7", "phx_join")
    for _ in range(int(FRAME_BURST) + 10):
        await ana.send("class:7", "typing:start", {})
    assert ana.closed_with is None
    assert len(await ana.has(int(FRAME_BURST) + 10, "typing:started")) == FRAME_BURST + 10


async def test_more_topics_than_the_bound_are_refused(worker: Worker) -> None:
    ana = worker.connect(ANA)
    for number in range(MAX_TOPICS):
        ana.session.subscriptions[f"filler:{number}"] = None  # type: ignore[assignment]
    reply = await ana.ask("class:7", "phx_join")
    assert reply["response"]["code"] == "too_many_topics"
    assert reply["response"]["reason"] == "too many channels joined"
    ana.session.subscriptions.clear()


async def test_a_client_may_have_so_many_pushes_on_their_way_to_the_journal(make_worker: Any) -> None:
    worker: Worker = await make_worker(limits=Limits(push_rate=0, max_appending=4))
    ana = worker.connect(ANA)
    await ana.ok("class:7", "phx_join")
    refs = [await ana.send("class:7", "message:send", {"text": "x"}) for _ in range(6)]
    replies = [await ana.until(lambda frame, ref=ref: frame[1] == ref) for ref in refs]  # type: ignore[misc]
    assert [reply["status"] for reply in replies] == ["ok"] * 4 + ["error"] * 2
    assert replies[-1]["response"]["code"] == "overloaded"


async def test_who_is_gone_before_the_join_is_answered_is_not_left_behind_in_the_topic(worker: Worker) -> None:
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


async def test_everything_offered_in_one_turn_is_written_at_once(worker: Worker) -> None:
    ana, bruno = worker.connect(ANA), worker.connect(BRUNO)
    await ana.ok("class:7", "phx_join")
    await bruno.ok("class:7", "phx_join")
    await asyncio.sleep(0.05)
    before = bruno.writes
    for number in range(20):
        await ana.send("class:7", "message:send", {"text": str(number)})
    await bruno.has(20)
    # The first may be committed alone while the others gather.
    assert bruno.writes - before <= 2
