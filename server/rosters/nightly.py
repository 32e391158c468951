"""Pulls the roster from the school's provider by itself: once a day, at an hour of the school's time zone.

    every 30 s: is the hour past, and has nobody begun? -> begin (one worker) -> pulled and checked, in a process apart
      -> nothing, or as the last one was applied: applied
      -> refused, the first one, a large part would end, or the last one was undone: waits for the office

All workers look; the first writes the day's import, and the others find it. So it survives restarts, too: a server that
was off at the hour pulls when it is back. A pull that dies with its worker is begun again.
"""

import asyncio
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts.refusals import UserError
from server.clock import Clock, now_ms
from server.databases import DbSessions, reading, writing
from server.databases.accounts import School
from server.databases.imports import Import
from server.databases.outbox import note_audited
from server.databases.school import read_hours
from server.rosters.apart import Apart
from server.rosters.imports import STALE_MS, Origin, State, begin, discard, newest, settle
from server.rosters.provider import Access, Provider
from server.rosters.pulling import Pulling, checked, read_pulling, write_pulling
from server.tasks import cancel, keep_checking

SOURCE = "pull"
# A pull begins within this time after its hour; asking costs one read.
CHECK_SECONDS = 30.0
# Whoever tries it waits before the page.
TRY_SECONDS = 15.0
# How often a pull that died with its worker is begun again: one that kills its worker must not do so all day.
ATTEMPTS = 3


class Pulls(NamedTuple):
    """How the pulls stand: where from, the last one, and when the next one begins (ms since 1970; None: never)."""

    name: str
    last: Import | None
    next_at: int | None


class Sample(NamedTuple):
    """What a provider answers: the names of its schools, and how many users came on the first page."""

    schools: list[str]
    users: int


