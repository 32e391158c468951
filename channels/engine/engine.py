"""One worker's engine: what it is made of, its sessions, and what happens without being asked.

    connect -> Session          handle(bytes) -> Dispatcher          disconnect
    revalidate: rights that came or went          every second: dashboard, counts          every 5 s: silent clients

The engine knows neither sockets nor pages; transports call it.
"""

import asyncio
import contextlib
import logging
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any

import msgspec

from channels.broker.broker import Broker
from channels.cluster.bus import Bus
from channels.cluster.message_rates import MinuteCounts
from channels.cluster.presence import ONLINE, PRESENCE_COUNT, PRESENCE_DIFF, Presence
from channels.cluster.presence_sync import BEAT_SECONDS, PEERS, Peers
from channels.cluster.rpc import Relay, channel_of
from channels.engine.dispatcher import READS, Dispatcher, Joined
from channels.engine.membership import Membership
from channels.engine.user_events import RIGHTS_CHANGED, SESSION_ENDED, JoinedOwn, RightsChanged, SessionEnded
from channels.errors import RESTARTING, SIGNED_OUT, Closing, Unavailable
from channels.event import EventType
from channels.journal.journal import Entry, Journal
from channels.lesson import chat
from channels.lesson.dashboard import DASHBOARD, DASHBOARD_CHANGED, SNAPSHOT_SECONDS, Dashboard
from channels.lesson.rules import RoleRules
from channels.lesson.state import Room
from channels.limit import SWEEP_SECONDS, Limits
from channels.member import Authority, Member, Role
from channels.sessions.registry import Registry
from channels.sessions.session import Session
from channels.topics.hub import Hub
from channels.topics.topic import USER_TOPIC, Topic
from channels.wire.codec import Event, Wire

log = logging.getLogger(__name__)

# What the engine sends by itself, beside what comes of pushes and the presence of members.
EVENTS: tuple[EventType[Any], ...] = (SESSION_ENDED, RIGHTS_CHANGED, DASHBOARD_CHANGED)

# Sign-ins that are read again at once after an import: the authority gathers them into few queries.
RENEW_AT_ONCE = 500

# How long clients have to answer a close frame before their connections are dropped.
CLOSE_SECONDS = 2.0

# Sessions are drained in steps, and no slower than 200 a second: what one worker takes in of those who come back.
DRAIN_STEP_SECONDS = 0.05
MIN_DRAINED_AT_ONCE = 10
DRAIN_ORDER = (Role.STUDENT, Role.TEACHER, Role.PRINCIPAL)

_GONE = Closing(1000, "gone", reconnect=False)


