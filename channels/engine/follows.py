"""Answers that go on: a push whose action returns `Follow` is answered again, by an event, when its answer has changed.

    follow(session, …) -> a group of sessions that asked the same
    once a second: has something moved? -> read again -> other than before? -> sent to the group

What moves most answers is in memory: read marks and positions of some topics, which this worker holds as if somebody
here had joined them. So a thousand readers in a second cost one look, on whichever worker they are, and without Redis
the next look comes when the hub has caught up. What memory does not tell (who was sent something by another worker, who
signs in, a read mark that the broker lost) is found by a look every UNASKED_SECONDS.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable
from contextlib import AsyncExitStack
from typing import Any, NamedTuple

from channels.errors import JournalUnavailable, Refused
from channels.lesson.feature import Action, Follow
from channels.limit import MAX_FOLLOWED
from channels.sessions.session import Session, Subscription
from channels.topics.hub import Hub
from channels.wire.codec import Wire

log = logging.getLogger(__name__)

# Numbers that move more often are not read, and each look is some queries.
FOLLOW_SECONDS = 1.0
# A read mark is in memory before it is stored, on its own worker and on others: within moments, unless the database is
# slow. So long after something has moved, it is read at every look.
SETTLE_SECONDS = 1.5
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

    __slots__ = ("answer", "asked", "followers", "held", "is_held", "looked_at", "moved_at", "sent", "stamp")

    def __init__(self, asked: Asked, answer: Follow[Any], now: float) -> None:
        self.asked = asked
        self.answer = answer
        self.sent = answer.event.encode(answer.response)
        self.followers: dict[Session, Subscription] = {}
        self.held = AsyncExitStack()
        self.is_held = False
        self.looked_at = self.moved_at = now
        self.stamp: tuple[int, ...] | None = None  # None: it must be looked at again

    @property
    def place(self) -> tuple[str, str, int]:
        """What a session has one answer about at a time."""
        return self.asked.topic, self.asked.action.event, self.answer.target


class Follows:
    """The answers of one worker that go on; `ask_again` runs the action for one of the sessions (raises `Refused`)."""

    def __init__(self, hub: Hub, ask_again: AskAgain) -> None:
        self._hub = hub
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

    async def run(self, seconds: float) -> None:
        """Look at what may have changed, again and again."""
        while True:
            await asyncio.sleep(seconds)
            for key, group in list(self._groups.items()):
                if not self._prune(group) or not await self._look(group):
                    del self._groups[key]
                    await group.held.aclose()

    def _prune(self, group: _Group) -> bool:
        """Forget the sessions that have left; tell whether one is left."""
        topic = group.asked.topic
        group.followers = {
            session: subscription
            for session, subscription in group.followers.items()
            if session.closing is None and session.subscriptions.get(topic) is subscription
        }
        return bool(group.followers)

    async def _look(self, group: _Group) -> bool:
        """Read again if something moved, and send what is new; tell whether to go on."""
        try:
            await self._hold(group)
            if self._is_due(group, asyncio.get_running_loop().time()):
                group.answer = await self._ask_again(next(iter(group.followers)), group.asked)
                self._send(group)
        except JournalUnavailable:  # which the journal has logged; the next look is in a moment
            return True
        except Refused:
            return False
        except Exception:  # one answer must not cost the others theirs
            log.exception("what was followed by %s on %s is not followed any more", *group.asked[1::-1])
            return False
        return True

    def _is_due(self, group: _Group, now: float) -> bool:
        stamp = self._stamp(group.answer)
        if stamp != group.stamp:
            group.stamp, group.moved_at = stamp, now
        if now - group.moved_at > SETTLE_SECONDS and now - group.looked_at < UNASKED_SECONDS:
            return False
        group.looked_at = now
        return True

    async def _hold(self, group: _Group) -> None:
        if group.is_held:
            return
        async with AsyncExitStack() as held:
            for name in (*group.answer.reads, *group.answer.topics):
                await held.enter_async_context(self._hub.holding(name))
            group.held = held.pop_all()
        group.is_held = True

    def _stamp(self, answer: Follow[Any]) -> tuple[int, ...]:
        topics = self._hub.topics
        reads = [sum(1 for read in topics[name].reads.values() if read >= seq) for name, seq in answer.reads.items()]
        return *reads, *(topics[name].seq for name in answer.topics)

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
