"""What waits to be committed, and the one task that commits it, batch after batch.

    append() -> queue -> one transaction for all that waits -> listener.committed -> each group's `done`

An idle server commits at once. A busy one collects what comes while the last transaction is under way, and a little
longer (`group_commit`), so that hundreds of events cost one.

The reasons: docs/notes/order.md.
"""

import asyncio
import contextlib
import logging
import math
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import islice, repeat

from channels.errors import Code, JournalUnavailable, Refused
from channels.journal.availability import Availability
from channels.journal.batch import Batch
from channels.journal.entry import (
    Checked,
    Done,
    Entry,
    Group,
    JournalListener,
    Mark,
    Receipt,
    Snapshot,
    Spell,
    Spells,
    Stored,
    Superseded,
    Writer,
)
from channels.journal.group_commit import GroupCommit
from channels.metric import ENTRIES, Histogram
from channels.wire.codec import Event, stamped

log = logging.getLogger(__name__)

# Entries and bytes that may wait for their transaction: about a second of what SQLite commits here, and a bound on
# the memory of a database that hangs. Past it a push is refused at once rather than answered late.
MAX_QUEUED = 10_000
MAX_QUEUED_BYTES = 32 * 1024 * 1024

# Bytes of snapshots that may wait: those of some hundred busy classes. Past it a snapshot is dropped, which costs a
# longer fold.
MAX_SNAPSHOT_BYTES = 8 * 1024 * 1024

# Spells that wait: those of all that a worker can hold, in 10 MB; further ones are dropped. And how many go into one
# transaction: some 10 ms of SQLite's time.
MAX_SPELLS = 50_000
MAX_BATCH_SPELLS = 2_000

# Read marks in one transaction, some 5 ms of SQLite's time: an announcement to a school brings thousands at once, and
# the messages of all workers would wait for them.
MAX_BATCH_MARKS = 500

# Entries in one transaction: past a few hundred the cost per event no longer falls, and the first would wait longer.
MAX_BATCH = 500

# After a failed transaction the next one waits, twice as long after each, up to the second: however long the database
# is away, it is asked a few times a second and costs nothing.
RETRY_SECONDS = 0.05
MAX_RETRY_SECONDS = 0.4

# A push that has waited for longer than this when a transaction fails is refused with it: the next one may take 4.5 s,
# and pushes must fail within 5 s.
MAX_WAIT_SECONDS = 0.1

# A transaction under way fails within 4.5 s when the database is away; closing waits for it and no longer.
CLOSE_SECONDS = 5.0

_UNAVAILABLE = Refused(Code.UNAVAILABLE, "the message could not be stored; send it again", retry_after=2_000)
_REFUSED = Refused(Code.INTERNAL, "the database does not take this message; sending it again does not help")


class Commits:
    """What was committed since the start, for a monitor."""

    __slots__ = ("entries", "failures", "seconds", "sizes")

    def __init__(self) -> None:
        self.entries = 0
        self.failures = 0
        self.seconds = Histogram()
        self.sizes = Histogram(ENTRIES)


