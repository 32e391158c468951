"""Deletes what is older than the school keeps it: events by their kind and age, except those that must stay.

    settings (months) -> Trimmer, topic by topic -> history:trimmed -> free pages given back -> recorded
                      -> LogRetention: sign-ins and the audit log

It stays: what is about a person or a class under a legal hold, a message that an open report is about, what is pinned,
the newest lesson of each class, and an announcement that waits for its time.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import Row

from channels.journal.steps import Notice, StoredTopic
from channels.journal.trimmer import Trimmer
from channels.lesson import flags, lessons, pins
from channels.lesson.expiry import EXPIRING, REPORTS, TRIMMED, HistoryTrimmed, Reference, Report
from channels.topics.kind import CLASS, CLASS_STAFF, PRINCIPALS, USER, parse_name
from server.audit.audit import Audit
from server.clock import DAY, Clock, now_ms
from server.databases import Databases, reading, writing
from server.databases.audit import Record, add_records
from server.databases.holds import Held, held
from server.databases.outbox import new_key
from server.databases.school import read_settings
from server.databases.school_settings import SchoolSettings
from server.records.log_retention import LOGS, LogRetention

# A month, for what is older than so many of them: a few days more or less are nobody's concern.
MONTH_MS = 365 * DAY // 12


@dataclass(frozen=True, slots=True)
class _Kept:
    """What stays whatever its age: the held, and positions by the names of topics."""

    held: Held
    reported: Mapping[str, Set[int]]

    def holds(self, topic: StoredTopic) -> bool:
        """Tell whether a topic is that of a class under a hold, or of a person."""
        address = parse_name(topic.name)
        if address.kind in (CLASS, CLASS_STAFF):
            return address.number in self.held.classes
        return address.kind is USER and address.number in self.held.users

    def names_held(self, row: Row[Any]) -> bool:
        """Tell whether an event is by somebody who is held, or names them."""
        return any(
            row.author_id == each or f'"id":{each},' in row.payload or f'"user":{each},' in row.payload
            for each in self.held.users
        )


class Retention:
    """The retention of one school. Raises DatabaseError where a database is away: what was deleted by then is."""

    def __init__(self, databases: Databases, clock: Clock = now_ms) -> None:
        self._databases = databases
        self._clock = clock
        self._trimmer = Trimmer(databases.engine("journal"), Notice(TRIMMED.name, TRIMMED.encode(HistoryTrimmed())))

    async def has_expired(self) -> bool:
        """Tell whether there may be something to delete; without reading the journal, where anything of it expires."""
        months = await self._months()
        if months.keys() & EXPIRING.keys():
            return True
        async with reading(self._databases.sessions("audit")) as db:
            found = await held(db)
        return await self._logs(months).has_expired(found)

    async def run(self, by: int | None = None, key: str | None = None) -> dict[str, int]:
        """Delete what has expired; return how much, by the names of the settings. `by` is who asked for it."""
        months = await self._months()
        if not months:
            return {}
        # What waits to be recorded must not be deleted before.
        await Audit(self._databases).catch_up()
        kept = await self._kept(self._before(months.get("notes", 0)))
        changed: set[StoredTopic] = set()
        deleted = {
            name: await self._trim(name, self._before(months[name]), kept, changed)
            for name in EXPIRING
            if name in months
        }
        deleted |= await self._logs(months).run(kept.held)
        for topic in changed:
            await self._trimmer.tell(topic)
        await self._trimmer.give_back()
        await self._note(deleted, by, key)
        return deleted

    async def _months(self) -> dict[str, int]:
        async with reading(self._databases.sessions("accounts")) as db:
            return months_of(await read_settings(db))

    def _logs(self, months: Mapping[str, int]) -> LogRetention:
        return LogRetention(self._databases, {name: self._before(months[name]) for name in LOGS if name in months})

    def _before(self, months: int) -> int:
        return self._clock() - months * MONTH_MS

    async def _kept(self, reports_before: int) -> _Kept:
        async with reading(self._databases.sessions("audit")) as db:
            found = await held(db)
        reported: dict[str, set[int]] = {}
        for topic in await self._trimmer.topics_with([flags.FLAGGED.name], self._clock()):
            if parse_name(topic.name).kind in (CLASS_STAFF, PRINCIPALS):
                for row in await self._trimmer.read(topic.id, [flags.FLAGGED.name]):
                    report = msgspec.json.decode(row.payload, type=Report)
                    if report.is_open(reports_before):
                        reported.setdefault(report.topic, set()).add(report.target)
        return _Kept(found, reported)

    async def _trim(self, name: str, before: int, kept: _Kept, changed: set[StoredTopic]) -> int:
        kinds, count = EXPIRING[name], 0
        for topic in await self._trimmer.topics_with([*kinds, *(REPORTS if name == "notes" else ())], before):
            if kept.holds(topic):
                continue
            stays = await self._stays(topic, name) | kept.reported.get(topic.name, frozenset())
            deleted = await self._trimmer.trim(topic, kinds, before, partial(_has_expired, kept, stays))
            if name == "notes":
                deleted += await self._trim_reports(topic, before, kept)
            if deleted:
                changed.add(topic)
            count += deleted
        return count

    async def _stays(self, topic: StoredTopic, name: str) -> Set[int]:
        """Return the positions that stay in a topic: what is pinned with the pins, and the newest lesson."""
        stays: set[int] = set()
        if name == "messages":
            for row in await self._trimmer.read(topic.id, [pins.PINNED.name, pins.UNPINNED.name]):
                target = msgspec.json.decode(row.payload, type=Reference).target
                (stays.update if row.event == pins.PINNED.name else stays.difference_update)((target, row.seq))
        if name == "attendance":
            for kind in (lessons.STARTED.name, lessons.ENDED.name):
                stays.update(row.seq for row in (await self._trimmer.read(topic.id, [kind]))[-1:])
        return stays

    async def _trim_reports(self, topic: StoredTopic, before: int, kept: _Kept) -> int:
        """Delete the reports that were closed before a time, each with what was done about it."""
        gone: set[int] = set()
        positions: list[int] = []
        for row in await self._trimmer.read(topic.id, REPORTS):
            if row.event == flags.FLAGGED.name:
                report = msgspec.json.decode(row.payload, type=Report)
                if not report.is_open(before) and not kept.names_held(row):
                    gone.add(row.seq)
                    positions.append(row.seq)
            elif row.about in gone:
                positions.append(row.seq)
        return await self._trimmer.delete(topic, positions)

    async def _note(self, deleted: dict[str, int], by: int | None, key: str | None) -> None:
        async with writing(self._databases.sessions("audit")) as db:
            record = Record(key or new_key(), self._clock(), "records:expired", by, detail=dict(deleted))
            await add_records(db, [record])


def _has_expired(kept: _Kept, stays: Set[int], row: Row[Any]) -> bool:
    return row.seq not in stays and not kept.names_held(row)


def months_of(settings: SchoolSettings) -> dict[str, int]:
    """Return for how many months what expires is kept, by its name in EXPIRING or LOGS."""
    found = {name: getattr(settings, f"keep_{name}") for name in (*EXPIRING, *LOGS)}
    return {name: months for name, months in found.items() if months}
