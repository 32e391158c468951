"""The audit log of a running server: records what is done, and copies what waits in the other databases.

    record()    at once, before what is recorded: a former text is opened, a class is exported
    catch_up()  after it: moderation (journal), sign-ins and passwords (accounts)

What must not be done unrecorded is recorded first: where the audit's database is away, it is refused. Everything else
goes on without that database, and is copied when it answers again (server/databases/outbox.py).
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from channels.journal.file_version import Version
from channels.member import User
from channels.pace import until_tick
from server.clock import Clock, now_ms
from server.databases import Databases, asking, reading, version_of, writing
from server.databases.audit import Place, Record, Wanted, add_records, find_records, kinds_of_records
from server.databases.errors import DatabaseError
from server.databases.outbox import (
    audited_accounts,
    audited_events,
    forget_audited_accounts,
    forget_audited_events,
    new_key,
)
from server.tasks import cancel

log = logging.getLogger(__name__)

# How soon a record is in the log, at the latest. Two reads of an empty table take some 1.5 ms of CPU each time;
# a SQLite file is not read where it has not changed.
CATCH_UP_SECONDS = 2.0
# How old the number of records may be by which a start notices an older copy of the log: a copy of the last minute is
# not noticed, and two reads a minute cost nothing.
NOTE_SECONDS = 60.0
# Records copied in one transaction: what a busy morning leaves in some seconds, in a few statements.
AT_ONCE = 200


class Audit:
    """The audit log, for pages and the engine. Every coroutine may raise DatabaseUnavailable."""

    def __init__(self, databases: Databases, clock: Clock = now_ms) -> None:
        self._databases = databases
        self._audit = databases.sessions("audit")
        self._journal = databases.sessions("journal")
        self._accounts = databases.sessions("accounts")
        self._clock = clock
        self._copying = asyncio.Lock()
        self._empty: tuple[Version | None, ...] = ()  # the files' versions at which nothing waited

    async def record(
        self,
        kind: str,
        user: User,
        *,
        topic: str | None = None,
        target: int | None = None,
        subject_id: int | None = None,
        key: str | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Record what a user is about to do, before it is done; under the same `key` once."""
        record = Record(key or new_key(), self._clock(), kind, user.id, subject_id, topic, target, dict(detail or {}))
        async with writing(self._audit) as db:
            await add_records(db, [record])

    async def find(self, wanted: Wanted, before: Place | None, limit: int) -> list[Record]:
        """Return the newest `limit` of the wanted records that are older than a place (None: of all), newest first."""
        async with reading(self._audit) as db:
            return await find_records(db, wanted, before, limit)

    async def kinds(self) -> list[str]:
        """Return the kinds of which there are records."""
        async with reading(self._audit) as db:
            return await kinds_of_records(db)

    async def catch_up(self) -> None:
        """Copy everything that waits in the journal and in the accounts."""
        async with self._copying:
            versions = version_of(self._journal), version_of(self._accounts)
            if versions == self._empty and None not in versions:
                return
            while await self._copy_events():
                pass
            while await self._copy_accounts():
                pass
            self._empty = versions

    async def _copy_events(self) -> bool:
        async with asking(self._journal) as db:
            waiting = await audited_events(db, AT_ONCE)
        if waiting:
            await self._add(list(waiting.values()))
            async with writing(self._journal) as db:
                await forget_audited_events(db, list(waiting))
        return len(waiting) == AT_ONCE

    async def _copy_accounts(self) -> bool:
        async with asking(self._accounts) as db:
            waiting = await audited_accounts(db, AT_ONCE)
        if waiting:
            await self._add(list(waiting.values()))
            async with writing(self._accounts) as db:
                await forget_audited_accounts(db, waiting)
        return len(waiting) == AT_ONCE

    async def _add(self, records: list[Record]) -> None:
        async with writing(self._audit) as db:
            await add_records(db, records)

    async def note_progress(self) -> None:
        """Keep in the accounts how many records there are, so that a start notices an older copy of the log."""
        await self._databases.record_audit()


@asynccontextmanager
async def keeping_audit(audit: Audit, *, seconds: float = CATCH_UP_SECONDS) -> AsyncIterator[None]:
    """Copy what waits, again and again during the block."""
    tasks = [
        asyncio.create_task(_repeat(seconds, audit.catch_up)),
        asyncio.create_task(_repeat(NOTE_SECONDS, audit.note_progress)),
    ]
    try:
        yield
    finally:
        await cancel(*tasks)


async def _repeat(seconds: float, work: Any) -> None:
    failed = False
    while True:
        try:
            await work()
            if failed:
                log.warning("The audit log is kept again")
            failed = False
        except DatabaseError as error:
            if not failed:
                log.warning("The audit log is behind, and is caught up when all databases answer: %s", error)
            failed = True
        await asyncio.sleep(until_tick(seconds))
