"""Messages of a session: what is dispatched where, and how fast."""

import asyncio
from typing import Any

import pytest

from channels.limit import FRAME_BURST, JOIN_BURST, Limits
from tests.channels.support import ANA, BRUNO, Worker


async def test_heartbeat_is_answered_under_its_ref(worker: Worker) -> None:
    ana = worker.connect(ANA)
    await ana.send("phoenix", "heartbeat", {}, ref="9")
    await ana.until(lambda frame: frame[1] == "9")
    assert ana.frames == [(None, "9", "phoenix", "phx_reply", {"status": "ok", "response": {}})]


@pytest.mark.parametrize(
    "frame", ["", "{", "[]", '[1,"2","t","e",{}]', '["1","2","t","e"]', '["1","2","t","e",{}', "[" * 5000, "\ud800"]
)
async def test_unreadable_frame_is_answered_and_the_connection_stays(worker: Worker, frame: str) -> None:
    ana = worker.connect(ANA)
    await ana.raw(frame.encode("utf-8", "surrogatepass"))
    reply = await ana.until(lambda frame: frame[3] == "phx_reply")
    assert reply["response"]["code"] == "bad_frame"
    assert await ana.ok("phoenix", "heartbeat") == {}


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (r'["1","8","class:7","message:send",{"text":"\ud83d"}]', ("1", "8", "class:7")),
        ('["1",8,"class:7","message:send",{"text":"x"}]', ("1", 8, "class:7")),
        (r'["1","8","class:\ud83d","message:send",{"text":"x"}]', ("1", "8", "phoenix")),
    ],
)
async def test_unreadable_frame_is_answered_under_its_ref(worker: Worker, frame: str, expected: object) -> None:
    ana = worker.connect(ANA)
    await ana.raw(frame.encode())
    await ana.until(lambda frame: frame[3] == "phx_reply")
    assert [each[:3] for each in ana.frames] == [expected]


async def test_half_an_emoji_is_refused_in_words(worker: Worker) -> None:
    ana = worker.connect(ANA)
    await ana.raw(rb'["1","8","class:7","message:send",{"text":"\ud83d"}]')
    reply = await ana.until(lambda frame: frame[1] == "8")
    assert reply["response"]["message"].startswith("half of a surrogate pair")


async def test_leave_is_answered_and_ends_the_topics_events(worker: Worker) -> None:
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


async def test_joins_of_a_user_are_limited_over_all_connections(worker: Worker) -> None:
    one, two = worker.connect(ANA), worker.connect(ANA)
    for _ in range(int(JOIN_BURST) // 2):
        await one.send("school", "phx_join", {})
        await two.send("school", "phx_join", {})
    reply = await two.ask("class:7", "phx_join")
    assert reply["response"]["code"] == "too_fast"
    assert 0 < reply["response"]["retry_after"] <= 201
    worker.clock.now += 1
    assert await two.ok("class:7", "phx_join")


async def test_pushes_of_a_user_are_limited_over_all_connections(worker: Worker) -> None:
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


async def test_connection_that_floods_is_closed(worker: Worker) -> None:
    ana = worker.connect(ANA)
    for _ in range(int(FRAME_BURST)):
        await ana.send("phoenix", "heartbeat", {})
    assert ana.closed_with is None
    await ana.send("phoenix", "heartbeat", {})
    assert ana.closed_with == 1008


async def test_rate_of_zero_lifts_the_limits(make_worker: Any) -> None:
    worker: Worker = await make_worker(limits=Limits(push_rate=0))
    ana = worker.connect(ANA)
    await ana.ok("class:7", "phx_join")
    for _ in range(int(FRAME_BURST) + 10):
        await ana.send("class:7", "typing:start", {})
    assert ana.closed_with is None
    assert len(await ana.has(int(FRAME_BURST) + 10, "typing:started")) == FRAME_BURST + 10


async def test_messages_of_one_turn_are_one_write(worker: Worker) -> None:
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


async def test_bug_of_ours_ends_one_connection_and_is_logged(
    worker: Worker, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana, bruno = worker.connect(ANA), worker.connect(BRUNO)
    await bruno.ok("class:7", "phx_join")

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(worker.engine._hub, "remembered", broken)
    await ana.send("class:7", "phx_join", {}, "1", "1")
    monkeypatch.undo()
    assert ana.closed_with == 1011
    assert "user 1: phx_join on class:7 could not be handled" in caplog.text
    assert await bruno.ok("class:7", "message:send", {"text": "x"})
