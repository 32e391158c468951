"""How often each value was chosen so far, told while choices come in: of many choices, a few times a second.

    note(topic, target, tell) -> one count of the journal, at once or TELL_SECONDS after the last -> tell() -> published

A choice costs one entry of a dict, and a thousand choices a second cost two counts. Each worker publishes the counts
after choices that it has stored; where the broker loses them, the next choice publishes newer ones.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from channels.errors import JournalUnavailable
from channels.journal.journal import Journal
from channels.lesson.feature import Publish

log = logging.getLogger(__name__)

# What one looks at moves smoothly enough so, and a count reads every choice about the event: 2,000 take some ms.
TELL_SECONDS = 0.5

Tell = Callable[[Mapping[int, int]], Publish[Any]]


class Tallies:
    """Counts choices and hands what is told of them to `publish`, with the name of the topic."""

    def __init__(
        self, journal: Journal, publish: Callable[[str, Publish[Any]], None], *, tell_seconds: float = TELL_SECONDS
    ) -> None:
        self._journal = journal
        self._publish = publish
        self._tell_seconds = tell_seconds
        self._due: dict[tuple[str, int], Tell] = {}
        self._task: asyncio.Task[None] | None = None

    async def close(self) -> None:
        """Tell nothing more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def note(self, topic: str, target: int, tell: Tell) -> None:
        """Tell soon how often each value was chosen about the event at `target`."""
        self._due[topic, target] = tell
        if self._task is None:
            self._task = asyncio.create_task(self._tell_until_done())

    async def _tell_until_done(self) -> None:
        try:
            while self._due:
                due, self._due = self._due, {}
                for (topic, target), tell in due.items():
                    await self._tell(topic, target, tell)
                await asyncio.sleep(self._tell_seconds)
        finally:
            self._task = None

    async def _tell(self, topic: str, target: int, tell: Tell) -> None:
        try:
            counts = await self._journal.tally(topic, target)
            if counts:  # otherwise they were forgotten meanwhile
                self._publish(topic, tell(counts))
        except JournalUnavailable:  # which the journal has logged
            self._due.setdefault((topic, target), tell)
        except Exception:  # what one feature cannot tell must not cost the others theirs
            log.exception("%s: what was chosen about event %d could not be told", topic, target)
