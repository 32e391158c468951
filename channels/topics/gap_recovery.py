"""What this worker's topics lack, read from the journal: holes, losses of the broker, commits whose answer was lost.

    a later event came, the broker has a topic again, an answer was lost, every 2 s -> is there more? -> read on

The broker's envelopes are the quick way only. Whatever they leave out is found here, and handed to the hub in order.
"""

import asyncio
import logging
from collections.abc import Collection, Mapping
from typing import Protocol

from channels.broker.broker import Broker
from channels.errors import JournalUnavailable
from channels.journal.journal import Journal
from channels.topics.topic import Topic
from channels.wire.codec import Event

log = logging.getLogger(__name__)

# How long a later event waits for the one before it, which is often just behind, before the journal is asked.
HOLE_GRACE_SECONDS = 0.02

# How long after a failed reading of the journal a hole is tried again.
HOLE_RETRY_SECONDS = 0.5

# How soon a broker that is lost is noticed: from then on the journal is the fan-out, and is asked more often.
GLANCE_SECONDS = 0.1

# After this long, a transaction whose connection was lost has been committed or never will be.
DOUBT_SECONDS = 5.0

# Events read from the journal at a time to fill a hole or to fold a topic's state.
PAGE_EVENTS = 500


class GapListener(Protocol):
    """Gets the events that were missing."""

    def accept(self, topic: Topic, event: Event) -> None:
        """Deliver the event after a topic's last one."""


class GapRecovery:
    """Reads what the topics in `topics` lack; `broker.check_seconds` says how often it asks the journal by itself."""

    def __init__(self, topics: Mapping[str, Topic], journal: Journal, broker: Broker) -> None:
        self._topics = topics
        self._journal = journal
        self._broker = broker
        self._listener: GapListener | None = None
        self._checking: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._doubtful: set[str] = set()
        self._undecided: set[str] = set()
        self._closed = False

    def start(self, listener: GapListener) -> None:
        """Hand what is missing to `listener`, and begin to ask the journal periodically."""
        self._listener = listener
        self._checking = asyncio.create_task(self._check_periodically())

    async def close(self) -> None:
        """Stop reading."""
        self._closed = True
        tasks = [self._checking, self._looking, *(topic.hole for topic in self._topics.values())]
        for task in filter(None, tasks):
            task.cancel()
        await asyncio.gather(*filter(None, tasks), return_exceptions=True)

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
        if topic.hole is None and topic.loading is None and topic.seq < topic.head:
            topic.hole = asyncio.create_task(self._fill_hole(topic))

    async def _fill_hole(self, topic: Topic) -> None:
        await asyncio.sleep(HOLE_GRACE_SECONDS)
        try:
            while topic.seq < topic.head:
                if not await self._try_to_read_on(topic):
                    await asyncio.sleep(HOLE_RETRY_SECONDS)
        finally:
            topic.hole = None

    async def _try_to_read_on(self, topic: Topic) -> bool:
        try:
            return await self._read_on(topic)
        except JournalUnavailable:
            return False

    def _accept(self, topic: Topic, event: Event) -> None:
        assert self._listener is not None, "topics are loaded after the start"
        self._listener.accept(topic, event)

    async def _read_on(self, topic: Topic) -> bool:
        # Tells whether the topic has moved, by this reading or meanwhile.
        before = topic.seq
        for event in await self._journal.after(topic.name, topic.seq, PAGE_EVENTS):
            if event.seq == topic.seq + 1:
                self._accept(topic, event)
        self._take_next(topic)
        return topic.seq > before

    def _take_next(self, topic: Topic) -> None:
        while (event := topic.waiting.pop(topic.seq + 1, None)) is not None:
            self._accept(topic, event)
        topic.waiting = {seq: event for seq, event in topic.waiting.items() if seq > topic.seq}

    async def _check_periodically(self) -> None:
        # One query that covers every way in which a broker can lose a message; nobody else, nothing to lose.
        loop = asyncio.get_running_loop()
        checked_at = loop.time()
        while (seconds := self._broker.check_seconds) is not None:
            if loop.time() - checked_at < seconds:
                await asyncio.sleep(GLANCE_SECONDS)
                continue
            checked_at = loop.time()
            try:
                await self.check()
            except JournalUnavailable:
                pass  # which the journal has logged
            except Exception:
                log.exception("looking for lost events failed; it is tried again")

    def look_up(self, names: Collection[str]) -> None:
        """Read what these topics lack, soon: they may have got something of which nobody has told."""
        self._doubtful.update(names)
        if self._looking is None and not self._closed:
            self._looking = asyncio.create_task(self._look_up())

    async def _look_up(self) -> None:
        try:
            while self._doubtful:
                names, self._doubtful = self._doubtful, set()
                try:
                    await self._look_up_once(names)
                except JournalUnavailable:
                    self._doubtful |= names
                    await asyncio.sleep(HOLE_RETRY_SECONDS)
        finally:
            self._looking = None

    async def _look_up_once(self, names: set[str]) -> None:
        # Topics that are being loaded are waited for: they may have been read just before.
        for loading in [topic.loading for topic in self._topics.values() if topic.name in names]:
            if loading is not None:
                await asyncio.shield(loading)
        await self.check_these([name for name in names if name in self._topics])

    def doubt(self, names: Collection[str]) -> None:
        """Read what these topics may have got by a commit whose answer was lost: now, and when it must be decided."""
        self.look_up(names)
        if not self._undecided:
            asyncio.get_running_loop().call_later(DOUBT_SECONDS, self._look_again)
        self._undecided.update(names)

    def _look_again(self) -> None:
        undecided, self._undecided = self._undecided, set()
        self.look_up(undecided)

    async def check(self) -> None:
        """Ask the journal which of this worker's topics have moved, and read what they lack.

        Raises `JournalUnavailable`.
        """
        await self.check_these([name for name, topic in self._topics.items() if topic.loading is None])

    async def check_these(self, names: list[str]) -> None:
        """Ask about some of the topics; raises `JournalUnavailable`."""
        for start in range(0, len(names), PAGE_EVENTS):
            heads = await self._journal.heads(names[start : start + PAGE_EVENTS])
            for name, head in heads.items():
                topic = self._topics.get(name)
                while topic is not None and topic.loading is None and topic.seq < head:
                    if not await self._read_on(topic):
                        break
