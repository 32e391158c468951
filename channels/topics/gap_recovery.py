"""What this worker's topics lack, read from the journal: holes, losses of the broker, commits whose answer was lost.

    a later event came, the broker has subscribed again, a commit is in doubt, every 2 s -> is there more? -> read on

The broker's envelopes are only the quick way. What they leave out is found here, and handed to the hub in order.
What the journal does not have is not waited for: neither events that were announced and are not stored, nor events
whose rows were deleted.

The reasons: docs/notes/order.md.
"""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Protocol

from channels.broker.broker import Broker
from channels.errors import JournalUnavailable
from channels.journal.journal import Journal
from channels.journal.moves import Moves
from channels.topics.topic import Topic
from channels.wire.codec import Event

log = logging.getLogger(__name__)

# How long a later event waits for the one before it, which is often just behind, before the journal is asked.
HOLE_GRACE_SECONDS = 0.02

# How long after a failed read of the journal a hole is tried again.
HOLE_RETRY_SECONDS = 0.5

# How soon after a check the next one may begin. Each topic that becomes new here asks for one, once Redis has confirmed
# its subscription: where a school joins, several hundred a second would each cost 0.4 ms of CPU. The first is not late.
CHECK_PAUSE_SECONDS = 0.05

# After this long, a transaction whose connection was lost has been committed or never will be.
DOUBT_SECONDS = 5.0

# Events read from the journal at a time to fill a hole, and events of a topic that wait for one.
PAGE_EVENTS = 500

# Topics whose positions are read by one query, where the journal cannot say which have moved.
PAGE_TOPICS = 500


class GapListener(Protocol):
    """Gets the events that were missing."""

    def accept(self, topic: Topic, event: Event) -> None:
        """Deliver the event after a topic's last one."""

    def moved(self, moves: Moves) -> None:
        """Note which topics have moved since the last call."""

    def skip(self, topic: Topic, seq: int) -> None:
        """Go on after `seq`: the journal does not have the events before it any more."""


