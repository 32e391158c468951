"""One worker's engine: what it is made of, its sessions, and what it does by itself.

    connect -> Session          handle(bytes) -> Dispatcher          disconnect
    revalidate: rights that changed          every second: live views, counts          every 5 s: idle sessions end

The engine knows neither sockets nor pages, nor what a feature does. Transports call it.
"""

import asyncio
import contextlib
import logging
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from channels import lesson
from channels.broker.broker import Broker
from channels.cluster.bus import Bus
from channels.cluster.message_rates import MessageRates
from channels.cluster.presence import ONLINE, Presence
from channels.cluster.presence_sync import BEAT_SECONDS, PRESENCE_CHANNEL, PresenceSync
from channels.cluster.rpc import Rpc, channel_of
from channels.cluster.scrape import ASK_CHANNEL, Scrape
from channels.cluster.scrape import channel_of as reports_of
from channels.engine.audit import AuditTrail, NoAuditTrail
from channels.engine.deliveries import Deliveries
from channels.engine.dispatcher import Dispatcher
from channels.engine.follows import FOLLOW_SECONDS
from channels.engine.indexing import INDEX_SECONDS, Indexing
from channels.engine.joins import Joined, Joins
from channels.engine.live_views import REFRESH_SECONDS, SNAPSHOT_SECONDS, LiveViews, MakeLiveView
from channels.engine.membership import Membership
from channels.engine.metrics import LAG_SECONDS, Numbers
from channels.engine.presence_shown import PresenceShown
from channels.engine.pushes import READS, Pushes
from channels.engine.rights import Rights
from channels.engine.spells import RECORD_SECONDS, SpellRecorder
from channels.engine.timers import TIMER_SECONDS, Timers
from channels.engine.user_events import JoinedOwn
from channels.errors import RESTARTING, Closing
from channels.event import EventType
from channels.journal.entry import Entry, Mark
from channels.journal.journal import Journal
from channels.lesson.erasing import ERASED
from channels.lesson.expiry import TRIMMED
from channels.lesson.feature import Feature
from channels.lesson.rules import Role, RuleBook
from channels.lesson.state import TopicState
from channels.limit import SWEEP_SECONDS, Limits
from channels.member import Authority, Member
from channels.pace import until_tick
from channels.sessions.registry import Registry
from channels.sessions.session import Session
from channels.topics.hub import Hub
from channels.topics.kind import KINDS, TopicKind, parse_name
from channels.topics.topic import Topic
from channels.wire.codec import Event, Wire

log = logging.getLogger(__name__)

# How long clients have to answer a close frame before their connections are dropped.
CLOSE_SECONDS = 2.0

# A drain ends sessions in steps, and no slower than 200 a second: what another worker takes in of those who come back.
DRAIN_STEP_SECONDS = 0.05
MIN_DRAINED_AT_ONCE = 10

# How often the other workers are sent who has come and gone here; the first change after a pause at once. If each turn
# sent its changes, each client of a school that joins would wake the other worker, which then writes to a class.
SHARE_SECONDS = 0.05

_GONE = Closing(1000, "gone", reconnect=False)


@dataclass(frozen=True, slots=True)
class Periods:
    """How often the engine does what it does by itself, in seconds."""

    sweep: float = SWEEP_SECONDS
    snapshot: float = SNAPSHOT_SECONDS
    refresh: float = REFRESH_SECONDS
    beat: float = BEAT_SECONDS
    timers: float = TIMER_SECONDS
    index: float = INDEX_SECONDS
    follow: float = FOLLOW_SECONDS
    record: float = RECORD_SECONDS


