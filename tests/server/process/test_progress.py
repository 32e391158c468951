"""How far the databases have come is recorded while a worker runs, and once more when it stops."""

import asyncio
import time

import pytest
from sqlalchemy import text

from server.databases import RECORD_ANYWAY_SECONDS, Databases, reading, writing
from server.process.progress import recording_progress
from tests.statements import recorded as asked

NEVER = 3600.0


async def store(databases: Databases, count: int) -> None:
    async with writing(databases.sessions("journal")) as db:
        await db.execute(text("DELETE FROM topics"))
        await db.execute(
            text("INSERT INTO topics (name, seq, moved) VALUES ('class:1', :count, :count)"), {"count": count}
        )


async def recorded(databases: Databases) -> int:
    async with reading(databases.sessions("accounts")) as db:
        return int(await db.scalar(text("SELECT stored FROM pairing")) or 0)


async def test_stored_events_are_recorded_while_a_worker_runs(databases: Databases) -> None:
    async with recording_progress(databases, record_seconds=0.01), asyncio.timeout(10):
        await store(databases, 5)
        while await recorded(databases) != 5:
            await asyncio.sleep(0.01)
        await store(databases, 6)
        while await recorded(databases) != 6:
            await asyncio.sleep(0.01)


async def test_last_events_are_recorded_at_the_stop(databases: Databases) -> None:
    async with recording_progress(databases, record_seconds=NEVER):
        await store(databases, 7)
    assert await recorded(databases) == 7


async def test_journal_that_went_back_is_logged_once(databases: Databases, caplog: pytest.LogCaptureFixture) -> None:
    await store(databases, 5)
    await databases.record_progress()
    await store(databases, 4)
    async with recording_progress(databases, record_seconds=0.01), asyncio.timeout(10):
        while not caplog.records:
            await asyncio.sleep(0.01)
    assert "Stop Lousa: The databases do not belong together: the journal had 5 events" in caplog.text
    assert await recorded(databases) == 5


async def test_files_that_have_not_changed_are_read_only_now_and_then(
    databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store(databases, 5)
    for _ in range(2):  # the first one writes
        await databases.record_progress()
    is_file = databases.engine("journal").dialect.name == "sqlite"
    with asked(databases.engine("journal"), lambda statement: "changes" in statement) as statements:
        await databases.record_progress()
        assert len(statements) == (0 if is_file else 1)
        monkeypatch.setattr(time, "monotonic", lambda now=time.monotonic: now() + RECORD_ANYWAY_SECONDS)
        await databases.record_progress()
        assert len(statements) == (1 if is_file else 2)
    await store(databases, 6)
    await databases.record_progress()
    assert await recorded(databases) == 6