class GapRecovery:
    """Reads what the topics in `topics` lack; `broker.check_seconds` says how often it asks the journal by itself."""

    def __init__(
        self, topics: Mapping[str, Topic], journal: Journal, broker: Broker, *, doubt_seconds: float = DOUBT_SECONDS
    ) -> None:
        self._topics = topics
        self._journal = journal
        self._broker = broker
        self._doubt_seconds = doubt_seconds
        self._listener: GapListener | None = None
        self._since: int | None = None  # of which moves the journal has been asked
        self._checking: asyncio.Task[None] | None = None
        self._check_soon: asyncio.Task[None] | None = None
        self._is_wanted = False  # a check that begins from now on
        self._doubted = asyncio.Event()
        self._undecided: asyncio.TimerHandle | None = None
        self._closed = False

    def start(self, listener: GapListener) -> None:
        """Hand what is missing to `listener`, and begin to ask the journal periodically."""
        self._listener = listener
        self._checking = asyncio.create_task(self._check_periodically())

    def begin_from(self, since: int) -> None:
        """Ask first for what has moved since this number (`Moves.next`); call it before any topic is here."""
        self._since = since

    async def close(self) -> None:
        """Stop reading."""
        self._closed = True
        if self._undecided is not None:
            self._undecided.cancel()
        tasks = [self._checking, self._check_soon, *(topic.hole for topic in self._topics.values())]
        for task in filter(None, tasks):
            task.cancel()
        await asyncio.gather(*filter(None, tasks), return_exceptions=True)

    # Holes

    def known(self, name: str, seq: int) -> None:
        """Note that a topic has an event of this position, and read up to it if it does not come by itself."""
        topic = self._topics.get(name)
        if topic is not None and seq > topic.head:
            topic.head = seq
            self._fill(topic)

    def take_waiting(self, topic: Topic) -> None:
        """Deliver what waits and is next, and read what it still waits for."""
        self._take_next(topic)
        self._fill(topic)

    def _fill(self, topic: Topic) -> None:
        if topic.hole is None and topic.loading is None and topic.seq < topic.head and not self._closed:
            topic.hole = asyncio.create_task(self._fill_hole(topic))

    async def _fill_hole(self, topic: Topic) -> None:
        await asyncio.sleep(HOLE_GRACE_SECONDS)
        try:
            while topic.seq < topic.head:
                try:
                    await self._recover(topic)
                except Exception as error:
                    if not isinstance(error, JournalUnavailable):  # which the journal has logged
                        log.exception("%s: a hole could not be filled; it is tried again", topic.name)
                    await asyncio.sleep(HOLE_RETRY_SECONDS)
        finally:
            topic.hole = None

    async def _recover(self, topic: Topic) -> None:
        # Each call brings the topic closer to its head, or its head closer to it.
        before = topic.seq
        for event in await self._journal.after(topic.name, topic.seq, PAGE_EVENTS):
            if event.seq == topic.seq + 1:
                self._accept(topic, event)
        self._take_next(topic)
        if topic.seq == before < topic.head:
            await self._settle(topic)

    async def _settle(self, topic: Topic) -> None:
        # Positions and rows are committed together: what is missing below a position read before is not there any more.
        announced = list(topic.waiting)
        before = topic.seq
        head = (await self._journal.heads([topic.name])).get(topic.name, 0)
        events = await self._journal.after(topic.name, before, 1)
        if topic.seq > before:
            return
        following = events[0].seq if events else head + 1
        if following > before + 1:
            log.warning("%s: the journal lacks the events %d to %d", topic.name, before + 1, following - 1)
            self._listening.skip(topic, following - 1)
            self._take_next(topic)
        elif not events:
            for seq in announced:
                topic.waiting.pop(seq, None)
            topic.head = max(before, *topic.waiting) if topic.waiting else before

    def _take_next(self, topic: Topic) -> None:
        while (event := topic.waiting.pop(topic.seq + 1, None)) is not None:
            self._accept(topic, event)
        topic.waiting = {seq: event for seq, event in topic.waiting.items() if seq > topic.seq}

    def _accept(self, topic: Topic, event: Event) -> None:
        self._listening.accept(topic, event)

    @property
    def _listening(self) -> GapListener:
        assert self._listener is not None, "topics are loaded after the start"
        return self._listener

    # Checks: whether there is anything that nothing here shows to be missing

    async def _check_periodically(self) -> None:
        # One query that covers every way in which a broker can lose a message; with one worker there is nothing to ask.
        loop = asyncio.get_running_loop()
        checked_at = loop.time()
        while (seconds := self._broker.check_seconds) is not None:
            left = checked_at + seconds - loop.time()
            if left > 0:
                await self._wait(left)
                continue
            checked_at = loop.time()
            try:
                await self.check()
            except JournalUnavailable:
                pass  # which the journal has logged
            except Exception:
                log.exception("looking for lost events failed; it is tried again")

    async def _wait(self, seconds: float) -> None:
        # Without a broker the journal is the fan-out, and the next check is due sooner: the wait ends at once then.
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._doubted.wait()
        self._doubted.clear()

    def doubted(self) -> None:
        """Check as often as the broker says now."""
        self._doubted.set()

    def check_soon(self) -> None:
        """Look for lost events now: there may be some that nobody has announced."""
        self._is_wanted = True
        if self._check_soon is None and not self._closed:
            self._check_soon = asyncio.create_task(self._check_until_done())

    async def _check_until_done(self) -> None:
        try:
            while self._is_wanted:
                self._is_wanted = False
                try:
                    await self.check()
                    await asyncio.sleep(CHECK_PAUSE_SECONDS)
                except JournalUnavailable:
                    self._is_wanted = True
                    await asyncio.sleep(HOLE_RETRY_SECONDS)
        finally:
            self._check_soon = None

    def doubt(self) -> None:
        """Read what a commit may have added whose answer was lost: now, and when it must be decided."""
        self.check_soon()
        if self._undecided is not None:
            self._undecided.cancel()
        self._undecided = asyncio.get_running_loop().call_later(self._doubt_seconds, self.check_soon)

    async def check(self) -> None:
        """Ask the journal which topics have moved since the last check, and read what they lack.

        Raises `JournalUnavailable`.
        """
        if self._since is None:
            # What moved before is not known by when: the topics that are here are looked up by their names.
            moved = await self._journal.moved(None)
            await self.check_these([*self._topics])
            self._since = moved.next
            return
        moved = await self._journal.moved(self._since)
        self._since = moved.next
        self._listening.moved(moved)
        await self._reach(moved.heads)

    async def check_these(self, names: list[str]) -> None:
        """Ask about topics by their names; raises `JournalUnavailable`."""
        for start in range(0, len(names), PAGE_TOPICS):
            await self._reach(await self._journal.heads(names[start : start + PAGE_TOPICS]))

    async def _reach(self, heads: Mapping[str, int]) -> None:
        behind = []
        for name, head in heads.items():
            topic = self._topics.get(name)
            if topic is not None and topic.seq < head:
                topic.head = max(topic.head, head)
                behind.append(topic)
        try:
            for topic in behind:
                # One that is being loaded reads on by itself when it is.
                while topic.loading is None and topic.seq < topic.head:
                    await self._recover(topic)
        finally:
            for topic in behind:
                self._fill(topic)
