"""What waits to be committed, and the one task that commits it, batch after batch.

    append() -> queue -> one transaction for all that waits -> listener.committed -> each group's `done`

An idle server commits at once. A busy one collects what comes while the last transaction is under way (group commit),
so that hundreds of events cost one.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence

from channels.errors import Code, JournalUnavailable, Refused
from channels.journal.availability import Availability
from channels.journal.entry import (
    Checked,
    Done,
    Entry,
    Group,
    JournalListener,
    Mark,
    Receipt,
    Snapshot,
    Stored,
    Superseded,
    Writer,
)
from channels.wire.codec import Event, stamped

log = logging.getLogger(__name__)

# Entries and bytes that may wait for their transaction: about a second of what SQLite commits here, and a bound on
# the memory of a database that hangs. Past it a push is refused at once rather than answered late.
MAX_QUEUED = 10_000
MAX_QUEUED_BYTES = 32 * 1024 * 1024

# Bytes of snapshots that may wait: those of some hundred busy classes. Past it a snapshot is dropped, which costs a
# longer fold.
MAX_SNAPSHOT_BYTES = 8 * 1024 * 1024

# Entries in one transaction: past a few hundred the cost per event no longer falls, and the first would wait longer.
MAX_BATCH = 500

# While several pushes come at once, a transaction waits so long for more, then until none has come for a moment (the
# second), but no longer than the third; alone, a push is committed at once. Measured, CPU of all: 1,000 pushes a second
# to classes of 20 cost 410 µs each without, 300 to 400 so. To a class of 2,000 with 64 in flight a delivery costs
# 0.24 µs without, 0.14 so: writing to all takes 12 ms, and the first few pushes after that would have it done alone.
COMMIT_DELAY_SECONDS = 0.004
QUIET_SECONDS = 0.0015
MAX_COMMIT_DELAY_SECONDS = 0.012

_UNAVAILABLE = Refused(Code.UNAVAILABLE, "the message could not be stored; send it again", retry_after=2_000)


class CommitQueue:
    """Commits in the order of the calls; `start` before the first of them."""

    def __init__(
        self,
        writer: Writer,
        *,
        commit_delay_seconds: float = COMMIT_DELAY_SECONDS,
        quiet_seconds: float = QUIET_SECONDS,
        max_commit_delay_seconds: float = MAX_COMMIT_DELAY_SECONDS,
    ) -> None:
        self._writer = writer
        self._listener: JournalListener
        self._commit_delay_seconds = commit_delay_seconds
        self._quiet_seconds = quiet_seconds
        self._max_commit_delay_seconds = max_commit_delay_seconds
        self._queue: deque[Group] = deque()
        self._queued = 0
        self._queued_bytes = 0
        self._marks: dict[tuple[str, int], Mark] = {}
        self._snapshots: dict[str, Snapshot] = {}
        self._snapshot_bytes = 0
        self._committing: asyncio.Task[None] | None = None
        self._appended_at = 0.0  # by the event loop's clock
        self._is_busy = False  # the last transaction had several groups
        self._closed = False
        self._writing = Availability("written")

    def start(self, listener: JournalListener) -> None:
        """Say who is told what is committed."""
        self._listener = listener

    async def close(self) -> None:
        """Commit what waits, then close the writer; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        while self._committing is not None:
            await self._committing
        await self._writer.close()

    def append(self, entries: Sequence[Entry], done: Done, checked: Checked | None) -> None:
        """Add a group to the next batch; raises `Refused` (OVERLOADED) when too many wait."""
        if self._queued >= MAX_QUEUED or self._queued_bytes >= MAX_QUEUED_BYTES or self._closed:
            raise Refused(Code.OVERLOADED, "too many messages wait to be stored; send it again", retry_after=1_000)
        self._queue.append(Group(entries, done, checked))
        self._queued += len(entries)
        for entry in entries:
            self._queued_bytes += len(entry.payload)
        self._appended_at = asyncio.get_running_loop().time()
        self._start_committing()

    def mark_read(self, mark: Mark) -> None:
        """Add a read mark to the next batch; raises `Refused` (OVERLOADED) when too many wait."""
        key = (mark.topic, mark.user_id)
        known = self._marks.get(key)
        if known is None and (len(self._marks) >= MAX_QUEUED or self._closed):
            raise Refused(Code.OVERLOADED, "too many marks wait to be stored; send it again", retry_after=1_000)
        if known is None or mark.seq > known.seq:
            self._marks[key] = mark
        self._start_committing()

    def keep_snapshot(self, snapshot: Snapshot) -> None:
        """Add a snapshot to the next batch; it is dropped when too much waits."""
        known = self._snapshots.get(snapshot.topic)
        if known is not None and known.seq >= snapshot.seq:
            return
        more = len(snapshot.state) - (len(known.state) if known is not None else 0)
        if self._snapshot_bytes + more > MAX_SNAPSHOT_BYTES or self._closed:
            return
        self._snapshots[snapshot.topic] = snapshot
        self._snapshot_bytes += more
        self._start_committing()

    def _start_committing(self) -> None:
        if self._committing is None:
            self._committing = asyncio.create_task(self._commit_all())

    async def _commit_all(self) -> None:
        try:
            while self._queue or self._marks or self._snapshots:
                if self._is_busy:
                    await self._collect()
                self._is_busy = len(self._queue) > 1
                await self._commit_batch()
        finally:
            self._committing = None

    async def _collect(self) -> None:
        time = asyncio.get_running_loop().time
        begun = time()
        until = begun + self._commit_delay_seconds
        while (wait := until - time()) > 0 and not self._closed:
            await asyncio.sleep(wait)
            until = min(self._appended_at + self._quiet_seconds, begun + self._max_commit_delay_seconds)

    def _take_groups(self) -> list[Group]:
        groups: list[Group] = []
        size = 0
        while self._queue and size < MAX_BATCH:
            group = self._queue.popleft()
            groups.append(group)
            size += len(group.entries)
            for entry in group.entries:
                self._queued_bytes -= len(entry.payload)
        self._queued -= size
        return groups

    async def _commit_batch(self) -> None:
        groups = self._take_groups()
        marks, self._marks = list(self._marks.values()), {}
        snapshots, self._snapshots, self._snapshot_bytes = list(self._snapshots.values()), {}, 0
        try:
            stored = await self._writer.commit(groups, marks, snapshots)
        except Exception as error:
            if isinstance(error, JournalUnavailable):
                self._writing.failed(error)
            else:
                log.exception("a batch of %d events could not be committed", len(groups))
            self._fail(groups, marks)
            return
        self._writing.succeeded()
        try:
            self._publish(groups, stored)
        except Exception:  # what is committed stays so, and its authors must be answered
            log.exception("a committed batch could not be delivered")
        for group, outcome in zip(groups, stored, strict=True):
            _answer(group, outcome if isinstance(outcome, Superseded) else outcome[0])

    def _fail(self, groups: list[Group], marks: list[Mark]) -> None:
        for group in groups:
            _answer(group, _UNAVAILABLE)
        if groups:
            self._listener.in_doubt({entry.topic for group in groups for entry in group.entries})
        # They were answered; the newest go with the next transaction, which the next push or mark begins.
        for mark in marks:
            key = (mark.topic, mark.user_id)
            if key not in self._marks or self._marks[key].seq < mark.seq:
                self._marks[key] = mark

    def _publish(self, groups: list[Group], stored: list[Stored]) -> None:
        fresh: list[tuple[Entry, Event]] = []
        for group, receipts in zip(groups, stored, strict=True):
            if isinstance(receipts, Superseded):
                continue
            if not receipts[0].fresh:
                self._listener.already_stored(group.entries[0].topic, receipts[0].seq)
                continue
            for entry, receipt in zip(group.entries, receipts, strict=True):
                payload = stamped(entry.payload, receipt.seq, receipt.at)
                fresh.append((entry, Event(receipt.seq, entry.event, payload)))
        if fresh:
            self._listener.committed(fresh)


def _answer(group: Group, outcome: Receipt | Superseded | Refused) -> None:
    try:
        group.done(outcome)
    except Exception:  # one client's reply must not cost the rest of the batch theirs
        log.exception("an append's outcome could not be told")