class NightlyPulls:
    """One worker's part of it; `given` is what the server's options say, in place of what the office sets."""

    def __init__(self, sessions: DbSessions, apart: Apart, given: Pulling | None = None, now: Clock = now_ms) -> None:
        self._sessions = sessions
        self._apart = apart
        self.given = given
        self._now = now
        self._trying = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look at the clock."""
        self._task = asyncio.create_task(keep_checking(self.check, CHECK_SECONDS, "the roster was not pulled"))

    async def stop(self) -> None:
        """Stop looking; a pull that has begun goes on."""
        if self._task is not None:
            await cancel(self._task)

    async def pulling(self) -> Pulling | None:
        """Return where the roster is pulled from, and when; None where nobody has said it."""
        async with reading(self._sessions) as db:
            return await self._pulling(db)

    async def _pulling(self, db: AsyncSession) -> Pulling | None:
        return self.given or await read_pulling(db)

    async def set(self, user_id: int, access: Access, at: time | None) -> None:
        """Pull from there and then; without a secret, it is the one of before. Raises UserError."""
        async with writing(self._sessions) as db:
            before = await read_pulling(db)
            wanted = Pulling(checked(access, before.access if before else None), at)
            await write_pulling(db, wanted)
            hour = at.strftime("%H:%M") if at else ""
            await note_audited(db, self._now(), "roster:provider-set", user_id=user_id, host=wanted.name, hour=hour)

    async def unset(self, user_id: int) -> None:
        """Pull from nowhere, and forget the secret."""
        async with writing(self._sessions) as db:
            if await read_pulling(db) is not None:
                await write_pulling(db, None)
                await note_audited(db, self._now(), "roster:provider-removed", user_id=user_id)

    async def try_it(self) -> Sample:
        """Ask the provider for a little of what it has; raises RosterErrors for an answer that cannot be used."""
        pulling = await self.pulling()
        if pulling is None:
            raise UserError("This server has no provider of rosters.", "no-provider")
        if self._trying.locked():
            raise UserError("It is being tried already.", "pulling")
        async with self._trying:
            provider = Provider(pulling.access, answer_seconds=TRY_SECONDS, wait_seconds=0.0)
            try:
                schools = [str(each.get("name", "")) for each in await provider.sample("orgs")]
                return Sample(schools, len(await provider.sample("users")))
            finally:
                provider.close()

    async def state(self) -> Pulls | None:
        """Return how the pulls stand; None where the school has no provider."""
        async with reading(self._sessions) as db:
            pulling = await self._pulling(db)
            if pulling is None:
                return None
            last = next(iter(_pulls(await newest(db))), None)
            zone = ZoneInfo((await read_hours(db)).zone)
        return Pulls(pulling.name, last, self._next(pulling.at, zone, last))

    def _next(self, at: time | None, zone: ZoneInfo, last: Import | None) -> int | None:
        if at is None:
            return None
        due = _due(self._now(), at, zone)
        if last is None or last.at < due:
            return self._now()
        return _moment(datetime.fromtimestamp(due / 1000, zone).date() + timedelta(days=1), at, zone)

    async def pull(self, user_id: int) -> int:
        """Begin to pull now; what would change waits for the office. Return the import's id."""
        async with writing(self._sessions) as db:
            pulling = await self._pulling(db)
            if pulling is None:
                raise UserError("This server has no provider of rosters.", "no-provider")
            await settle(db)
            if any(row.state in (State.CHECKING, State.APPLYING) for row in _pulls(await newest(db))):
                raise UserError("It is being pulled already.", "pulling")
            import_id = await _begin(db, Origin(SOURCE, pulling.name, user_id))
        self._apart.start("pull", import_id, access=pulling.access)
        return import_id

    async def check(self) -> None:
        """Begin today's pull, if it is time and nobody has; raises DatabaseUnavailable."""
        async with reading(self._sessions) as db:
            pulling = await self._pulling(db)
            if pulling is None or await self._claims(db, pulling) is None:
                return
        async with writing(self._sessions) as db:
            # Of several workers on PostgreSQL one goes on; on SQLite writing alone does that.
            await db.execute(select(School.id).with_for_update())
            await settle(db)
            pulling = await self._pulling(db)
            applies = await self._claims(db, pulling) if pulling is not None else None
            if pulling is None or applies is None:
                return
            import_id = await _begin(db, Origin(SOURCE, pulling.name))
        self._apart.start("pull", import_id, access=pulling.access, applies=applies)

    async def _claims(self, db: AsyncSession, pulling: Pulling) -> bool | None:
        """Return whether a pull that begins now is applied by itself; None: none is to begin."""
        if pulling.at is None:
            return None
        due = _due(self._now(), pulling.at, ZoneInfo((await read_hours(db)).zone))
        pulls = _pulls(await newest(db))
        today = [row for row in pulls if row.at >= due]
        died = [row for row in today if _has_died(row)]
        if len(today) > len(died) or len(died) >= ATTEMPTS:
            return None
        # What a person undid last, or nobody has looked at yet, is not done by itself.
        last = next((row for row in pulls if row.state in (State.APPLIED, State.UNDONE)), None)
        return last is not None and last.state == State.APPLIED and last.name == pulling.name


def _pulls(rows: Sequence[Import]) -> list[Import]:
    return [row for row in rows if row.source == SOURCE]


def _has_died(row: Import) -> bool:
    if row.state == State.CHECKING:
        return row.moved_at < now_ms() - STALE_MS
    return row.state == State.DISCARDED and row.result is None


async def _begin(db: AsyncSession, origin: Origin) -> int:
    """Begin a pull in place of an earlier one that still waits; what somebody has uploaded stays."""
    for row in _pulls(await newest(db)):
        if row.state == State.READY:
            await discard(db, row.id)
    return await begin(db, origin, State.CHECKING)


def _due(now: int, at: time, zone: ZoneInfo) -> int:
    """Return the last moment, in ms since 1970, at which a pull was due."""
    day = datetime.fromtimestamp(now / 1000, zone).date()
    today = _moment(day, at, zone)
    return today if today <= now else _moment(day - timedelta(days=1), at, zone)


def _moment(day: date, at: time, zone: ZoneInfo) -> int:
    # An hour that the clocks skip is the moment after it; one that comes twice is the first.
    return int(datetime.combine(day, at, zone).timestamp() * 1000)
