"""This worker's topics: which of them are in memory, what is known of each, and the order of their events.

    journal's commits, broker's envelopes -> in order, once -> state and memory -> FanOut -> sessions

A topic is a sequence. The event after the last delivered one is delivered, an older one dropped, a later one waits
while the hole before it is read from the journal (`gap_recovery`). What sessions are sent, and when, is decided by
`fan_out`. `docs/notes/order.md` explains why the order holds.

The hub does not know what events mean, who may see them, or what a connection is.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from functools import partial
from types import MappingProxyType

from channels.broker.broker import Broker, Envelope
from channels.errors import GAP, JournalUnavailable
from channels.event import Amend
from channels.journal.batch_reader import BatchReader
from channels.journal.entry import Entry
from channels.journal.journal import Journal
from channels.journal.moves import Moves
from channels.limit import TOPIC_LINGER_SECONDS
from channels.topics.empty_topics import EmptyTopics
from channels.topics.fan_out import FanOut, TurnListener
from channels.topics.gap_recovery import PAGE_EVENTS, GapRecovery
from channels.topics.topic import Topic
from channels.topics.topic_reader import SNAPSHOT_EVENTS, TopicReader
from channels.wire.codec import Event

log = logging.getLogger(__name__)

# A client may claim any position, and after a restore all clients do: one line is enough to notice.
BEYOND_LOG_SECONDS = 3600.0

# How long after a failed read of the journal the state of a topic is read again.
RENEW_SECONDS = 0.5
# How long a join waits for that: it is answered within 5 s.
RENEWED_SECONDS = 4.0


class Hub:
    """The topics of one worker.

    `make_topic` makes an empty one from its name; `amends` has the kinds of event that amend earlier ones; `notes` what
    to call with the topic and position of an event of some kinds once it was sent to the sessions here. Events of the
    kinds in `passing` do not count among the newest. Before an event of a kind in `rewriting` the journal has rewritten
    others of its topic: what is kept of them is read again.
    """

    def __init__(
        self,
        journal: Journal,
        broker: Broker,
        make_topic: Callable[[str], Topic],
        amends: Mapping[str, Amend] = MappingProxyType({}),
        notes: Mapping[str, Callable[[Topic, int], None]] = MappingProxyType({}),
        *,
        passing: Collection[str] = (),
        rewriting: Collection[str] = (),
        snapshot_events: int = SNAPSHOT_EVENTS,
    ) -> None:
        self.topics: dict[str, Topic] = {}
        self.fan_out = FanOut(self.topics, broker)
        self._journal = journal
        self._broker = broker
        self._make_topic = make_topic
        self._amends = amends
        self._notes = notes
        self._rewriting = frozenset(rewriting)
        self._renewing: set[asyncio.Task[None]] = set()
        self._heads = BatchReader(journal.heads)
        self._empty = EmptyTopics(journal)
        self._reader = TopicReader(journal, {*amends, *passing}, snapshot_events=snapshot_events)
        self._gap_recovery = GapRecovery(self.topics, journal, broker)
        self._report_again_at = 0.0  # by the event loop's clock

    async def read_ahead(self) -> None:
        """Read which topics have events; call it before `start`, or not at all. Raises `JournalUnavailable`."""
        version = None
        if self._broker.check_seconds is not None:  # other workers commit events, too
            moves = await self._journal.moved(None)
            if moves.version is None:
                return
            version = moves.version
            self._gap_recovery.begin_from(moves.next)
        await self._empty.read(version)

    def start(self, listener: TurnListener) -> None:
        """Begin to ask the journal what the broker has lost; `listener` is called at the end of each turn."""
        self.fan_out.start(listener)
        self._gap_recovery.start(self)

    async def close(self) -> None:
        """Stop reading; what was offered is flushed and published."""
        await self._gap_recovery.close()
        loading = [topic.loading for topic in self.topics.values() if topic.loading is not None]
        loading += self._renewing
        for task in loading:
            task.cancel()
        await asyncio.gather(*loading, return_exceptions=True)
        self.fan_out.close()

    # Topics

    @contextlib.asynccontextmanager
    async def holding(self, name: str) -> AsyncIterator[Topic]:
        """Yield a topic with its position and state, reading them if it is new here; it is not dropped while held.

        Raises `JournalUnavailable`.
        """
        topic = self.topics.get(name) or self._begin(name, is_empty=name in self._empty)
        topic.holds += 1
        try:
            if topic.loading is not None:
                # Shielded: a join that is cancelled must not cancel the others'.
                await asyncio.shield(topic.loading)
            if topic.renewing is not None:
                await self._renewed(topic.renewing)
            yield topic
        finally:
            topic.holds -= 1

    def at_hand(self, name: str) -> Topic | None:
        """Return a topic that is in memory, or has no events; None where it has to be read."""
        topic = self.topics.get(name)
        return self._begin(name, is_empty=True) if topic is None and name in self._empty else topic

    def _begin(self, name: str, *, is_empty: bool) -> Topic:
        topic = self.topics[name] = self._make_topic(name)
        self.fan_out.left.add(topic)
        self._broker.subscribe(name)
        if is_empty:
            self._reader.begin(topic)
        else:
            topic.loading = asyncio.create_task(self._load(topic))
        return topic

    async def _renewed(self, renewing: asyncio.Task[None]) -> None:
        # Who joins now was perhaps told to load anew, and must not get what was erased.
        done, _ = await asyncio.wait([renewing], timeout=RENEWED_SECONDS)
        if not done:
            raise JournalUnavailable("a topic that was rewritten could not be read again")

    async def _load(self, topic: Topic) -> None:
        try:
            # Most topics are those of single users, and empty: after a restart, one query shows that for hundreds.
            await self._reader.load(topic, await self._heads.read(topic.name) or 0)
        except BaseException:
            del self.topics[topic.name]
            self._broker.unsubscribe(topic.name)
            raise
        topic.loading = None
        self._gap_recovery.take_waiting(topic)

    def forget_idle(self, now: float) -> None:
        """Drop the topics that no session here has joined for TOPIC_LINGER_SECONDS; called periodically.

        Looks only at those that are new or that somebody has left, not at one for each user.
        """
        for topic in list(self.fan_out.left):
            if topic.audience or self.topics.get(topic.name) is not topic:
                topic.idle_since = None
                self.fan_out.left.discard(topic)
            elif topic.holds or topic.loading is not None:
                topic.idle_since = None
            elif topic.idle_since is None:
                topic.idle_since = now
            elif now - topic.idle_since > TOPIC_LINGER_SECONDS:
                self._forget(topic)

    def _forget(self, topic: Topic) -> None:
        if topic.hole is not None:
            topic.hole.cancel()
        self._broker.unsubscribe(topic.name)
        del self.topics[topic.name]
        self.fan_out.left.discard(topic)

    # What a client that joins is sent

    def remembered(self, topic: Topic, since: int | None) -> list[Event] | None:
        """Return from memory what `missed` would, all of it; None where that has to read the journal."""
        if topic.loading is not None or topic.renewing is not None:
            return None
        return self._reader.remembered_newest(topic) if since is None else topic.remembered(since)

    async def missed(self, topic: Topic, since: int | None) -> tuple[list[Event], bool]:
        """Return the events that a client lacks that has seen `since`, and whether those are all of them.

        They reach to `topic.seq` as it is on return: adding the session before the next await leaves no gap.
        Raises `JournalUnavailable`.
        """
        if since is not None and since > topic.seq:
            # Seen on a worker that learned of it sooner, or a position of some other journal.
            await self._gap_recovery.check_these([topic.name])
            if since > topic.seq:
                self._report_beyond(topic, since)
        return await self._reader.missed(topic, since)

    def _report_beyond(self, topic: Topic, since: int) -> None:
        now = asyncio.get_running_loop().time()
        if now < self._report_again_at:
            return
        self._report_again_at = now + BEYOND_LOG_SECONDS
        log.warning(
            "A client has position %d of %s, which ends at %d: a restored journal needs a new epoch "
            "(docs/operations.md, Backup and restore)",
            since,
            topic.name,
            topic.seq,
        )

    # Delivery

    def committed(self, batch: Sequence[tuple[Entry, Event]]) -> None:
        """Take what this worker's journal has just committed: for the sessions here, and for the other workers."""
        for entry, event in batch:
            self._empty.fill(entry.topic)
            self.fan_out.publish(Envelope(entry.topic, event.event, event.payload, event.seq))
            topic = self.topics.get(entry.topic)
            if topic is not None:
                self._deliver(topic, event)

    def in_doubt(self, topics: Collection[str]) -> None:
        """Look for events that a commit may have added whose answer was lost."""
        for name in topics:
            self._empty.fill(name)
        self._gap_recovery.doubt()

    def already_stored(self, topic: str, seq: int) -> None:
        """Note that a topic has an event of this position, which a client has just pushed again."""
        self._empty.fill(topic)
        self._gap_recovery.known(topic, seq)

    def flash(self, topic_name: str, event: str, payload: bytes) -> None:
        """Send an ephemeral message to a topic's sessions on every worker."""
        envelope = Envelope(topic_name, event, payload)
        self.fan_out.publish(envelope)
        self._broadcast_ephemeral(envelope)

    def receive(self, envelope: Envelope) -> None:
        """Take what another worker has published to a topic."""
        if not envelope.seq:
            self._broadcast_ephemeral(envelope)
            return
        self.fan_out.note_remote_event()
        topic = self.topics.get(envelope.topic)
        if topic is not None:
            self._deliver(topic, Event(envelope.seq, envelope.event, envelope.payload))

    def resubscribed(self, topics: Collection[str]) -> None:
        """Look for events of these topics that the broker did not deliver while it was not subscribed to them."""
        self._gap_recovery.check_soon()

    def doubted(self) -> None:
        """Ask the journal as often as the broker says now."""
        self._gap_recovery.doubted()

    async def check(self) -> None:
        """Ask the journal which of this worker's topics have moved, and read what they lack.

        Raises `JournalUnavailable`.
        """
        await self._gap_recovery.check()

    async def recover(self, topic: Topic) -> None:
        """Read what a topic lacks now; raises `JournalUnavailable`."""
        await self._gap_recovery.check_these([topic.name])

    def _broadcast_ephemeral(self, envelope: Envelope) -> None:
        topic = self.topics.get(envelope.topic)
        if topic is not None:
            self.fan_out.broadcast_ephemeral(topic, envelope.event, envelope.payload)

    def _deliver(self, topic: Topic, event: Event) -> None:
        if topic.loading is None and event.seq == topic.seq + 1:
            self.accept(topic, event)
            if topic.waiting:
                self._gap_recovery.take_waiting(topic)
        elif event.seq > topic.seq:
            self._wait(topic, event)

    def accept(self, topic: Topic, event: Event) -> None:
        """Deliver the event after a topic's last one."""
        topic.seq = event.seq
        topic.head = max(topic.head, event.seq)
        if event.event in self._amends:
            topic.amend(event, self._amends[event.event])
        if event.event in self._rewriting:
            self._renew(topic)
        topic.remember(event)
        self.fan_out.deliver(topic, event)
        if event.event in self._notes:
            self._notes[event.event](topic, event.seq)
        try:
            topic.state.apply(event)
            if topic.seq >= topic.snapshot_due:
                self._reader.keep_snapshot(topic)
        except Exception:  # a feature's defect costs its own state, not the events that come after
            log.exception("%s: event %d could not be folded into the state", topic.name, event.seq)

    def _renew(self, topic: Topic) -> None:
        topic.forget_recent()
        topic.renewing = task = asyncio.create_task(self._renew_until_done(topic))
        self._renewing.add(task)
        task.add_done_callback(partial(self._end_renewal, topic))

    def _end_renewal(self, topic: Topic, task: asyncio.Task[None]) -> None:
        self._renewing.discard(task)
        if topic.renewing is task:
            topic.renewing = None

    async def _renew_until_done(self, topic: Topic) -> None:
        # Begun before the event counts: its position is reached by the time that anything was read.
        is_read = False
        while not is_read and self.topics.get(topic.name) is topic:
            try:
                await self._reader.renew(topic, self._make_topic(topic.name).state)
                is_read = True
            except JournalUnavailable:  # which the journal has logged
                await asyncio.sleep(RENEW_SECONDS)

    def moved(self, moves: Moves) -> None:
        """Note which topics have moved, by any worker, since the last call."""
        self._empty.note_moves(moves)

    def skip(self, topic: Topic, seq: int) -> None:
        """Go on after `seq`; sessions come back, and are answered that they cannot get all that they missed."""
        for session in list(topic.sessions()):
            session.end(GAP)
        topic.skip_to(seq)

    def _wait(self, topic: Topic, event: Event) -> None:
        # What does not fit is read from the journal with the rest of the hole.
        if len(topic.waiting) < PAGE_EVENTS:
            topic.waiting[event.seq] = event
        self._gap_recovery.known(topic.name, event.seq)
