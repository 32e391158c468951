"""Runs what events want done at a time: `Append.timer` names the action, and the journal keeps when.

    each second: Journal.due -> the action, as a push by the event's author -> its appends and the timer's end together

Every worker looks, so that what is due is done by one that lives. Two may run the same action: what it appends first
has an id of its own and is stored once; what ends the timer governs the topic, so that the later one finds it ended.
What was due while no worker ran is done at the start of the first.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Mapping
from typing import Any

from channels.engine.entries import entries_of
from channels.engine.pushes import Pushes
from channels.errors import Code, Refused, Unavailable
from channels.journal.entry import Checked, DueTimer, Receipt, Superseded
from channels.journal.journal import Journal
from channels.lesson.feature import Action, Append, Due, Effect, Several
from channels.limit import MAX_RUNS
from channels.member import Authority, Member, User
from channels.pace import until_tick
from channels.topics.hub import Hub
from channels.topics.topic import Topic

log = logging.getLogger(__name__)

# An announcement for 8:00 is on the screens within a second of it; the query costs 0.3 ms and reads nothing mostly.
TIMER_SECONDS = 1.0

# Timers run at each look: a school's announcements for one moment. The others follow a second later.
MAX_DUE = 20

# A timer that could not be run, or runs on in spite of that, is tried again after this long (s): it must not take the
# place of the others.
RETRY_SECONDS = 60.0


# One query and one transaction of a healthy database; where it is away, closing goes on.
CLOSE_SECONDS = 1.0


class Timers:
    """What is due in the journal; `actions` has what timers may name."""

    def __init__(
        self,
        hub: Hub,
        journal: Journal,
        authority: Authority,
        pushes: Pushes,
        actions: Mapping[str, Action[Due, Any]],
    ) -> None:
        self._hub = hub
        self._journal = journal
        self._authority = authority
        self._pushes = pushes
        self._actions = actions
        self._tried: dict[tuple[str, int], float] = {}  # when, by the event loop's clock
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self, seconds: float) -> None:
        """Begin to look, every `seconds`."""
        self._task = asyncio.create_task(self._look(seconds))

    async def close(self) -> None:
        """Look no more; what runs is finished first, so that its query is not cut off."""
        self._stopping.set()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=CLOSE_SECONDS)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _look(self, seconds: float) -> None:
        while not self._stopping.is_set():
            try:
                await self.run_due()
            except Exception:
                log.exception("a timer failed; it runs again")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), until_tick(seconds))

    async def run_due(self) -> None:
        """Run what is due now; the database may be away, and then the next call does."""
        now = asyncio.get_running_loop().time()
        self._tried = {key: at for key, at in self._tried.items() if now - at < RETRY_SECONDS}
        try:
            # Those that were tried a moment ago may be the earliest.
            found = await self._journal.due(_now(), MAX_DUE + len(self._tried))
            for timer in found:
                key = (timer.topic, timer.seq)
                if key not in self._tried and not self._stopping.is_set():
                    self._tried[key] = now
                    await self._run(timer)
        except Unavailable:
            self._tried.clear()  # it was logged where it was noticed

    async def _run(self, timer: DueTimer) -> None:
        action = self._actions.get(timer.action)
        if action is None:
            log.error("%s: event %d has a timer for %r, which is not known here", timer.topic, timer.seq, timer.action)
            return
        member = await self._authority.member(timer.author_id) or _without_rights(timer.author_id)
        try:
            async with self._hub.holding(timer.topic) as topic:
                await self._run_until_stored(action, member, topic, Due(timer.seq))
        except Refused as refusal:
            # Mostly one that another worker has just run, or its author has just stopped.
            log.debug("%s: the timer of event %d: %s", timer.topic, timer.seq, refusal)
            if refusal.retry_after is not None:
                del self._tried[timer.topic, timer.seq]

    async def _run_until_stored(self, action: Action[Due, Any], member: Member, topic: Topic, due: Due) -> None:
        for _ in range(MAX_RUNS):
            governed = topic.state.governed
            push = self._pushes.push_by(member, topic, due)
            effect = action.run(push)
            if not isinstance(effect, Effect):
                effect = await effect
            first, others = (effect.first, effect.others) if isinstance(effect, Several) else (effect, ())
            assert isinstance(first, Append), f"{action.event} must append first"
            outcome: asyncio.Future[Receipt | Superseded | Refused] = asyncio.get_running_loop().create_future()
            entries = entries_of(push, first, others, topic.name, None)
            self._journal.append(entries, outcome.set_result, Checked(topic.name, governed))
            stored = await outcome
            if isinstance(stored, Refused):
                raise stored
            if isinstance(stored, Superseded):
                await self._pushes.catch_up(topic, stored)
                continue
            for each in others if stored.fresh else ():
                if not isinstance(each, Append):
                    self._pushes.do(topic, each)
            return
        raise Refused(Code.OVERLOADED, "the topic's rules change too fast", retry_after=1_000)


def _without_rights(user_id: int) -> Member:
    return Member(User(user_id, "", ""), "", 0, {})


def _now() -> int:
    return time.time_ns() // 1_000_000
