"""Announcements that wait for a time come once, whichever workers are killed at that time."""

import asyncio
import json
import random
import shutil
import sqlite3
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.lousa import Lousa
from tests.phoenix import Connection, ErrorReply

pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]

COUNT = 30
PATIENCE_SECONDS = 60


@pytest.mark.parametrize("kills", [1, pytest.param(6, marks=pytest.mark.long)])
async def test_announcements_due_while_the_server_is_killed_come_once(
    demo_school: Path, tmp_path: Path, kills: int
) -> None:
    data_dir = tmp_path / "data"
    shutil.copytree(demo_school, data_dir)
    with Lousa(data_dir, serve_options=("--workers", "2")) as lousa:
        topics = await schedule(lousa, in_seconds=2.0, spread_seconds=kills)
        await asyncio.sleep(2.0)
        for _ in range(kills):
            await asyncio.sleep(random.uniform(0.2, 1.5))
            lousa.kill()
            await until_gone(lousa.port)
            lousa.start()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(events(data_dir, "announcement:published")) < COUNT:
                await asyncio.sleep(0.1)
    sent = Counter((topic, json.loads(payload)["text"]) for topic, payload in events(data_dir, "announcement:sent"))
    assert sent == {(topic, str(number)): 1 for topic in topics for number in range(COUNT)}
    assert len(events(data_dir, "announcement:published")) == COUNT


async def until_gone(port: int) -> None:
    """Wait until the workers of a killed server have ended, too."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                return
            writer.close()
            await asyncio.sleep(0.05)


async def schedule(lousa: Lousa, *, in_seconds: float, spread_seconds: float) -> list[str]:
    """Let the principal announce to two classes, again and again; return the topics."""
    (token,) = lousa.tokens("diretora").values()
    principal = await Connection.open(lousa.socket_url("principal", token), lambda *event: None)
    joined = await principal.join("user:me")
    topics = [entry["topic"] for entry in joined["topics"] if entry["topic"].startswith("class:")][:2]
    begin = time.time_ns() // 1_000_000 + int(in_seconds * 1_000)
    for number in range(COUNT):
        at = begin + int(spread_seconds * 1_000 * number / COUNT)
        wanted = {"text": str(number), "to": topics, "publish_at": at, "id": str(number)}
        while True:
            try:
                await principal.request("user:me", "announcement:send", wanted)
                break
            except ErrorReply as error:  # faster than a user may push
                await asyncio.sleep(error.response["retry_after"] / 1_000)
    principal.close()
    await principal.closed.wait()
    return topics


def events(data_dir: Path, kind: str) -> list[tuple[str, str]]:
    """Return the topics and payloads of the events of one kind."""
    query = "SELECT name, payload FROM events JOIN topics ON topics.id = topic_id WHERE event = ?"
    with sqlite3.connect(data_dir / "journal.sqlite3") as journal:
        return journal.execute(query, (kind,)).fetchall()