class Engine:
    """The real-time engine of one worker; `start` before the first `connect`."""

    def __init__(
        self,
        journal: Journal,
        broker: Broker,
        authority: Authority,
        roles: Collection[RoleRules],
        limits: Limits,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.authority = authority
        self._journal = journal
        self._limits = limits
        self._clock = clock
        self._rules = {rules.role: rules for rules in roles}
        self._hub = Hub(journal, broker, Room)
        self._fan_out = self._hub.fan_out
        self._bus = Bus(broker, self._hub)
        self._presence = Presence()
        self._registry = Registry(limits)
        self._membership = Membership(self._hub, self._presence)
        self._minutes = MinuteCounts()
        self._dashboard = Dashboard(self._presence, self._minutes)
        self._peers = Peers(self._presence, self._minutes, lambda data: self._bus.publish(PEERS, data), clock)
        self.relay = Relay(self._presence.worker, self._bus.publish, lambda: not broker.connected)
        self._dispatcher = Dispatcher(
            self._hub,
            self._bus,
            journal,
            authority,
            self._registry,
            self._membership,
            self._rules,
            limits,
            clock,
            self._extend,
        )
        self.handle = self._dispatcher.handle
        self._revision = 0
        self._tasks: set[asyncio.Task[None]] = set()
        journal.on_commit = self._committed
        journal.on_doubt = self._hub.in_doubt
        journal.on_known = self._hub.already_stored
        self._bus.listen(PEERS, self._peers.receive)
        self._bus.listen(READS, self._dispatcher.hear_mark)
        self._bus.listen(channel_of(self.relay.worker), self.relay.receive)

    async def start(self) -> None:
        """Begin; raises `JournalUnavailable`."""
        await self._journal.start()
        self._hub.start(self)
        self._bus.start(self.relay)
        self._keep(_every(SWEEP_SECONDS, self._sweep))
        self._keep(_every(SNAPSHOT_SECONDS, self._tell_dashboard))
        self._keep(_every(SNAPSHOT_SECONDS, self._tell_counts))
        self._peers.beat(_now())
        self._keep(_every(BEAT_SECONDS, lambda: self._peers.beat(_now())))

    async def drain(self, seconds: float) -> None:
        """End the sessions so that they come back elsewhere, spread over `seconds`; teachers and the principal last.

        Those who are still here go on as ever, and one whose pushes wait for the journal has their replies first.
        """
        waiting = deque(sorted(self._registry, key=lambda session: DRAIN_ORDER.index(session.member.user.role)))
        at_once = max(MIN_DRAINED_AT_ONCE, math.ceil(len(waiting) * DRAIN_STEP_SECONDS / max(seconds, 0.001)))
        deadline = asyncio.get_running_loop().time() + seconds
        while waiting and asyncio.get_running_loop().time() < deadline:
            for session in [waiting.popleft() for _ in range(min(at_once, len(waiting)))]:
                if session.appending:
                    waiting.append(session)
                else:
                    session.end(RESTARTING)
            await asyncio.sleep(DRAIN_STEP_SECONDS)

    async def close(self) -> None:
        """Commit what is gathered, tell those who wait, and end every session so that it comes back elsewhere."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._journal.close()
        for session in self._registry:
            session.end(RESTARTING)
        await self._gone()
        self._peers.leave()
        await self._hub.close()
        await self._bus.close()

    async def _gone(self) -> None:
        # Polled: this happens once in a worker's life.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                while len(self._registry):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)

    # Sessions

    @property
    def key(self) -> str:
        """Return the secret that the workers of this school share; known once started."""
        return self._journal.key

    @property
    def revision(self) -> int:
        """Return a number that grows with every `revalidate`: read it before checking a credential."""
        return self._revision

    def connections_of(self, member: Member) -> int:
        """Return how many connections a member's user has open here."""
        return self._registry.count_of(member.user.id)

    def credential_ids(self) -> set[int]:
        """Return the ids of the sign-ins of all sessions that are open here."""
        return {session.member.credential_id for session in self._registry}

    def connect(self, member: Member, wire: Wire, revision: int) -> Session:
        """Take in a client whose credential was checked at `revision`."""
        session = Session(member, wire, self._limits, self._clock(), self._fan_out)
        self._registry.add(session)
        self._presence.enter(ONLINE, session)
        self._fan_out.schedule()
        if revision != self._revision:  # a right was withdrawn meanwhile; it may have been this one
            self._keep(self._recheck(session))
        return session

    def touch(self, session: Session) -> None:
        """Note a sign of life that is no message."""
        session.touch(self._clock())

    def disconnect(self, session: Session) -> None:
        """Forget a client whose connection is gone."""
        session.end(_GONE)
        session.transport = None
        self._membership.leave_all(session)
        self._presence.leave(ONLINE, session)
        self._fan_out.schedule()
        self._registry.discard(session)

    # Rights

    async def _recheck(self, session: Session) -> None:
        try:
            await self._renew_all([session])
        except Unavailable:
            session.end(RESTARTING)  # to come back when it can be checked

    async def revalidate(self, user_ids: Collection[int] | None) -> None:
        """Ask again what the sign-ins of these users (None: all) give, and take from open sessions what has gone."""
        self._revision += 1
        sessions = list(self._registry) if user_ids is None else [s for id_ in user_ids for s in self._registry.of(id_)]
        by_credential: dict[int, list[Session]] = {}
        for session in sessions:
            by_credential.setdefault(session.member.credential_id, []).append(session)
        groups = list(by_credential.values())
        for start in range(0, len(groups), RENEW_AT_ONCE):
            await asyncio.gather(*(self._renew_all(group) for group in groups[start : start + RENEW_AT_ONCE]))

    async def _renew_all(self, sessions: list[Session]) -> None:
        member = await self.authority.renew(sessions[0].member)
        for session in sessions:
            if session.closing is None:
                self._renew(session, member)

    def _renew(self, session: Session, member: Member | None) -> None:
        if member is None or member.user.role is not session.member.user.role:
            self._membership.notify(session, SESSION_ENDED, SessionEnded("signed_out", SIGNED_OUT.reason))
            session.end(SIGNED_OUT)
            return
        before, session.member = session.member, member
        if before.classes == member.classes:
            return
        rules = self._rules[member.user.role]
        for wire_name in [name for name in session.subscriptions if not rules.allows(member, name)]:
            self._membership.take_away(session, wire_name)
        self._membership.notify(session, RIGHTS_CHANGED, RightsChanged(rules.listing(member)))

    # What join replies say of some topics only

    def _extend(self, session: Session, topic: Topic, joined: Joined[Any]) -> Joined[Any]:
        member = session.member
        if topic.wire_name == USER_TOPIC:
            listing = self._rules[member.user.role].listing(member)
            return JoinedOwn(**msgspec.structs.asdict(joined), user=member.user, topics=listing)
        if topic.name == DASHBOARD:
            return msgspec.structs.replace(joined, state=self._dashboard.snapshot(member.classes, _now()))
        return joined

    # What happens by itself

    def _committed(self, batch: Sequence[tuple[Entry, Event]]) -> None:
        for entry, _ in batch:
            if entry.event == chat.SENT.name:
                self._minutes.add(entry.topic, entry.at)
        self._hub.committed(batch)

    def turn_ending(self) -> None:
        """Publish and broadcast the turn's changes of presence."""
        self._peers.flush()
        for name, diff in self._presence.take_diffs().items():
            topic = self._hub.topics.get(name)
            if topic is not None:
                self._fan_out.broadcast(topic, PRESENCE_DIFF.name, PRESENCE_DIFF.encode(diff))

    def _tell_counts(self) -> None:
        for name, counts in self._presence.take_counts().items():
            topic = self._hub.topics.get(name)
            if topic is not None:
                self._fan_out.broadcast_snapshot(topic, PRESENCE_COUNT.name, PRESENCE_COUNT.encode(counts))

    def _tell_dashboard(self) -> None:
        topic = self._hub.topics.get(DASHBOARD)
        if topic is None or not topic.audience:
            return
        # Every principal sees every class, so one snapshot serves them all.
        classes = next(topic.sessions()).member.classes
        snapshot = self._dashboard.changed(classes, _now())
        if snapshot is not None:
            self._fan_out.broadcast_snapshot(topic, DASHBOARD_CHANGED.name, DASHBOARD_CHANGED.encode(snapshot))

    def _sweep(self) -> None:
        now = self._clock()
        self._registry.sweep(now)
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
        await asyncio.sleep(seconds)
        try:
            do()
        except Exception:
            log.exception("what is done every %s s failed; it is tried again", seconds)


def _now() -> int:
    return time.time_ns() // 1_000_000
