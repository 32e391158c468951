"""What was announced, as principals get it: where it is, without its words, whoever announced it and when."""

import time
from collections.abc import Callable
from typing import Any

from channels.engine.engine import Periods
from channels.limit import STATE_LISTED
from tests.channels.support import ANA, DIRETORA, PAULA, Worker

PRINCIPALS = "principals"


async def test_principals_are_told_where_each_announcement_is(worker: Worker) -> None:
    diretora, paula = worker.connect(DIRETORA), worker.connect(PAULA)
    await diretora.ok(PRINCIPALS, "phx_join")
    for client, topic in ((paula, "class:7"), (diretora, "user:me")):
        await client.ok(topic, "phx_join")
    first = await paula.ok("class:7", "announcement:send", {"text": "Segredo", "id": "a1"})
    assert await paula.ok("class:7", "announcement:send", {"text": "Segredo", "id": "a1"}) == first
    second = await diretora.ok("user:me", "announcement:send", {"text": "Segredo", "to": ["class:8", "school"]})
    one, other = await diretora.has(2, "announcement:listed")
    assert (one["topic"], one["target"]) == ("class:7", first["seq"])
    assert (other["topic"], other["target"]) == ("class:8", second["seq"])
    state = (await worker.connect(DIRETORA).ok(PRINCIPALS, "phx_join"))["state"]["announced"]
    assert [each["payload"] for each in state] == [one, other]
    assert "Segredo" not in str(state)


async def test_announcement_is_listed_when_it_goes_out(make_worker: Callable[..., Any]) -> None:
    worker = await make_worker(periods=Periods(timers=0.01))
    diretora, paula, ana = worker.connect(DIRETORA), worker.connect(PAULA), worker.connect(ANA)
    for client, topic in ((diretora, PRINCIPALS), (paula, "user:me"), (ana, "class:7")):
        await client.ok(topic, "phx_join")
    soon = time.time_ns() // 1_000_000 + 100
    await paula.ok("user:me", "announcement:send", {"text": "Prova", "to": ["class:7"], "publish_at": soon})
    assert diretora.got("announcement:listed") == []
    (sent,) = await ana.has(1, "announcement:sent")
    (listed,) = await diretora.has(1, "announcement:listed")
    assert (listed["topic"], listed["target"], listed["key"]) == ("class:7", sent["seq"], sent["key"])


async def test_only_the_newest_are_listed(worker: Worker) -> None:
    paula = worker.connect(PAULA)
    await paula.ok("class:7", "phx_join")
    for number in range(STATE_LISTED + 1):
        await paula.ok("class:7", "announcement:send", {"text": str(number)})
    state = (await worker.connect(DIRETORA).ok(PRINCIPALS, "phx_join"))["state"]["announced"]
    assert [each["payload"]["target"] for each in state] == [*range(2, STATE_LISTED + 2)]


async def test_worker_that_starts_later_lists_the_same(make_worker: Callable[..., Any]) -> None:
    paula = (await make_worker()).connect(PAULA)
    await paula.ok("class:7", "phx_join")
    sent = await paula.ok("class:7", "announcement:send", {"text": "Prova"})
    joined = await (await make_worker()).connect(DIRETORA).ok(PRINCIPALS, "phx_join")
    assert [each["payload"]["target"] for each in joined["state"]["announced"]] == [sent["seq"]]
