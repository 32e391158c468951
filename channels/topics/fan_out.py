"""The end of a turn of the event loop: what each session is sent, what other workers are sent, and when.

    deliver, broadcast, publish … -> collected for this turn -> flush -> one write per client, one batch for the broker

What a topic gets in one turn is encoded once per wire and offered to every session as one buffer, and each session
with something to take is flushed once, at the turn's end: one system call per client and turn, however many events,
replies and topics. In a storm, when writing takes long, a turn is extended until the other workers' events have come
as well. `docs/notes/fan-out.md` explains the choices with their measurements.

The fan-out does not know in which order a topic's events come; it keeps the order in which it gets them.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Set
from itertools import chain, islice
from typing import Protocol

from channels.broker.broker import Broker, Envelope
from channels.member import RoleName
from channels.metric import Histogram
from channels.sessions.session import Sender, Session, Transport
from channels.topics.topic import Topic
from channels.wire.codec import Event, Wire

log = logging.getLogger(__name__)

# Where several events of a topic came together while others were written, and some of them from other workers, the next
# writing waits as long again for more, and no longer than this, which nobody notices. Measured on two workers, a class
# of 2,000 with 64 in flight: 0.41 µs of CPU a delivery without, 0.18 with it.
LINGER_SECONDS = 0.008
ALONE_SECONDS = 1.0  # without an event from another worker

# Sessions of a topic that are written to before other work has its turn: some 12 ms, the longest that anything else has
# to wait. A topic of more is written in parts of some 2 ms: a message of another topic takes three turns of the event
# loop, and each of them would wait for a part. After each part, large topics rest for as long. Without the rest,
# several workers on one machine keep all its cores busy while they write an announcement, and every other message
# waits. With 30,000 clients on two workers and two cores, the others' p99 was 79 to 122 ms without it and 51 to 78 with
# it; the last client got the announcement about as soon. The 38 rests of 15,000 clients on one worker make 76 ms.
MAX_WRITES = 2_000
PART_WRITES = 400
REST_SECONDS = 0.002


class TurnListener(Protocol):
    """Adds to a turn before its end."""

    def turn_ending(self) -> None:
        """Broadcast and publish what belongs to this turn; called once before each flush."""


class FanOut:
    """Writes to the sessions of the topics in `topics`, and publishes to other workers.

    It is the listener of all sessions. A topic of more than `max_writes` sessions is written in parts, to `part_writes`
    of them at a time, with `rest_seconds` between. `left` are topics that a session has left; the hub takes out those
    that it has looked at.
    """

    def __init__(
        self,
        topics: Mapping[str, Topic],
        broker: Broker,
        *,
        max_writes: int = MAX_WRITES,
        part_writes: int = PART_WRITES,
        rest_seconds: float = REST_SECONDS,
    ) -> None:
        self._topics = topics
        self._broker = broker
        self.left: set[Topic] = set()
        self._max_writes = max_writes
        self._part_writes = part_writes
        self._rest_seconds = rest_seconds
        self._listener: TurnListener | None = None
        self._moved: dict[Topic, None] = {}
        self._awake: dict[Session, None] = {}
        # What some of a topic's sessions have not been written yet: for each wire the bytes, and those sessions.
        self._unwritten: dict[Topic, list[tuple[bytes, dict[Session, None]]]] = {}
        self._outbound: list[Envelope] = []
        self._flushing: asyncio.Handle | None = None
        self._resting: asyncio.TimerHandle | None = None
        self._publishing: asyncio.Handle | None = None
        self._linger = 0.0
        self._others_at = float("-inf")  # when an event of another worker came last
        self._queued_at: list[float] = []  # of batches that are not written to all of their sessions yet
        self.delivery = Histogram()

    def start(self, listener: TurnListener) -> None:
        """Call `listener` at the end of each turn from now on."""
        self._listener = listener

    def close(self) -> None:
        """Flush and publish what was offered, in as many steps as it takes."""
        for handle in (self._flushing, self._publishing):
            if handle is not None:
                handle.cancel()
        self._end_rest()
        self.flush()
        while self._unwritten or self._moved:
            self._end_rest()
            self.flush()

    # A topic's sessions

    def add(self, topic: Topic, session: Session) -> None:
        """Send a session what the topic gets from now on."""
        if topic.unsent:
            self._offer_unsent(topic)
        topic.place(session)

    def remove(self, topic: Topic, session: Session) -> None:
        """Send a session nothing more of the topic."""
        topic.take_out(session)
        self.left.add(topic)
        for _, waiting in self._unwritten.get(topic, ()):
            waiting.pop(session, None)

    def wake(self, session: Session) -> None:
        """Have a session's transport flush it at the end of this turn."""
        self._awake[session] = None
        self.schedule()

    def place(self, session: Session) -> None:
        """Write to a session by its present wire and sender."""
        for subscription in session.subscriptions.values():
            topic = self._topics.get(subscription.topic)
            if topic is not None:
                topic.place(session)

    # What a turn collects

    def deliver(self, topic: Topic, event: Event) -> None:
        """Send the topic's next event to its sessions at the end of this turn."""
        if not topic.audience:
            return
        if not topic.unsent:
            self._moved[topic] = None
            self.schedule()
        topic.unsent.append(event)

    def broadcast(self, topic: Topic, event: str, payload: bytes, but: Set[RoleName] = frozenset()) -> None:
        """Send a message that is not in the journal to a topic's sessions here, in order with everything else.

        Sessions of the roles `but` do not get it.
        """
        self._offer_unsent(topic)
        offer = _offer_but(but) if but else Session.offer
        self._offer(topic, offer, _encoder(topic, event, payload))

    def broadcast_snapshot(self, topic: Topic, event: str, payload: bytes) -> None:
        """Send a message of which only the newest matters to a topic's sessions here."""
        key = f"{topic.wire_name} {event}"
        encode = _encoder(topic, event, payload)
        self._offer(topic, lambda session, data: session.offer_snapshot(key, data), encode)

    def broadcast_ephemeral(self, topic: Topic, event: str, payload: bytes) -> None:
        """Send a message that may be dropped to a topic's sessions here."""
        self._offer(topic, Session.offer_ephemeral, _encoder(topic, event, payload))

    def publish(self, envelope: Envelope) -> None:
        """Send an envelope to the other workers, with everything else that this turn publishes."""
        self._outbound.append(envelope)
        if self._publishing is None:
            # At once, also where this worker's own clients get it a little later: the other workers linger, too.
            self._publishing = asyncio.get_running_loop().call_soon(self._publish)
            self.schedule()

    def note_queued(self, queued_at: float) -> None:
        """Observe in `delivery` how long ago this was, when all that was delivered by now has been written."""
        self._queued_at.append(queued_at)
        self.schedule()

    def note_remote_event(self) -> None:
        """Note that another worker has published an event: in a storm it pays to linger for more of them."""
        self._others_at = asyncio.get_running_loop().time()

    def schedule(self) -> None:
        """Have `flush` called at the end of this turn; in a storm, a little later."""
        if self._flushing is None:
            loop = asyncio.get_running_loop()
            if self._linger:
                self._flushing = loop.call_later(self._linger, self.flush)
            else:
                self._flushing = loop.call_soon(self.flush)

    # The end of the turn

    def flush(self) -> None:
        """Offer what the turn has collected, and write: one buffer per client, one batch for the broker."""
        try:
            self._end_turn()
            self._publish()
            self._write_moved()
        finally:
            self._flushing = None  # only now: what was offered above belongs to this turn
        if self._unwritten and self._rest_seconds:
            self._rest()
        elif self._unwritten or self._moved:
            self.schedule()
        awake, self._awake = self._awake, {}
        for session in awake:
            if session.transport is not None:
                _flush(session.transport)
        if self._queued_at and not self._unwritten:
            self._observe_delivery()

    def _rest(self) -> None:
        if self._resting is None:
            self._resting = asyncio.get_running_loop().call_later(self._rest_seconds, self._go_on)

    def _go_on(self) -> None:
        self._end_rest()
        self.schedule()

    def _end_rest(self) -> None:
        if self._resting is not None:
            self._resting.cancel()
            self._resting = None

    def _observe_delivery(self) -> None:
        # Once for a transaction, by its oldest push: nothing is counted per delivery.
        now = asyncio.get_running_loop().time()
        queued_at, self._queued_at = self._queued_at, []
        for each in queued_at:
            self.delivery.observe(now - each)

    def _end_turn(self) -> None:
        if self._listener is None:
            return
        try:
            self._listener.turn_ending()
        except Exception:  # what is missing then must not cost everybody the rest of the turn
            log.exception("what belongs to the end of a turn could not be added")

    def _publish(self) -> None:
        self._publishing = None
        if self._outbound:
            outbound, self._outbound = self._outbound, []
            try:
                self._broker.publish(outbound)
            except Exception:  # other workers find it in the journal; this one's sessions must not pay for it
                log.exception("a turn's envelopes could not be published")

    def _write_moved(self) -> None:
        moved, self._moved = self._moved, {}
        is_storm = any(len(topic.unsent) > 1 for topic in moved)
        now = asyncio.get_running_loop().time
        began = now()
        self._write(moved)
        took = now() - began
        self._linger = 0.0
        if is_storm and not self._unwritten and began < self._others_at + ALONE_SECONDS:
            self._linger = min(took, LINGER_SECONDS)

    def _write(self, topics: Collection[Topic]) -> None:
        # Straight into the sockets, except for sessions that get something else in this turn: 3 µs of CPU a delivery
        # less than through the outbox, beside 5 for the system call.
        self._moved |= dict.fromkeys(topic for topic in topics if topic in self._unwritten)
        # Skips topics that were already offered through the outboxes because someone joined in this turn.
        ready = [topic for topic in topics if topic.unsent and topic not in self._unwritten]
        apart = self._awake.keys() | _in_several(ready)
        for topic in ready:
            unsent, topic.unsent = topic.unsent, []
            for wire, group in topic.groups.items():
                if group:
                    self._write_to(topic, group, _joined(wire, topic.wire_name, unsent), apart)
        if self._resting is None:
            for topic in list(self._unwritten):
                self._write_on(topic)

    def _write_to(self, topic: Topic, group: dict[Session, Sender], data: bytes, apart: Set[Session]) -> None:
        if len(group) > self._max_writes:
            self._unwritten.setdefault(topic, []).append((data, dict.fromkeys(group)))
            return
        by_outbox = group.keys() & apart
        group.update((session, session) for session in by_outbox)
        _send(group, data)
        for session in by_outbox:
            topic.place(session)

    def _write_on(self, topic: Topic) -> None:
        # To the next `part_writes` of those who have not been written to yet.
        parts = self._unwritten[topic]
        data, waiting = parts[-1]
        senders: dict[Session, Sender] = {}
        for session in list(islice(waiting, self._part_writes)):
            del waiting[session]
            senders[session] = session if session in self._awake else topic.groups[session.wire][session]
        _send(senders, data)
        if not waiting:
            parts.pop()
        if not parts:
            del self._unwritten[topic]

    def _offer_unsent(self, topic: Topic) -> None:
        # Through the outboxes: what a socket takes only in part has to be followed by the rest before anything else.
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


def _offer_but(roles: Set[RoleName]) -> Callable[[Session, bytes], None]:
    def offer(session: Session, data: bytes) -> None:
        if session.member.user.role not in roles:
            session.offer(data)

    return offer


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
    if len(together) == sum(map(len, groups)):  # the usual case: a student of one class is not in the next one
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
