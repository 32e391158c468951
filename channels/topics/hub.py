"""This worker's topics: their order, what of them is in memory, and the fan-out to this worker's sessions.

    journal commits, broker's envelopes -> deliver() -> in order, once -> gathered for this turn -> one write a client

A topic is a sequence. The event after the last delivered one is delivered, an older one dropped, a later one waits
while the hole before it is read from the journal. What a topic gets in one turn of the event loop is put into bytes
once per wire, offered to every session as one buffer, and each session with something to take is flushed once, at
the turn's end: one system call per client and turn, however many events, replies and topics. In a storm, when writing
takes long, a turn is drawn out until the other workers' events have come as well.

The hub does not know what events mean, who may see them, or what a connection is.
"""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence, Set
from itertools import chain, islice

from channels.broker.broker import Broker, Envelope
from channels.journal.batch_reader import Gatherer
from channels.journal.journal import Entry, Journal
from channels.limit import (
    MAX_MISSED_BYTES,
    MAX_MISSED_EVENTS,
    NEWEST_EVENTS,
    RECENT_EVENTS,
    TOPIC_LINGER_SECONDS,
)
from channels.sessions.session import Sender, Session, Transport
from channels.topics.gap_recovery import PAGE_EVENTS, CatchUp
from channels.topics.topic import State, Topic
from channels.wire.codec import Event, Wire, total_bytes

log = logging.getLogger(__name__)

# Where several events of a topic came together while others were written, and some of them from other workers, the next
# writing waits as long again for more, and no longer than this, which nobody notices. Measured on two workers, a class
# of 2,000 with 64 in flight: 0.41 µs of CPU a delivery without, 0.18 with it.
LINGER_SECONDS = 0.008
ALONE_SECONDS = 1.0  # without an event from another worker

# How many are written to before others have their turn: some 12 ms, which is as long as they can be kept waiting.
MAX_WRITES = 2_000

# Events read from the journal at a time for one who comes back: the longest of them hold 2.4 MB.
MISSED_PAGE_EVENTS = 100