class Engine:
    """The real-time engine of one worker; `start` before the first `connect`.

    `features` and `live_views` are what topics can fold and show; `kinds` says which topics fold and show which.
    `audit` is where it has recorded what must not be done unrecorded; without one, that is refused.
    """

    def __init__(
        self,
        journal: Journal,
        broker: Broker,
        authority: Authority,
        roles: Collection[Role],
        limits: Limits,
        clock: Callable[[], float] = time.monotonic,
        *,
        kinds: tuple[TopicKind, ...] = KINDS,
        features: Collection[type[Feature[Any]]] = lesson.FEATURES,
        live_views: Collection[MakeLiveView] = lesson.LIVE_VIEWS,
        periods: Periods = Periods(),
        audit: AuditTrail | None = None,
    ) -> None:
        self.authority = authority
        self._journal = journal
        self._limits = limits
        self._clock = clock
        self._periods = periods
        self._rules = RuleBook(roles, kinds)
        self._kinds = kinds
        self._features = {feature.name: feature for feature in features}
        emitted = {event.name: event for role in roles for event in role.emitted()}
        self._rated = frozenset(name for name, event in emitted.items() if event.counted)
        texts = {name: event.text_of for name, event in emitted.items() if event.found_by is not None}
        journal.index(texts, {name for name, event in emitted.items() if event.amends is not None})
        self._indexing = Indexing(journal, self._is_searched)
        self._deliveries = Deliveries(journal, self._rules)
        self._hub = self._make_hub(broker, emitted)
        self._fan_out = self._hub.fan_out
        self._bus = Bus(broker, self._hub)
        self._presence = Presence()
        self._registry = Registry(limits)
        self._shown = PresenceShown(self._hub, self._presence, authority)
        self._membership = Membership(self._hub, self._presence, self._shown)
        epoch = time.time() - clock()  # read once: the time of day may jump
        self._rates = MessageRates(lambda: epoch + clock())
        self._live_views = LiveViews(self._hub, self._presence, self._rates, live_views)
        self._spells = SpellRecorder(self._hub, self._presence, journal, _now)
        self._presence_sync = PresenceSync(
            self._presence, self._rates, lambda data: self._bus.publish(PRESENCE_CHANNEL, data), clock
        )
        self.rpc = Rpc(self._presence.worker, self._bus.publish, lambda: broker.connected)
        self._rights = Rights(authority, self._registry, self._membership, self._rules)
        self._pushes = Pushes(self._hub, self._bus, journal, authority, self._rules, limits, audit or NoAuditTrail())
        self._timers = Timers(self._hub, journal, authority, self._pushes, lesson.TIMED)
        self._joins = joins = Joins(
            self._hub, journal, authority, self._membership, self._rules, self._deliveries, self._extend
        )
        dispatcher = Dispatcher(self._registry, self._membership, self._rights, joins, self._pushes, clock)
        self.handle = dispatcher.handle
        self._numbers = Numbers(self._registry, self._hub, journal, broker, self.rpc, dispatcher, self._pushes)
        self.scrape = self._make_scrape(broker)
        self.revalidate = self._rights.revalidate
        self.read_ahead = self._hub.read_ahead
        self._tasks: set[asyncio.Task[None]] = set()
        self._sharing: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin, in a running event loop; the journal is open."""
        self._journal.start(self)
        self._hub.start(self)
        self._bus.listen(PRESENCE_CHANNEL, self._presence_sync.receive)
        self._bus.listen(READS, self._pushes.receive_mark)
        self._bus.listen(channel_of(self.rpc.worker), self.rpc.receive)
        self._bus.listen(ASK_CHANNEL, self.scrape.receive)
        self._bus.listen(reports_of(self.rpc.worker), self.scrape.receive)
        self._bus.start(self.rpc)
        self._keep(_every(self._periods.sweep, self._sweep))
        self._keep(_every(self._periods.snapshot, self._live_views.send_changed))
        self._keep(_every(self._periods.snapshot, self._shown.send_counts))
        self._keep(self._live_views.run(self._journal, self._periods.refresh))
        self._keep(_every(self._periods.record, self._spells.tick))
        self._presence_sync.beat()
        self._keep(_every(self._periods.beat, self._presence_sync.beat))
        self._timers.start(self._periods.timers)
        self._keep(self._numbers.watch_lag(LAG_SECONDS))
        self._keep(self._indexing.run(self._periods.index))
        self._keep(self._pushes.follows.run(self._periods.follow))

    def _make_hub(self, broker: Broker, emitted: Mapping[str, EventType[Any]]) -> Hub:
        changes = {name: event.amends or event.annotates for name, event in emitted.items()}
        amends = {name: change for name, change in changes.items() if change is not None}
        noted = {name: self._deliveries.sent for name, event in emitted.items() if event.noted}
        passing = {TRIMMED.name, *(name for name, event in emitted.items() if event.passing)}
        return Hub(
            self._journal,
            broker,
            self._make_topic,
            amends,
            noted,
            passing=passing,
            rewriting=(ERASED.name, TRIMMED.name),
        )

    def _make_scrape(self, broker: Broker) -> Scrape:
        count_peers = self._presence_sync.count_peers
        scrape = Scrape(self._presence.worker, self._bus.publish, lambda: count_peers() if broker.connected else 0)
        scrape.add(self._numbers.read)
        return scrape

    def count_workers(self) -> int:
        """Return how many workers this one knows of, itself included."""
        return 1 + self._presence_sync.count_peers()

    async def drain(self, seconds: float) -> None:
        """End the sessions so that they come back elsewhere, spread over `seconds`, in the order of the roles' ranks.

        A session that is still here works as before; one whose pushes wait for the journal gets their replies first.
        """
        waiting = deque(sorted(self._registry, key=lambda session: self._rules.of(session.member).drain_rank))
        at_once = max(MIN_DRAINED_AT_ONCE, math.ceil(len(waiting) * DRAIN_STEP_SECONDS / max(seconds, 0.001)))
        deadline = asyncio.get_running_loop().time() + seconds
        while waiting and asyncio.get_running_loop().time() < deadline:
            for session in [waiting.popleft() for _ in range(min(at_once, len(waiting)))]:
                if session.appending or session in self._pushes.reruns.tasks:
                    waiting.append(session)
                else:
                    session.end(RESTARTING)
            await asyncio.sleep(DRAIN_STEP_SECONDS)

    async def close(self) -> None:
        """Commit what waits, answer it, and end every session so that it comes back elsewhere."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._spells.close()
        await asyncio.gather(self._timers.close(), self._journal.close())
        await self._pushes.close()
        for session in self._registry:
            session.end(RESTARTING)
        await self._gone()
        self._presence_sync.leave()
        await self._hub.close()
        await self._bus.close()
        self._shown.close()
        if self._sharing is not None:
            self._sharing.cancel()

    async def _gone(self) -> None:
        # Polled: this happens once in a worker's life.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                while len(self._registry):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)

    # Sessions

    @property
    def key(self) -> str:
        """Return the secret that the workers of this school share; known once the journal is open."""
        return self._journal.key

    @property
    def journal(self) -> Journal:
        """The journal, for pages that read it."""
        return self._journal

    @property
    def revision(self) -> int:
        """Return a number that grows with every `revalidate`: read it before checking a credential."""
        return self._rights.revision

    def connections_of(self, member: Member) -> int:
        """Return how many connections a member's user has open here."""
        return self._registry.count_of(member.user.id)

    def credential_ids(self) -> set[int]:
        """Return the ids of the sign-ins of all sessions that are open here."""
        return {session.member.credential_id for session in self._registry}

    def connect(self, member: Member, wire: Wire, revision: int) -> Session:
        """Make a session for a client whose credential was checked at `revision`."""
        session = Session(member, wire, self._limits, self._clock(), self._fan_out)
        self._registry.add(session)
        self._presence.enter(ONLINE, session)
        self._fan_out.schedule()
        if revision != self._rights.revision:  # a right was withdrawn meanwhile; it may be one of this session's
            self._keep(self._rights.recheck(session))
        return session

    def touch(self, session: Session) -> None:
        """Note a sign of life that is no message."""
        session.touch(self._clock())

    def spend(self, session: Session, cost: float) -> None:
        """Charge a client for what it makes us do, in frames (`channels.limit`)."""
        session.spend(cost, self._clock())

    def settle(self, session: Session) -> Awaitable[None] | None:
        """Return an awaitable that is done once all pushes of a session are answered; None if they are."""
        if session.appending or session in self._pushes.reruns.tasks:
            return self._pushes.settle(session)
        return None

    def disconnect(self, session: Session) -> None:
        """Forget a client whose connection is gone."""
        session.end(_GONE)
        session.transport = None
        self._membership.leave_all(session)
        self._presence.leave(ONLINE, session)
        self._fan_out.schedule()
        self._registry.discard(session)

    # Topics

    def _make_topic(self, name: str) -> Topic:
        address = parse_name(name, self._kinds)
        features = [self._features[each] for each in address.kind.features if each in self._features]
        return Topic(address, TopicState(features))

    def _is_searched(self, name: str) -> bool:
        try:
            return parse_name(name, self._kinds).kind.searched
        except ValueError:  # of a kind that another version has
            return False

    def _extend(self, session: Session, topic: Topic, joined: Joined[Any]) -> Joined[Any]:
        """Add to the reply to a join what only some kinds of topic say."""
        if topic.address.kind.lists_rights:
            member = session.member
            listing = self._rules.listing(member)
            return JoinedOwn(**msgspec.structs.asdict(joined), user=member.user, topics=listing)
        live = self._live_views.state(topic, session)
        return msgspec.structs.replace(joined, state=joined.state | live) if live else joined

    def look(self) -> None:
        """Read, soon, what a process that no broker joins has stored in the journal."""
        self._hub.resubscribed(())

    async def read_topic(self, member: Member, topic_name: str) -> Joined[Any]:
        """Return what a member's join of this topic would be answered now, without what live views add.

        Raises `Refused`, `JournalUnavailable`.
        """
        return await self._joins.read(member, topic_name)

    # What others report

    def committed(self, batch: Sequence[tuple[Entry, Event]], queued_at: float) -> None:
        """Count and deliver what this worker's journal has committed."""
        for entry, _ in batch:
            if entry.event in self._rated:
                self._rates.add(entry.topic)
        self._hub.committed(batch)
        self._fan_out.note_queued(queued_at)

    def in_doubt(self, topics: set[str]) -> None:
        """Look for events of these topics: nobody knows whether their batch was committed."""
        self._hub.in_doubt(topics)

    def already_stored(self, topic: str, seq: int) -> None:
        """Note that a topic has an event of this position, which a client has pushed again."""
        self._hub.already_stored(topic, seq)

    def marked(self, marks: Sequence[Mark]) -> None:
        """Tell other workers how far users have read."""
        for mark in marks:
            if mark.seq:
                self._pushes.publish_mark(mark)

    def turn_ending(self) -> None:
        """Broadcast the turn's changes of presence, and publish them if it is time."""
        if self._sharing is None:
            self._share_presence()
        self._shown.send_diffs()

    def _share_presence(self) -> None:
        self._sharing = None
        if self._presence_sync.flush():
            self._sharing = asyncio.get_running_loop().call_later(SHARE_SECONDS, self._share_presence)

    # What the engine does by itself

    def _sweep(self) -> None:
        now = self._clock()
        for session in self._registry.sweep(now):
            self._keep(self._rights.recheck(session))
        self._hub.forget_idle(now)

    def _keep(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("a task of the engine failed", exc_info=task.exception())


async def _every(seconds: float, do: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(until_tick(seconds))
        try:
            do()
        except Exception:
            log.exception("a task that runs every %s s failed; it runs again", seconds)


def _now() -> int:
    return time.time_ns() // 1_000_000