class CommitQueue:
    """Commits in the order of the calls; `start` before the first of them."""

    def __init__(
        self,
        writer: Writer,
        *,
        group_commit: GroupCommit | None = None,
        retry_seconds: float = RETRY_SECONDS,
        max_retry_seconds: float = MAX_RETRY_SECONDS,
        close_seconds: float = CLOSE_SECONDS,
    ) -> None:
        self._writer = writer
        self._listener: JournalListener
        self._group_commit = group_commit or GroupCommit()
        self._retry_seconds = retry_seconds
        self._max_retry_seconds = max_retry_seconds
        self._close_seconds = close_seconds
        self._queue: deque[Group] = deque()
        self._queued = 0
        self._queued_bytes = 0
        self._marks: dict[tuple[str, int], Mark] = {}
        self._snapshots: dict[str, Snapshot] = {}
        self._snapshot_bytes = 0
        self._spells: dict[int, Spell] = {}
        self._spells_of: Spells | None = None  # the newest that waits: its worker, and until when
        self._committing: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()
        self.writing = Availability("written")
        self.counts = Commits()

    def start(self, listener: JournalListener) -> None:
        """Report to `listener` what is committed from now on."""
        self._listener = listener

    async def close(self) -> None:
        """Commit what waits, then close the writer; a second call does nothing.

        Where the database is away, what waits is refused: this returns within `close_seconds`, and what the writer
        takes to close.
        """
        if self._closing.is_set():
            return
        self._closing.set()
        if self._committing is not None:
            _, late = await asyncio.wait([self._committing], timeout=self._close_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._writer.close()

    @property
    def queued(self) -> int:
        """Return how many entries wait for their transaction."""
        return self._queued

    def append(self, entries: Sequence[Entry], done: Done, checked: Checked | None) -> None:
        """Add a group to the next batch; raises `Refused` (OVERLOADED) when too many wait."""
        if self._queued >= MAX_QUEUED or self._queued_bytes >= MAX_QUEUED_BYTES or self._closing.is_set():
            raise Refused(Code.OVERLOADED, "too many messages wait to be stored; send it again", retry_after=1_000)
        now = asyncio.get_running_loop().time()
        self._group_commit.note_append(now, alone=self._committing is None)
        size = sum([len(entry.payload) for entry in entries])
        self._queue.append(Group(entries, done, checked, now, size))
        self._queued += len(entries)
        self._queued_bytes += size
        if self._committing is None:
            self._start_committing()

    def mark_read(self, mark: Mark) -> None:
        """Add a read mark to the next batch; raises `Refused` (OVERLOADED) when too many wait."""
        key = (mark.topic, mark.user_id)
        known = self._marks.get(key)
        if known is None and (len(self._marks) >= MAX_QUEUED or self._closing.is_set()):
            raise Refused(Code.OVERLOADED, "too many marks wait to be stored; send it again", retry_after=1_000)
        self._marks[key] = mark if known is None else known.merged(mark)
        self._start_committing()

    def keep_snapshot(self, snapshot: Snapshot) -> None:
        """Add a snapshot to the next batch; it is dropped when too much waits."""
        known = self._snapshots.get(snapshot.topic)
        if known is not None and known.seq >= snapshot.seq:
            return
        more = len(snapshot.state) - (len(known.state) if known is not None else 0)
        if self._snapshot_bytes + more > MAX_SNAPSHOT_BYTES or self._closing.is_set():
            return
        self._snapshots[snapshot.topic] = snapshot
        self._snapshot_bytes += more
        self._start_committing()

    def keep_spells(self, spells: Spells) -> None:
        """Add spells to the next batches; of one spell only the newest is written."""
        for each in spells.changed:
            if each.number in self._spells or len(self._spells) < MAX_SPELLS:
                self._spells[each.number] = each
        self._spells_of = spells
        self._start_committing()

    def _start_committing(self) -> None:
        if self._committing is None:
            self._committing = asyncio.create_task(self._commit_all())

    async def _commit_all(self) -> None:
        failures = 0
        try:
            while self._queue or self._marks or self._snapshots or self._spells_of is not None:
                await self._group_commit.wait(self._closing)
                batch = self._take_batch()
                if await self._commit_batch(batch):
                    failures = 0
                    await self._delivered(batch)
                    continue
                if self._closing.is_set():
                    return
                self._refuse_before(asyncio.get_running_loop().time() - MAX_WAIT_SECONDS)
                await self._back_off(failures)
                failures += 1
        finally:
            self._committing = None
            if self._closing.is_set():
                self._refuse_before(math.inf)

    async def _back_off(self, failures: int) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(self._retry_seconds * 2**failures, self._max_retry_seconds)):
                await self._closing.wait()

    def _refuse_before(self, when: float) -> None:
        while self._queue and self._queue[0].queued_at < when:
            _answer([self._take_group()], [_UNAVAILABLE])

    async def _delivered(self, batch: Batch) -> None:
        time = asyncio.get_running_loop().time
        begun = time()
        if len(batch.groups) > 1:
            # What the batch brings is sent at the end of this turn of the event loop, before the next one begins.
            await asyncio.sleep(0)
        now = time()
        self._group_commit.note_delivery(now - begun, batch, now)

    def _take_batch(self) -> Batch:
        groups: list[Group] = []
        size = 0
        while self._queue and size < MAX_BATCH:
            group = self._take_group()
            groups.append(group)
            size += len(group.entries)
        batch = Batch(groups, self._take_marks(), list(self._snapshots.values()), self._take_spells())
        self._snapshots, self._snapshot_bytes = {}, 0
        return batch

    def _take_marks(self) -> list[Mark]:
        return [self._marks.pop(key) for key in list(islice(self._marks, MAX_BATCH_MARKS))]

    def _take_spells(self) -> Spells | None:
        newest = self._spells_of
        if newest is None:
            return None
        taken = list(islice(self._spells, MAX_BATCH_SPELLS))
        changed = [self._spells.pop(number) for number in taken]
        if not self._spells:
            self._spells_of = None
        return Spells(newest.worker, newest.at, changed)

    def _take_group(self) -> Group:
        group = self._queue.popleft()
        self._queued -= len(group.entries)
        self._queued_bytes -= group.size
        return group

    async def _commit_batch(self, whole: Batch) -> bool:
        # Says whether the database answered. What it refuses is found by halving, so that the rest is stored.
        waiting = [whole]
        while waiting:
            batch = waiting.pop()
            try:
                stored = await self._commit(batch)
            except JournalUnavailable as error:
                self.writing.failed(error)
                self.counts.failures += 1
                self._give_up(batch, waiting)
                return False
            except asyncio.CancelledError:
                self._give_up(batch, waiting)
                raise
            except Exception as error:
                if len(batch) > 1:
                    waiting += reversed(batch.split())
                else:
                    _refuse(batch, error)
            else:
                self._deliver(batch, stored)
        return True

    async def _commit(self, batch: Batch) -> list[Stored]:
        time = asyncio.get_running_loop().time
        began = time()
        stored = await self._writer.commit(batch.groups, batch.marks, batch.snapshots, batch.spells)
        entries = sum([len(group.entries) for group in batch.groups])
        self.counts.seconds.observe(time() - began)
        if entries:
            self.counts.sizes.observe(entries)
            self.counts.entries += entries
        return stored

    def _give_up(self, in_doubt: Batch, untried: Sequence[Batch]) -> None:
        for batch in (in_doubt, *reversed(untried)):
            _answer(batch.groups, repeat(_UNAVAILABLE))
            self._put_back(batch.marks)
            if batch.spells is not None:
                self._put_back_spells(batch.spells)
        if in_doubt.groups:
            self._listener.in_doubt(in_doubt.topics)

    def _put_back(self, marks: Sequence[Mark]) -> None:
        # Their clients were answered already, so they go into the next transaction.
        for mark in marks:
            key = (mark.topic, mark.user_id)
            self._marks[key] = self._marks[key].merged(mark) if key in self._marks else mark

    def _put_back_spells(self, spells: Spells) -> None:
        self._spells = {each.number: each for each in spells.changed} | self._spells
        self._spells_of = self._spells_of or spells

    def _deliver(self, batch: Batch, stored: list[Stored]) -> None:
        self.writing.succeeded()
        try:
            self._publish(batch.groups, stored)
            if batch.marks:
                self._listener.marked(batch.marks)
        except Exception:  # what is committed stays so, and its authors must be answered
            log.exception("a committed batch could not be delivered")
        _answer(batch.groups, [each[0] if isinstance(each, list) else each for each in stored])

    def _publish(self, groups: Sequence[Group], stored: list[Stored]) -> None:
        fresh: list[tuple[Entry, Event]] = []
        for group, receipts in zip(groups, stored, strict=True):
            if not isinstance(receipts, list):
                continue
            if not receipts[0].fresh:
                self._listener.already_stored(group.entries[0].topic, receipts[0].seq)
                continue
            for entry, receipt in zip(group.entries, receipts, strict=True):
                if entry.choice is not None:
                    continue
                payload = stamped(entry.body(receipts[0].seq), receipt.seq, receipt.at)
                fresh.append((entry, Event(receipt.seq, entry.event, payload)))
        if fresh:
            self._listener.committed(fresh, groups[0].queued_at)


def _refuse(batch: Batch, error: Exception) -> None:
    for group in batch.groups:
        entry = group.entries[0]
        log.error("an event %s of user %d could not be stored", entry.event, entry.author_id, exc_info=error)
    _answer(batch.groups, repeat(_REFUSED))
    for mark in batch.marks:
        log.error("a read mark of user %d in %s could not be stored", mark.user_id, mark.topic, exc_info=error)
    for snapshot in batch.snapshots:
        log.error("a snapshot of %s could not be stored", snapshot.topic, exc_info=error)
    if batch.spells is not None:
        log.error("%d spells of presence could not be stored", len(batch.spells.changed), exc_info=error)


def _answer(groups: Iterable[Group], outcomes: Iterable[Receipt | Superseded | Refused]) -> None:
    for group, outcome in zip(groups, outcomes, strict=False):
        try:
            group.done(outcome)
        except Exception:  # one client's reply must not cost the rest of the batch theirs
            log.exception("an append's outcome could not be told")
