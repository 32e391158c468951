"""Answers that go on: a push whose action returns `Follow` is answered again, by an event, when its answer has changed.

    follow(session, …) -> a group of sessions that asked the same
    once a second: has something moved? -> read again -> other than before? -> sent to the group

What moves most answers is in memory: read marks and positions of some topics, which this worker holds as if somebody
here had joined them, and whom it has sent their events. So a thousand readers in a second cost one look, on whichever
worker they are, and without Redis the next look comes when the hub has caught up. What memory does not tell (who was
sent something by another worker, who signs in, a read mark that the broker lost) is found by a look every
UNASKED_SECONDS. A look that fails, because a database is away, is made again at once; an answer ends only with its last
follower.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable
from contextlib import AsyncExitStack
from typing import Any, NamedTuple

from channels.errors import Refused, Unavailable
from channels.lesson.feature import Action, Follow
from channels.lesson.rules import RuleBook
from channels.limit import MAX_FOLLOWED
from channels.pace import until_tick
from channels.sessions.session import Session, Subscription
from channels.topics.hub import Hub
from channels.wire.codec import Wire

log = logging.getLogger(__name__)

# Numbers that move more often are not read, and each look is some queries.
FOLLOW_SECONDS = 1.0
# A read mark is in memory before it is stored, on its own worker and on others: within moments, unless the database is
# slow. So long after something has moved, it is read at every look; then after this pause, and each time that as long
# again has passed: a mark is told in twice the time that storing it took.
SETTLE_SECONDS = 1.5
PAUSE_SECONDS = 2.0
# Nobody waits for what is found so; a card that is looked at costs a tenth of what it cost to ask every 3 s.
UNASKED_SECONDS = 30.0

AskAgain = Callable[[Session, "Asked"], Awaitable[Follow[Any]]]


class Asked(NamedTuple):
    """What was asked: on which topic, as clients name it, by which action and payload."""

    topic: str
    action: Action[Any, Any]
    payload: Any


class _Group:
    """The sessions that asked the same, and what they were answered last."""

    __slots__ = ("answer", "asked", "followers", "held", "held_topics", "looked_at", "moved_at", "sent", "stamp")

    def __init__(self, asked: Asked, answer: Follow[Any], now: float) -> None:
        self.asked = asked
        self.answer = answer
        self.sent: bytes | None = answer.event.encode(answer.response)  # None: not all followers have the same
        self.followers: dict[Session, Subscription] = {}
        self.held = AsyncExitStack()
        self.held_topics: set[str] = set()
        self.looked_at = self.moved_at = now
        self.stamp: tuple[int, ...] | None = None  # None: it must be looked at again

    @property
    def place(self) -> tuple[str, str, int]:
        """What a session has one answer about at a time."""
        return self.asked.topic, self.asked.action.event, self.answer.target


class Follows:
    """The answers of one worker that go on; `ask_again` runs the action for one of the sessions (raises `Refused`)."""

    def __init__(self, hub: Hub, rules: RuleBook, ask_again: AskAgain) -> None:
        self._hub = hub
        self._rules = rules
        self._ask_again = ask_again
        self._groups: dict[Hashable, _Group] = {}

    def follow(self, session: Session, asked: Asked, answer: Follow[Any]) -> None:
        """Send a session what changes of an answer that it gets now; past MAX_FOLLOWED its oldest one ends."""
        now = asyncio.get_running_loop().time()
        group = self._groups.setdefault((asked, answer.group), _Group(asked, answer, now))
        theirs = [each for each in self._groups.values() if session in each.followers and each is not group]
        ended = [each for each in theirs if each.place == group.place]
        for each in ended or theirs[: len(theirs) - MAX_FOLLOWED + 1]:
            del each.followers[session]
        group.followers[session] = session.subscriptions[asked.topic]
        group.stamp = None  # between its reading and now something may have come
        if group.sent != answer.event.encode(answer.response):  # the others were sent a newer one meanwhile, or will be
            group.sent = None

    async def run(self, seconds: float) -> None:
        """Look at what may have changed, again and again."""
        while True:
            await asyncio.sleep(until_tick(seconds))
            for key, group in list(self._groups.items()):
                await self._look(group)
                if not self._prune(group):
                    del self._groups[key]
                    await group.held.aclose()

    def _prune(self, group: _Group) -> bool:
        """Forget the sessions that have left, or lost the right; tell whether one is left."""
        group.followers = {
            session: subscription
            for session, subscription in group.followers.items()
            if self._follows(session, subscription, group.asked)
        }
        return bool(group.followers)

    def _follows(self, session: Session, subscription: Subscription, asked: Asked) -> bool:
        is_there = session.closing is None and session.subscriptions.get(asked.topic) is subscription
        return is_there and self._rules.permits(session.member, asked.topic, asked.action)

    async def _look(self, group: _Group) -> None:
        """Read again if something moved, and send what is new."""
        try:
            await self._hold(group)
            if self._is_due(group, asyncio.get_running_loop().time()):
                await self._read(group)
        except Unavailable:  # which the database has logged
            group.stamp = None
        except Exception:  # one answer must not cost the others theirs
            log.exception("what is followed by %s on %s could not be read", *group.asked[1::-1])

    async def _read(self, group: _Group) -> None:
        # For one of the sessions; where it is refused, for the next one.
        while self._prune(group):
            session = next(iter(group.followers))
            try:
                group.answer = await self._ask_again(session, group.asked)
            except Refused as refusal:
                if refusal.retry_after is not None:
                    group.stamp = None
                    return
                group.followers.pop(session, None)
            else:
                self._prune(group)  # of what went while it was read
                self._send(group)
                return

    def _is_due(self, group: _Group, now: float) -> bool:
        stamp = self._stamp(group.answer)
        if stamp != group.stamp:
            group.stamp, group.moved_at = stamp, now
        pause = min(UNASKED_SECONDS, max(PAUSE_SECONDS, group.looked_at - group.moved_at))
        if now - group.moved_at > SETTLE_SECONDS and now - group.looked_at < pause:
            return False
        group.looked_at = now
        return True

    async def _hold(self, group: _Group) -> None:
        for name in {*group.answer.reads, *group.answer.topics} - group.held_topics:
            await group.held.enter_async_context(self._hub.holding(name))
            group.held_topics.add(name)

    def _stamp(self, answer: Follow[Any]) -> tuple[int, ...]:
        topics = self._hub.topics
        marks = [
            sum(1 for mark in kept.values() if mark >= seq)
            for name, seq in answer.reads.items()
            for kept in (topics[name].reads, topics[name].delivered)
        ]
        return *marks, *(topics[name].seq for name in answer.topics)

    def _send(self, group: _Group) -> None:
        event, topic = group.answer.event, group.asked.topic
        data = event.encode(group.answer.response)
        if data == group.sent:
            return
        group.sent = data
        encoded: dict[Wire, bytes] = {}
        for session in group.followers:
            if session.wire not in encoded:
                encoded[session.wire] = session.wire.broadcast(topic, event.name, data)
            session.offer_snapshot(f"{event.name} {topic} {group.answer.target}", encoded[session.wire])
