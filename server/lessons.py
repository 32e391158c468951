"""Ends lessons that were forgotten, on every worker and after any of them was killed.

    every minute: the journal's lessons that run -> their staff's spells -> lesson:ended, once for all workers

A lesson is over when none of its staff has been in the class for FORGOTTEN_MINUTES, since the last of them left; and in
any case LONGEST_HOURS after it began, so that a page that stays open on a school's computer keeps no class open over
night. Nothing is kept in memory: what a killed worker knew stands in the journal.
"""

import asyncio
import logging
from collections.abc import Collection

from channels.errors import JournalUnavailable
from channels.journal.entry import Checked, Entry, Receipt, Unended
from channels.journal.journal import Journal
from channels.lesson.attendance import last_here
from channels.lesson.lessons import ENDED, STARTED, LessonEnded, as_running
from channels.topics.kind import CLASS
from server.clock import MINUTE, Clock, now_ms

log = logging.getLogger(__name__)

# A computer that fell asleep, a network that was away, a colleague who takes over: shorter than the pause between two
# lessons would end those that go on; much longer would leave pupils without supervision in a class that is open.
FORGOTTEN_MINUTES = 15

# Longer than any school day.
LONGEST_HOURS = 12

# How often the journal is asked: what ends, ends at the moment when its staff left.
CHECK_SECONDS = 60.0

# The author of what the server does by itself.
NOBODY = 0


class ForgottenLessons:
    """One worker's part of it; `staff` names the roles that teach or lead."""

    def __init__(
        self,
        journal: Journal,
        staff: Collection[str],
        now: Clock = now_ms,
        *,
        check_seconds: float = CHECK_SECONDS,
        forgotten_ms: int = FORGOTTEN_MINUTES * MINUTE,
        longest_ms: int = LONGEST_HOURS * 60 * MINUTE,
    ) -> None:
        self._journal = journal
        self._staff = staff
        self._now = now
        self._check_seconds = check_seconds
        self._forgotten_ms = forgotten_ms
        self._longest_ms = longest_ms
        # After an outage the staff have this long to come back, too.
        self._since = now()

    async def run(self) -> None:
        """Check again and again; while the journal is away, the next check finds what this one did not."""
        while True:
            await asyncio.sleep(self._check_seconds)
            try:
                await self.check()
            except JournalUnavailable:
                continue
            except Exception:
                log.exception("forgotten lessons could not be ended; the next check is in %g s", self._check_seconds)

    async def check(self) -> None:
        """End the lessons that were forgotten; raises `JournalUnavailable`."""
        # Also those of the classes' staff, where no lesson runs.
        prefix = CLASS.wire.partition("{")[0]
        for unended in await self._journal.unended(STARTED.name, ENDED.name, prefix):
            until = await self._until(unended)
            if until is not None:
                self._end(unended, until)

    async def _until(self, unended: Unended) -> int | None:
        # When the lesson ended; None: it goes on.
        events = await self._journal.after(unended.topic, unended.begun - 1, 1)
        if not events or events[0].event != STARTED.name:
            return None
        since, now = as_running(events[0]).since, self._now()
        spells = await self._journal.spells(unended.topic, [unended.begun])
        left = max([since, *(last_here(spell, now) for spell in spells if spell.role in self._staff)])
        if now - since > self._longest_ms:
            return min(left, since + self._longest_ms)
        return left if now - max(left, self._since) > self._forgotten_ms else None

    def _end(self, unended: Unended, until: int) -> None:
        payload = ENDED.encode(LessonEnded(unended.begun, until))
        # The same id on every worker: it counts once.
        push_id = f"forgotten-{unended.begun}"
        entry = Entry(unended.topic, ENDED.name, payload, NOBODY, push_id, self._now(), ENDED.governs)
        self._journal.append([entry], _note, Checked(unended.topic, unended.governed))


def _note(outcome: object) -> None:
    # Where a rule of the class changed meanwhile or the database is away, the next check looks again.
    if not isinstance(outcome, Receipt):
        log.debug("a forgotten lesson was not ended yet: %s", outcome)
