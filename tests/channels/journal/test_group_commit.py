"""When a queue's next transaction begins."""

import asyncio
from collections.abc import Sequence

from channels.journal.batch import Batch
from channels.journal.entry import Entry, Group
from channels.journal.group_commit import BUSY_SECONDS, MAX_EARLY, GroupCommit

# Longer than any test: what waits so long does not return.
LONG = 3_600.0


def _batch(topics: Sequence[str]) -> Batch:
    return Batch([Group([Entry(topic, "new_msg", b"{}", 1, None, 0)], lambda outcome: None) for topic in topics])


def _now() -> float:
    return asyncio.get_running_loop().time()


def busy(**periods: float) -> GroupCommit:
    """Return the pace of a queue in which several pushes have come at once."""
    group_commit = GroupCommit(**periods)
    group_commit.note_append(_now(), alone=False)
    return group_commit


async def _seconds(group_commit: GroupCommit, times: int) -> float:
    """Wait for so many transactions to begin; return how long they took together."""
    time = asyncio.get_running_loop().time
    begun = time()
    for _ in range(times):
        group_commit.note_append(_now(), alone=False)
        await group_commit.wait(asyncio.Event())
    return time() - begun


async def _begins_at_once(group_commit: GroupCommit) -> bool:
    """Tell whether the next transaction begins in the first turns of the event loop."""
    waiting = asyncio.create_task(group_commit.wait(asyncio.Event()))
    for _ in range(3):
        await asyncio.sleep(0)
    begins = waiting.done()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    return begins


async def test_a_few_transactions_begin_at_once_and_the_next_one_an_interval_later() -> None:
    group_commit = busy(interval_seconds=LONG)
    for _ in range(MAX_EARLY + 1):
        assert await _begins_at_once(group_commit)
    assert not await _begins_at_once(group_commit)


async def test_pushes_that_come_one_after_another_never_wait() -> None:
    group_commit = GroupCommit(interval_seconds=LONG)
    for _ in range(MAX_EARLY + 10):
        group_commit.note_append(_now(), alone=True)
        assert await _begins_at_once(group_commit)


async def test_queue_that_was_busy_long_ago_begins_at_once() -> None:
    group_commit = GroupCommit(interval_seconds=LONG, collect_seconds=LONG, max_collect_seconds=LONG)
    group_commit.note_append(_now() - BUSY_SECONDS, alone=False)
    group_commit.note_delivery(LONG, _batch(["class:1", "class:1"]), _now() - BUSY_SECONDS)
    for _ in range(MAX_EARLY + 10):
        assert await _begins_at_once(group_commit)


async def test_transactions_begin_an_interval_apart_on_average_also_after_a_pause() -> None:
    group_commit = busy(interval_seconds=0.01)
    assert await _seconds(group_commit, MAX_EARLY + 21) >= 0.2
    await asyncio.sleep(0.2)
    assert await _seconds(group_commit, MAX_EARLY + 6) >= 0.05


async def test_transaction_waits_for_events_that_share_a_topic_with_others() -> None:
    group_commit = busy(collect_seconds=LONG, max_collect_seconds=LONG)
    group_commit.note_delivery(LONG, _batch(["class:1", "class:1"]), _now())
    assert not await _begins_at_once(group_commit)


async def test_transaction_does_not_wait_where_nothing_was_saved() -> None:
    group_commit = busy(collect_seconds=LONG, max_collect_seconds=LONG)
    group_commit.note_delivery(LONG, _batch(["class:1", "class:2"]), _now())
    assert await _begins_at_once(group_commit)


async def test_marks_alone_say_nothing_of_deliveries() -> None:
    group_commit = busy(collect_seconds=LONG, max_collect_seconds=LONG)
    group_commit.note_delivery(LONG, _batch(["class:1", "class:1"]), _now())
    group_commit.note_delivery(0.0, Batch(), _now())
    assert not await _begins_at_once(group_commit)


async def test_transaction_begins_once_no_more_events_come() -> None:
    group_commit = busy(collect_seconds=0.01, quiet_seconds=0.02, max_collect_seconds=LONG)
    group_commit.note_delivery(LONG, _batch(["class:1", "class:1"]), _now())
    group_commit.note_append(_now(), alone=False)
    async with asyncio.timeout(10):
        assert await _seconds(group_commit, 1) >= 0.02


async def test_transaction_waits_for_a_bounded_time_while_events_come() -> None:
    group_commit = busy(collect_seconds=0.01, quiet_seconds=LONG, max_collect_seconds=0.05)
    group_commit.note_delivery(LONG, _batch(["class:1", "class:1"]), _now())
    group_commit.note_append(_now(), alone=False)
    async with asyncio.timeout(10):
        assert await _seconds(group_commit, 1) >= 0.05


async def test_closing_queue_does_not_wait() -> None:
    group_commit = busy(interval_seconds=LONG, collect_seconds=LONG, max_collect_seconds=LONG)
    closing = asyncio.Event()
    closing.set()
    async with asyncio.timeout(10):
        for _ in range(MAX_EARLY + 5):
            await group_commit.wait(closing)
