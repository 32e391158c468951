"""Which topics are known to have no events, and that none of them stays so that gets one."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from channels.broker.memory import MemoryBroker, MemoryBus
from channels.limit import TOPIC_LINGER_SECONDS
from channels.topics.empty_topics import EmptyTopics
from tests.channels.support import ANA, BRUNO, Worker
from tests.channels.topics.support import MakeWorker, seqs


async def _read_ahead(worker: Worker) -> Worker:
    await worker.engine.read_ahead()
    return worker


async def test_topics_without_events_need_no_reading(make_worker: MakeWorker) -> None:
    ana = (await make_worker()).connect(ANA)
    await ana.ok("class:7", "phx_join")
    await ana.ok("class:7", "message:send", {"text": "Olá"})
    hub = (await _read_ahead(await make_worker())).engine._hub
    assert hub.at_hand("class:7") is None
    assert hub.at_hand("class:8") is not None
    assert hub.at_hand("class:8") is hub.at_hand("class:8")


async def test_none_is_known_to_be_empty_without_reading(make_worker: MakeWorker) -> None:
    assert (await make_worker()).engine._hub.at_hand("class:8") is None


async def test_first_event_is_there_after_its_topic_was_dropped(make_worker: MakeWorker) -> None:
    worker = await _read_ahead(await make_worker())
    ana = worker.connect(ANA)
    await ana.ok("class:7", "phx_join")
    await ana.ok("class:7", "message:send", {"text": "Olá"})
    await ana.ok("class:7", "phx_leave")
    for seconds in (0.0, TOPIC_LINGER_SECONDS + 1):
        worker.engine._hub.forget_idle(seconds)
    assert "class:7" not in worker.engine._hub.topics
    joined = await worker.connect(BRUNO).ok("class:7", "phx_join")
    assert (joined["seq"], len(joined["events"])) == (1, 1)


async def test_topics_of_a_commit_in_doubt_are_read(make_worker: MakeWorker) -> None:
    worker = await _read_ahead(await make_worker())
    worker.engine.in_doubt({"class:7"})
    worker.engine.already_stored("class:8", 1)
    assert [worker.engine._hub.at_hand(name) for name in ("class:7", "class:8")] == [None, None]


async def test_past_the_bound_no_topic_is_known_to_be_empty(make_worker: MakeWorker) -> None:
    worker = await make_worker()
    empty = EmptyTopics(worker.engine.journal, max_names=1)
    await empty.read(None)
    empty.fill("class:1")
    assert "class:9" in empty
    empty.fill("class:2")
    assert "class:9" not in empty


async def test_beside_other_workers_topics_are_known_while_nothing_is_committed(
    make_worker: MakeWorker, database: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MemoryBroker, "check_seconds", 3_600.0)
    other = await make_worker()
    worker = await _read_ahead(await make_worker())
    hub = worker.engine._hub
    if database.dialect.name == "postgresql":  # nothing says there that nobody has committed anything
        assert hub.at_hand("class:8") is None
        return
    assert hub.at_hand("class:8") is not None
    ana = other.connect(ANA)
    await ana.ok("class:7", "phx_join")
    await ana.ok("class:7", "message:send", {"text": "Olá"})
    assert [hub.at_hand(name) for name in ("class:7", "class:9")] == [None, None]
    await hub.check()
    assert hub.at_hand("class:7") is None
    assert hub.at_hand("class:9") is not None


async def test_event_of_another_worker_reaches_a_topic_that_was_known_to_be_empty(
    make_worker: MakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MemoryBroker, "check_seconds", 3_600.0)
    other = await make_worker(MemoryBus(lose=lambda envelope: True))
    worker = await _read_ahead(await make_worker())
    bruno = worker.connect(BRUNO)
    await bruno.ok("class:7", "phx_join")
    ana = other.connect(ANA)
    await ana.ok("class:7", "phx_join")
    await ana.ok("class:7", "message:send", {"text": "Olá"})
    assert seqs(bruno) == []
    await worker.engine._hub.check()
    await bruno.has(1)
    assert seqs(bruno) == [1]