class Hub:
    """The topics of one worker.

    `make_state` makes the empty state of a topic from its name. `before_flush` may be set to what has to be offered
    to sessions, or told to other workers, at the end of each turn in which anything happened; `unheard` to who wants to
    know that something was published which no other worker asked for, `regained` that a topic is heard again.
    """

    def __init__(self, journal: Journal, broker: Broker, make_state: Callable[[str], State]) -> None:
        self.topics: dict[str, Topic] = {}
        self.before_flush: Callable[[], None] = lambda: None
        self._control: dict[str, Callable[[bytes], None]] = {}
        self.unheard: Callable[[str], None] = lambda channel: None
        self.regained: Callable[[str], None] = lambda channel: None
        self._journal = journal
        self._broker = broker
        self._make_state = make_state
        self._moved: dict[Topic, None] = {}
        self._awake: dict[Session, None] = {}
        # What not all of a topic's sessions have been written yet: for each wire the bytes, and who is to get them.
        self._unwritten: dict[Topic, list[tuple[bytes, dict[Session, None]]]] = {}
        self._outbound: list[Envelope] = []
        self._flushing: asyncio.Handle | None = None
        self._publishing: asyncio.Handle | None = None
        self._linger = 0.0
        self._others_at = float("-inf")  # when an event of another worker came last
        self._heads = Gatherer(journal.heads)
        self.catch_up = CatchUp(journal, self.topics, self._accept, lambda: broker.check_seconds)

    async def start(self) -> None:
        """Begin to listen to the broker, and to ask the journal what the broker has lost."""
        await self._broker.start(self._receive, self._resubscribed, self._unheard)
        self.catch_up.start()

    async def close(self) -> None:
        """Stop listening; what was offered is flushed."""
        await self.catch_up.close()
        loading = [topic.loading for topic in self.topics.values() if topic.loading is not None]
        for task in loading:
            task.cancel()
        await asyncio.gather(*loading, return_exceptions=True)
        for handle in (self._flushing, self._publishing):
            if handle is not None:
                handle.cancel()
        self.flush()
        while self._unwritten or self._moved:
            self.flush()
        await self._broker.close()

    # Topics

    @contextlib.asynccontextmanager
    async def holding(self, name: str) -> AsyncIterator[Topic]:
        """Give a topic that knows its position and state, reading them if it is new here; it stays while held.

        Raises `JournalUnavailable`.
        """
        topic = self.topics.get(name)
        if topic is None:
            topic = self.topics[name] = Topic(name, self._make_state(name))
            self._broker.subscribe(name)
            topic.loading = asyncio.create_task(self._load(topic))
        topic.holds += 1
        try:
            if topic.loading is not None:
                # Shielded: the one whose join is given up must not take the others' with it.
                await asyncio.shield(topic.loading)
            yield topic
        finally:
            topic.holds -= 1

    async def _load(self, topic: Topic) -> None:
        try:
            # Most topics are those of single users, and empty: after a restart, one query tells that of hundreds.
            events = await self._read(topic) if await self._heads.read(topic.name) else []
        except BaseException:
            del self.topics[topic.name]
            self._broker.unsubscribe(topic.name)
            raise
        for event in events:
            topic.remember(event)
        topic.loading = None
        self.catch_up.take_waiting(topic)

    async def _read(self, topic: Topic) -> list[Event]:
        events = await self._journal.before(topic.name, None, RECENT_EVENTS)
        seq = events[-1].seq if events else 0
        await self._fold(topic.state, topic.name, seq)
        for user_id, read in (await self._journal.marks(topic.name)).items():
            topic.reads[user_id] = max(read, topic.reads.get(user_id, 0))
        topic.seq = seq
        topic.head = max(topic.head, seq)
        return events

    async def _fold(self, state: State, name: str, until: int) -> None:
        seq = 0
        while state.kinds:
            page = await self._journal.after(name, seq, PAGE_EVENTS, state.kinds)
            for event in page:
                if event.seq <= until:
                    state.apply(event)
            if len(page) < PAGE_EVENTS:
                return
            seq = page[-1].seq

    def forget_idle(self, now: float) -> None:
        """Drop the topics that nobody here has had joined for a while; called now and then."""
        for topic in list(self.topics.values()):
            if topic.audience or topic.holds or topic.loading is not None:
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

    # Joining and leaving

    def remembered(self, topic: Topic, since: int | None) -> list[Event] | None:
        """Return from memory what `missed` would, all of it; None where that has to read the journal."""
        if topic.loading is not None:
            return None
        return topic.remembered(max(0, topic.seq - NEWEST_EVENTS) if since is None else since)

    async def missed(self, topic: Topic, since: int | None) -> tuple[list[Event], bool]:
        """Return the events that a client lacks who has seen `since`, and whether those are all of them.

        They reach to `topic.seq` as it is on return: whoever adds the session before the next await leaves no gap.
        Raises `JournalUnavailable`.
        """
        if since is None:
            return await self._newest(topic), True
        if since > topic.seq:  # seen on a worker that was told sooner, or a position of some other journal
            await self.catch_up.check_these([topic.name])
            if since > topic.seq:
                return await self._newest(topic), False
        events = await self._events_after(topic, since)
        if events is None or len(events) > MAX_MISSED_EVENTS or total_bytes(events) > MAX_MISSED_BYTES:
            return await self._newest(topic), False
        return events, True

    async def _newest(self, topic: Topic) -> list[Event]:
        events = await self._events_after(topic, max(0, topic.seq - NEWEST_EVENTS)) or []
        events = events[-NEWEST_EVENTS:]
        while total_bytes(events) > MAX_MISSED_BYTES:
            events.pop(0)
        return events

    async def _events_after(self, topic: Topic, seq: int) -> list[Event] | None:
        # None: more than the bounds. The topic may move while the journal is read; memory has what came then.
        read: list[Event] = []
        while (events := topic.remembered(read[-1].seq if read else seq)) is None:
            if len(read) >= MAX_MISSED_EVENTS or total_bytes(read) > MAX_MISSED_BYTES:
                return None
            page = await self._journal.after(topic.name, read[-1].seq if read else seq, MISSED_PAGE_EVENTS)
            read += [event for event in page if event.seq <= topic.seq]
        return read + events

    def add(self, topic: Topic, session: Session) -> None:
        """Let a session have what the topic gets from now on."""
        if topic.unsent:
            self._gather(topic)
        topic.place(session)

    def remove(self, topic: Topic, session: Session) -> None:
        """Let a session have no more of it."""
        topic.take_out(session)
        for _, waiting in self._unwritten.get(topic, ()):
            waiting.pop(session, None)

    # Delivery

    def commit(self, batch: Sequence[tuple[Entry, Event]]) -> None:
        """Take what this worker's journal has just committed: for the sessions here, and for the other workers."""
        for entry, event in batch:
            self._tell(Envelope(entry.topic, event.event, event.payload, event.seq))
            topic = self.topics.get(entry.topic)
            if topic is not None:
                self._deliver(topic, event)
        self.schedule()

    def flash(self, topic_name: str, event: str, payload: bytes) -> None:
        """Send an ephemeral message to a topic's sessions on every worker."""
        envelope = Envelope(topic_name, event, payload)
        self._tell(envelope)
        self._pass_on(envelope)
        self.schedule()

    def tell_workers(self, channel: str, payload: bytes) -> None:
        """Send bytes to whoever on other workers listens to a channel that is no topic."""
        self._tell(Envelope(channel, "", payload))
        self.schedule()

    def listen(self, channel: str, heard: Callable[[bytes], None]) -> None:
        """Hear what other workers tell on a channel that is no topic."""
        self._control[channel] = heard
        self._broker.subscribe(channel)

    def broadcast(self, topic: Topic, event: str, payload: bytes) -> None:
        """Send a message that is not in the journal to a topic's sessions here, in order with everything else."""
        self._gather(topic)
        self._offer(topic, Session.offer, _encoder(topic, event, payload))

    def broadcast_snapshot(self, topic: Topic, event: str, payload: bytes) -> None:
        """Send a message of which only the newest matters to a topic's sessions here."""
        key = f"{topic.wire_name} {event}"
        encode = _encoder(topic, event, payload)
        self._offer(topic, lambda session, data: session.offer_snapshot(key, data), encode)

    def _unheard(self, topic: str) -> None:
        self.unheard(topic)

    def _resubscribed(self, topics: Collection[str]) -> None:
        self.catch_up.look_up(topics)
        for topic in topics:
            self.regained(topic)

    def _receive(self, batch: Sequence[Envelope]) -> None:
        for envelope in batch:
            try:
                self._take(envelope)
            except Exception:  # one envelope, of another version perhaps, must not cost the others
                log.exception("what another worker told about %s could not be taken", envelope.topic)

    def _take(self, envelope: Envelope) -> None:
        heard = self._control.get(envelope.topic)
        if heard is not None:
            heard(envelope.payload)
            self.schedule()  # what it changes is told at the end of this turn
        elif envelope.seq:
            self._others_at = asyncio.get_running_loop().time()
            topic = self.topics.get(envelope.topic)
            if topic is not None:
                self._deliver(topic, Event(envelope.seq, envelope.event, envelope.payload))
        else:
            self._pass_on(envelope)

    def _pass_on(self, envelope: Envelope) -> None:
        topic = self.topics.get(envelope.topic)
        if topic is not None:
            encode = _encoder(topic, envelope.event, envelope.payload)
            self._offer(topic, Session.offer_ephemeral, encode)

    def _deliver(self, topic: Topic, event: Event) -> None:
        if topic.loading is None and event.seq == topic.seq + 1:
            self._accept(topic, event)
            if topic.waiting:
                self.catch_up.take_waiting(topic)
        elif event.seq > topic.seq:
            self._wait(topic, event)

    def _accept(self, topic: Topic, event: Event) -> None:
        topic.seq = event.seq
        topic.head = max(topic.head, event.seq)
        topic.remember(event)
        topic.state.apply(event)
        if not topic.audience:
            return
        if not topic.unsent:
            self._moved[topic] = None
            self.schedule()
        topic.unsent.append(event)

    def _wait(self, topic: Topic, event: Event) -> None:
        # What does not fit is read from the journal with the rest of the hole.
        if len(topic.waiting) < PAGE_EVENTS:
            topic.waiting[event.seq] = event
        self.catch_up.known(topic.name, event.seq)

    # The end of a turn

    def wake(self, session: Session) -> None:
        """Have a session's transport flush it at the end of this turn."""
        self._awake[session] = None
        self.schedule()

    def place(self, session: Session) -> None:
        """Write to a session as its wire and its way are now."""
        for subscription in session.subscriptions.values():
            topic = self.topics.get(subscription.topic)
            if topic is not None:
                topic.place(session)

    def schedule(self) -> None:
        """Have `flush` called at the end of this turn; in a storm, a little later."""
        if self._flushing is None:
            loop = asyncio.get_running_loop()
            if self._linger:
                self._flushing = loop.call_later(self._linger, self.flush)
            else:
                self._flushing = loop.call_soon(self.flush)

    def flush(self) -> None:
        """Offer what the turn has gathered, and write: one buffer per client, one batch for the broker."""
        try:
            self.before_flush()
            self._publish()
            moved, self._moved = self._moved, {}
            is_storm = any(len(topic.unsent) > 1 for topic in moved)
            now = asyncio.get_running_loop().time
            began = now()
            self._write(moved)
            took = now() - began
            self._linger = 0.0
            if is_storm and not self._unwritten and began < self._others_at + ALONE_SECONDS:
                self._linger = min(took, LINGER_SECONDS)
        finally:
            self._flushing = None  # only now: what was offered above belongs to this turn
        if self._unwritten or self._moved:
            self.schedule()
        awake, self._awake = self._awake, {}
        for session in awake:
            if session.transport is not None:
                _flush(session.transport)

    def _tell(self, envelope: Envelope) -> None:
        self._outbound.append(envelope)
        if self._publishing is None:
            # Now, also where this worker's own clients get it a little later: the others gather, too.
            self._publishing = asyncio.get_running_loop().call_soon(self._publish)

    def _publish(self) -> None:
        self._publishing = None
        if self._outbound:
            outbound, self._outbound = self._outbound, []
            self._broker.publish(outbound)

    def _write(self, topics: Collection[Topic]) -> None:
        # Straight into the sockets, but for whom something else is to be told in this turn: 3 µs of CPU a delivery less
        # than by the outbox, beside 5 for the system call.
        self._moved |= dict.fromkeys(topic for topic in topics if topic in self._unwritten)
        # Without those that were offered before their time, for somebody who came in.
        ready = [topic for topic in topics if topic.unsent and topic not in self._unwritten]
        apart = self._awake.keys() | _in_several(ready)
        for topic in ready:
            unsent, topic.unsent = topic.unsent, []
            for wire, group in topic.groups.items():
                if group:
                    self._write_to(topic, group, _joined(wire, topic.wire_name, unsent), apart)
        for topic in list(self._unwritten):
            self._write_on(topic)

    def _write_to(self, topic: Topic, group: dict[Session, Sender], data: bytes, apart: Set[Session]) -> None:
        if len(group) > MAX_WRITES:
            self._unwritten.setdefault(topic, []).append((data, dict.fromkeys(group)))
            return
        by_outbox = group.keys() & apart
        group.update((session, session) for session in by_outbox)
        _send(group, data)
        for session in by_outbox:
            topic.place(session)

    def _write_on(self, topic: Topic) -> None:
        # To so many of those who have not been written to yet.
        parts = self._unwritten[topic]
        data, waiting = parts[-1]
        senders: dict[Session, Sender] = {}
        for session in list(islice(waiting, MAX_WRITES)):
            del waiting[session]
            senders[session] = session if session in self._awake else topic.groups[session.wire][session]
        _send(senders, data)
        if not waiting:
            parts.pop()
        if not parts:
            del self._unwritten[topic]

    def _gather(self, topic: Topic) -> None:
        # By the outboxes: what a socket takes only in part has to be followed by the rest before anything else.
        for data, waiting in self._unwritten.pop(topic, ()):
            for session in waiting:
                session.offer(data)
        if topic.unsent:
            unsent, topic.unsent = topic.unsent, []
            self._offer(topic, Session.offer, lambda wire: _joined(wire, topic.wire_name, unsent))

    @staticmethod
    def _offer(topic: Topic, offer: Callable[[Session, bytes], None], encode: Callable[[Wire], bytes]) -> None:
        for wire, group in topic.groups.items():
            if group:
                data = encode(wire)
                for session in group:
                    offer(session, data)


