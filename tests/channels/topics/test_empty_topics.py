"""Which topics are known to have no events, and that none of them stays so that gets one."""

from channels.limit import TOPIC_LINGER_SECONDS
from channels.topics.empty_topics import EmptyTopics
from tests.channels.support import ANA, BRUNO, Worker
from tests.channels.topics.support import MakeWorker


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
    empty = EmptyTopics(max_names=1)
    await empty.read(worker.engine.journal)
    empty.fill("class:1")
    assert "class:9" in empty
    empty.fill("class:2")
    assert "class:9" not in empty
