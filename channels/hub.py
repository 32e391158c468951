"""This worker's topics: their order, what of them is in memory, and the fan-out to this worker's sessions.

    journal commits, broker's envelopes -> deliver() -> in order, once -> gathered for this turn -> one write a client

A topic is a sequence. The event after the last delivered one is delivered, an older one dropped, a later one waits
while the hole before it is read from the journal. What a topic gets in one turn of the event loop is put into bytes
once per wire, offered to every session as one buffer, and each session with something to take is flushed once, at
the turn's end: one system call per client and turn, however many events, replies and topics.

The hub does not know what events mean, who may see them, or what a connection is.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence

from channels.broker import Broker, Envelope
from channels.errors import JournalUnavailable
from channels.journal import Entry, Journal
from channels.limit import (
    MAX_MISSED_BYTES,
    MAX_MISSED_EVENTS,
    NEWEST_EVENTS,
    RECENT_EVENTS,
    TOPIC_LINGER_SECONDS,
)
from channels.protocol import Event, Wire, total_bytes
from channels.session import Session, Transport
from channels.topic import State, Topic

log = logging.getLogger(__name__)

# How long a later event waits for the one before it, which is often just behind, before the journal is asked.
HOLE_GRACE_SECONDS = 0.02

# How long after a failed reading of the journal a hole is tried again.
HOLE_RETRY_SECONDS = 0.5

# How soon a broker that is lost is noticed: from then on the journal is the fan-out, and is asked more often.
GLANCE_SECONDS = 0.1

# After this long, a transaction whose connection was lost has been committed or never will be.
DOUBT_SECONDS = 5.0

# Events read from the journal at a time for one who comes back: the longest of them hold 2.4 MB.
MISSED_PAGE_EVENTS = 100

# Events read from the journal at a time to fill a hole or to fold a topic's state.
PAGE_EVENTS = 500


class Hub:
    """The topics of one worker.

    `make_state` makes the empty state of a topic from its name. `before_flush` may be set to what has to be offered
    to sessions, or told to other workers, at the end of each turn in which anything happened.
    """

    def __init__(self, journal: Journal, broker: Broker, make_state: Callable[[str], State]) -> None:
        self.topics: dict[str, Topic] = {}
        self.before_flush: Callable[[], None] = lambda: None
        self._control: dict[str, Callable[[bytes], None]] = {}
        self._journal = journal
        self._broker = broker
        self._make_state = make_state
        self._moved: list[Topic] = []
        self._awake: list[Session] = []
        self._outbound: list[Envelope] = []
        self._scheduled = False
        self._checking: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._doubtful: set[str] = set()
        self._undecided: set[str] = set()
        self._closed = False

    async def start(self) -> None:
        """Begin to listen to the broker, and to ask the journal what the broker has lost."""
        await self._broker.start(self._receive, self.look_up)
        self._checking = asyncio.create_task(self._check_for_ever())

    async def close(self) -> None:
        """Stop listening; what was offered is flushed."""
        self._closed = True
        tasks = [
            self._checking,
            self._looking,
            *(task for topic in self.topics.values() for task in (topic.loading, topic.hole)),
        ]
        for task in filter(None, tasks):
            task.cancel()
        await asyncio.gather(*filter(None, tasks), return_exceptions=True)
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
            events = await self._journal.before(topic.name, None, RECENT_EVENTS)
            seq = events[-1].seq if events else 0
            await self._fold(topic.state, topic.name, seq)
        except BaseException:
            del self.topics[topic.name]
            self._broker.unsubscribe(topic.name)
            raise
        topic.seq = seq
        topic.head = max(topic.head, seq)
        for event in events:
            topic.remember(event)
        topic.loading = None
        self._deliver_waiting(topic)

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
            if topic.sessions or topic.holds or topic.loading is not None:
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

    async def missed(self, topic: Topic, since: int | None) -> tuple[list[Event], bool]:
        """Return the events that a client lacks who has seen `since`, and whether those are all of them.

        They reach to `topic.seq` as it is on return: whoever adds the session before the next await leaves no gap.
        Raises `JournalUnavailable`.
        """
        if since is None:
            return await self._newest(topic), True
        if since > topic.seq:  # seen on a worker that was told sooner, or a position of some other journal
            await self._check([topic.name])
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
        self._gather(topic)
        topic.sessions[session] = None

    def remove(self, topic: Topic, session: Session) -> None:
        """Let a session have no more of it."""
        topic.sessions.pop(session, None)

    # Delivery

    def commit(self, batch: Sequence[tuple[Entry, Event]]) -> None:
        """Take what this worker's journal has just committed: for the sessions here, and for the other workers."""
        for entry, event in batch:
            self._outbound.append(Envelope(entry.topic, event.event, event.payload, event.seq))
            topic = self.topics.get(entry.topic)
            if topic is not None:
                self._deliver(topic, event)
        self.schedule()

    def flash(self, topic_name: str, event: str, payload: bytes) -> None:
        """Send an ephemeral message to a topic's sessions on every worker."""
        envelope = Envelope(topic_name, event, payload)
        self._outbound.append(envelope)
        self._pass_on(envelope)
        self.schedule()

    def tell_workers(self, channel: str, payload: bytes) -> None:
        """Send bytes to whoever on other workers listens to a channel that is no topic."""
        self._outbound.append(Envelope(channel, "", payload))
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
        elif envelope.seq:
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
                self._deliver_waiting(topic)
        elif event.seq > topic.seq:
            self._wait(topic, event)

    def _accept(self, topic: Topic, event: Event) -> None:
        topic.seq = event.seq
        topic.head = max(topic.head, event.seq)
        topic.remember(event)
        topic.state.apply(event)
        if not topic.sessions:
            return
        if not topic.unsent:
            self._moved.append(topic)
            self.schedule()
        topic.unsent.append(event)

    def _wait(self, topic: Topic, event: Event) -> None:
        # What does not fit is read from the journal with the rest of the hole.
        if len(topic.waiting) < PAGE_EVENTS:
            topic.waiting[event.seq] = event
        self.known(topic.name, event.seq)

    def known(self, name: str, seq: int) -> None:
        """Note that a topic has an event of this position, and read up to it if it does not come by itself."""
        topic = self.topics.get(name)
        if topic is not None and seq > topic.head:
            topic.head = seq
            self._fill(topic)

    def _deliver_waiting(self, topic: Topic) -> None:
        self._take_waiting(topic)
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

    async def _read_on(self, topic: Topic) -> bool:
        # Tells whether the topic has moved, by this reading or meanwhile.
        before = topic.seq
        for event in await self._journal.after(topic.name, topic.seq, PAGE_EVENTS):
            if event.seq == topic.seq + 1:
                self._accept(topic, event)
        self._take_waiting(topic)
        return topic.seq > before

    def _take_waiting(self, topic: Topic) -> None:
        while (event := topic.waiting.pop(topic.seq + 1, None)) is not None:
            self._accept(topic, event)
        topic.waiting = {seq: event for seq, event in topic.waiting.items() if seq > topic.seq}

    async def _check_for_ever(self) -> None:
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
        for loading in [topic.loading for topic in self.topics.values() if topic.name in names]:
            if loading is not None:
                await asyncio.shield(loading)
        await self._check([name for name in names if name in self.topics])

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
        await self._check([name for name, topic in self.topics.items() if topic.loading is None])

    async def _check(self, names: list[str]) -> None:
        for start in range(0, len(names), PAGE_EVENTS):
            heads = await self._journal.heads(names[start : start + PAGE_EVENTS])
            for name, head in heads.items():
                topic = self.topics.get(name)
                while topic is not None and topic.loading is None and topic.seq < head:
                    if not await self._read_on(topic):
                        break

    # The end of a turn

    def wake(self, session: Session) -> None:
        """Have a session's transport flush it at the end of this turn; what `Session` is given as `wake`."""
        self._awake.append(session)
        self.schedule()

    def schedule(self) -> None:
        """Have `flush` called at the end of this turn."""
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        """Offer what the turn has gathered, and write: one buffer per client, one batch for the broker."""
        try:
            self.before_flush()
            if self._outbound:
                outbound, self._outbound = self._outbound, []
                self._broker.publish(outbound)
            moved, self._moved = self._moved, []
            for topic in moved:
                self._gather(topic)
        finally:
            self._scheduled = False  # only now: what was offered above belongs to this turn
        awake, self._awake = self._awake, []
        for session in awake:
            if session.transport is not None:
                _flush(session.transport)

    def _gather(self, topic: Topic) -> None:
        if topic.unsent:
            unsent, topic.unsent = topic.unsent, []
            self._offer(topic, Session.offer, lambda wire: _joined(wire, topic.wire_name, unsent))

    @staticmethod
    def _offer(topic: Topic, offer: Callable[[Session, bytes], None], encode: Callable[[Wire], bytes]) -> None:
        encoded: dict[Wire, bytes] = {}
        for session in topic.sessions:
            data = encoded.get(session.wire)
            if data is None:
                data = encoded[session.wire] = encode(session.wire)
            offer(session, data)


def _flush(transport: Transport) -> None:
    try:
        transport.flush()
    except Exception:  # a transport must not raise; if one does, the other clients do not pay for it
        log.exception("a client could not be written to")


def _encoder(topic: Topic, event: str, payload: bytes) -> Callable[[Wire], bytes]:
    return lambda wire: wire.broadcast(topic.wire_name, event, payload)


def _joined(wire: Wire, topic: str, events: Iterable[Event]) -> bytes:
    return b"".join([wire.broadcast(topic, event.event, event.payload) for event in events])