def _send(group: Mapping[Session, Sender], data: bytes) -> None:
    # Nothing is called but `send`, and nothing made or looked up, for each of thousands.
    size = len(data)
    short: list[tuple[Sender, int]] = []
    for sender in group.values():
        try:
            sent = sender.send(data)
        except OSError:
            sent = 0
        if sent < size:
            short.append((sender, sent))
    if short:
        # First in their outboxes: nothing waits there.
        sessions = {sender: session for session, sender in group.items()}
        for sender, sent in short:
            sessions[sender].offer(data[sent:])


def _in_several(topics: Collection[Topic]) -> Collection[Session]:
    if len(topics) == 1:
        return ()
    groups = [group for topic in topics for group in topic.groups.values()]
    together: set[Session] = set().union(*groups)
    if len(together) == sum(map(len, groups)):  # as mostly: whoever is in a class is not in the next one
        return ()
    return [session for session, count in Counter(chain.from_iterable(groups)).items() if count > 1]


def _flush(transport: Transport) -> None:
    try:
        transport.flush()
    except Exception:  # a transport must not raise; if one does, the other clients do not pay for it
        log.exception("a client could not be written to")


def _encoder(topic: Topic, event: str, payload: bytes) -> Callable[[Wire], bytes]:
    return lambda wire: wire.broadcast(topic.wire_name, event, payload)


def _joined(wire: Wire, topic: str, events: Iterable[Event]) -> bytes:
    return b"".join([wire.broadcast(topic, event.event, event.payload) for event in events])
