"""Helpers of the journal's tests: entries, groups, and a listener that records its calls."""

import asyncio
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncEngine

from channels.errors import Refused
from channels.journal.commit_queue import CLOSE_SECONDS
from channels.journal.entry import Checked, Entry, Group, Mark, Receipt, Superseded, Writer
from channels.journal.journal import Journal
from channels.wire.codec import Event

Outcome = Receipt | Superseded | Refused


class Recorder:
    """Records the calls that a journal makes to its listener."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.doubted: list[set[str]] = []
        self.stored_before: list[tuple[str, int]] = []
        self.marks: list[Mark] = []

    def committed(self, batch: Sequence[tuple[Entry, Event]], queued_at: float) -> None:
        self.events += [event for _, event in batch]

    def in_doubt(self, topics: set[str]) -> None:
        self.doubted.append(topics)

    def already_stored(self, topic: str, seq: int) -> None:
        self.stored_before.append((topic, seq))

    def marked(self, marks: Sequence[Mark]) -> None:
        self.marks += marks


def entry(
    topic: str = "class:7", author: int = 1, push_id: str | None = None, text: str = "x", *, governs: bool = False
) -> Entry:
    """Make an entry with a chat message."""
    return Entry(topic, "message:sent", b'{"text":"%b"}' % text.encode(), author, push_id, 1_000, governs)


def group(*entries: Entry) -> Group:
    """Make a group with a callback that ignores its outcome."""
    return Group(entries, lambda outcome: None)


def receipt(seq: int, *, fresh: bool = True) -> Receipt:
    """Return the receipt of an `entry` stored at `seq`."""
    return Receipt(seq, 1_000, fresh)


def started(database: AsyncEngine, writer: Writer, *, close_seconds: float = CLOSE_SECONDS) -> Journal:
    """Make a journal and start it, so that it accepts appends."""
    journal = Journal(database, writer, close_seconds=close_seconds)
    journal.start(Recorder())
    return journal


async def append(journal: Journal, *entries: Entry) -> list[Outcome]:
    """Append each entry as its own push, wait for all outcomes and return them."""
    outcomes: list[Outcome] = []
    for each in entries:
        journal.append([each], outcomes.append)
    await until_has(outcomes, len(entries))
    return outcomes


async def append_group(journal: Journal, *entries: Entry, checked: int | None = None) -> Outcome:
    """Append entries as one push and return its outcome."""
    outcomes: list[Outcome] = []
    journal.append(entries, outcomes.append, None if checked is None else Checked(entries[0].topic, checked))
    await until_has(outcomes, 1)
    return outcomes[0]


async def until_has(outcomes: Sequence[object], count: int) -> None:
    """Wait until `outcomes` has `count` elements."""
    async with asyncio.timeout(10):
        while len(outcomes) < count:
            await asyncio.sleep(0.001)


async def mark_read(journal: Journal, *marks: Mark) -> None:
    """Record read marks and wait until they are committed."""
    for mark in marks:
        journal.mark_read(mark)
    await until_idle(journal)


async def until_idle(journal: Journal) -> None:
    """Wait until no commit is in progress."""
    async with asyncio.timeout(10):
        while journal._commits._committing is not None:
            await asyncio.sleep(0.001)
