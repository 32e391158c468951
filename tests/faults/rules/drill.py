"""Runs several workers that send and keep order at once, then compares their acknowledgements with the journal."""

import asyncio
import json
import sys
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import text

from channels.lesson.chat import SENT
from channels.lesson.lock import LOCKED, UNLOCKED, Lock
from channels.lesson.mute import RESTRICTED, mark
from channels.lesson.slow import SLOWED, Slow
from channels.lesson.state import TopicState
from channels.wire.codec import Event, stamped
from server.databases import Databases
from tests.channels.support import CLASS, VIEWER
from tests.faults.rules.worker import TOPIC
from tests.lousa import ROOT
from tests.redis import RedisServer

# A process that hangs is a failure.
PATIENCE_SECONDS = 60


@dataclass
class Outcome:
    """The workers' reports and the journal's events."""

    reports: list[dict[str, Any]]
    events: list[tuple[int, str, str | None, int, str]]  # seq, kind, push id, time, payload
    governed: int
    key: str  # the school's

    def faults(self) -> list[str]:
        """Return the violations, as sentences."""
        return [*self._forbidden(), *self._lost(), *self._states()]

    def _forbidden(self) -> list[str]:
        found, order = [], Order(self.key)
        for seq, kind, push_id, at, payload in self.events:
            if kind == SENT.name:
                found += [f"{push_id} stands at {seq}, though {why}" for why in order.forbids(payload, at)]
            else:
                order.take(seq, kind, payload)
        if order.governed != self.governed:
            found.append(f"the counter says that {self.governed} governs, the events that {order.governed} does")
        return found

    def _lost(self) -> list[str]:
        positions: dict[str, list[int]] = {}
        for seq, _, push_id, _, _ in self.events:
            positions.setdefault(push_id or "", []).append(seq)
        return [
            f"{push_id} was acknowledged at {seq} and stands at {positions.get(push_id)}"
            for report in self.reports
            for push_id, seq in report["stored"].items()
            if positions.get(push_id) != [seq]
        ]

    def _states(self) -> list[str]:
        state = TopicState([Lock, Slow])
        for seq, kind, _, at, payload in self.events:
            state.apply(Event(seq, kind, stamped(payload.encode(), seq, at)))
        told = json.loads(msgspec.json.encode(state.view(VIEWER)))
        return [
            f"worker {number} has {report['state']} at {report['seq']}, the journal {told} at {len(self.events)}"
            for number, report in enumerate(self.reports)
            if report["seq"] != len(self.events) or report["state"] != told
        ]


class Order:
    """What is forbidden after the events taken so far, reckoned anew from their payloads; `key` is the school's."""

    def __init__(self, key: str) -> None:
        self.governed = 0
        self._key = key
        self._is_locked = False
        self._muted: dict[str, int] = {}
        self._seconds = 0
        self._sent: dict[int, int] = {}

    def take(self, seq: int, kind: str, payload: str) -> None:
        """Take a governing event."""
        given = json.loads(payload)
        self.governed = seq
        if kind in (LOCKED.name, UNLOCKED.name):
            self._is_locked = kind == LOCKED.name
        elif kind == RESTRICTED.name:
            self._muted[given["mark"]] = given["until"]
        elif kind == SLOWED.name:
            self._seconds, self._sent = given["seconds"], {}

    def forbids(self, payload: str, at: int) -> list[str]:
        """Take a message, and return why it may not stand where it does."""
        user_id = json.loads(payload)["author"]["id"]
        before, self._sent[user_id] = self._sent.get(user_id), at
        reasons = {
            "the class was locked": self._is_locked,
            "its author was muted": self._muted.get(mark(self._key, CLASS.id, user_id), 0) > at,
            "it came too soon": before is not None and at - before < 1_000 * self._seconds,
        }
        return [why for why, holds in reasons.items() if holds]


async def drill(urls: dict[str, str], redis: RedisServer, workers: int, senders: int, seconds: float) -> Outcome:
    """Run the workers against a Redis that freezes once they are ready."""
    processes = [await _start(urls, redis.url, number, senders, seconds) for number in range(1, workers + 1)]
    try:
        async with asyncio.timeout(seconds + PATIENCE_SECONDS):
            for process in processes:
                await _expect(process, b"ready")
            redis.freeze()
            _go_on(processes)
            for process in processes:
                await _expect(process, b"done")
            _go_on(processes)
            reports = [json.loads(await _line(process)) for process in processes]
            for process in processes:
                assert await process.wait() == 0
    finally:
        redis.thaw()
        for process in processes:
            if process.returncode is None:
                process.kill()
                await process.wait()
    return Outcome(reports, *await _journal(urls))


async def _start(urls: dict[str, str], redis_url: str, *numbers: float) -> asyncio.subprocess.Process:
    arguments = [json.dumps(urls), redis_url, *map(str, numbers)]
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.faults.rules.worker", *arguments, cwd=ROOT, stdin=pipe, stdout=pipe, limit=2**26
    )


async def _line(process: asyncio.subprocess.Process) -> bytes:
    assert process.stdout is not None
    return await process.stdout.readline()


async def _expect(process: asyncio.subprocess.Process, word: bytes) -> None:
    line = await _line(process)
    assert line.strip() == word, f"a worker wrote {line!r} and not {word!r}"


def _go_on(processes: list[asyncio.subprocess.Process]) -> None:
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"\n")


async def _journal(urls: dict[str, str]) -> tuple[list[tuple[int, str, str | None, int, str]], int, str]:
    databases = Databases(urls)
    async with databases.engine("journal").connect() as connection:
        topic_id, governed = (
            await connection.execute(text("SELECT id, governed FROM topics WHERE name = :name"), {"name": TOPIC})
        ).one()
        rows = await connection.execute(
            text("SELECT seq, event, push_id, at, payload FROM events WHERE topic_id = :id ORDER BY seq"),
            {"id": topic_id},
        )
        events = [(seq, event, push_id, at, payload) for seq, event, push_id, at, payload in rows]
        key = (await connection.execute(text("SELECT key FROM journal"))).scalar_one()
    await databases.dispose()
    return events, governed, key
