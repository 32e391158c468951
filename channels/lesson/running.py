"""The lessons that run in the school, for a live view: since when, and since when without a teacher.

    refresh(): what has moved in the journal, who has come and gone -> get(topic), and `changed`

All of it stands in the journal, so that a worker that has just started knows as much as one that was there. A refresh
costs by the topics that have moved; the first one looks at every class.
"""

import msgspec
from msgspec import UNSET, UnsetType

from channels.cluster.presence import Presence
from channels.errors import JournalUnavailable
from channels.field import Milliseconds
from channels.journal.journal import Journal
from channels.lesson.attendance import last_here
from channels.lesson.lessons import ENDED, STARTED
from channels.member import TEACHER
from channels.topics.kind import CLASS

# Where more topics have moved, one look at every class is cheaper than a query that names them all; and SQLite takes
# 32,766 variables in a query.
MAX_NAMED = 1_000

_PREFIX = CLASS.wire.partition("{")[0]


class LessonNow(msgspec.Struct, frozen=True):
    """A lesson that runs since `since`; `untaught`: since when no teacher has the class open, where none has."""

    since: Milliseconds
    untaught: Milliseconds | UnsetType = UNSET


class RunningLessons:
    """The lessons by topic; `changed` are the topics whose lesson has changed, which the caller empties."""

    def __init__(self, presence: Presence) -> None:
        self.changed: set[str] = set()
        self._presence = presence
        self._moved = presence.watch()
        self._lessons: dict[str, LessonNow] = {}
        self._begun: dict[str, int] = {}  # the positions of their `lesson:started`
        self._next: int | None = None  # what the journal is asked with; None: everything

    def get(self, topic: str) -> LessonNow | None:
        """Return the lesson that runs in a class, as of the last refresh."""
        return self._lessons.get(topic)

    def forget(self) -> None:
        """Forget all lessons; the next refresh reads them anew."""
        self.changed.update(self._lessons)
        self._lessons.clear()
        self._begun.clear()
        self._next = None

    async def refresh(self, journal: Journal, at: int) -> None:
        """Take over what has happened since the last refresh; raises `JournalUnavailable`."""
        await self._read(journal)
        self._moved.intersection_update(self._begun)
        for topic in [*self._moved]:
            self._moved.discard(topic)  # before the journal is read: meanwhile somebody may come or go
            try:
                self._put(topic, await self._with_teachers(journal, topic, at))
            except JournalUnavailable:
                self._moved.add(topic)
                raise

    async def _read(self, journal: Journal) -> None:
        moves = await journal.moved(self._next)
        named = [topic for topic in moves.heads if topic.startswith(_PREFIX)]
        topics = None if self._next is None or len(named) > MAX_NAMED else named
        unended = await journal.unended(STARTED.name, ENDED.name, _PREFIX, topics) if topics != [] else []
        found = {each.topic: each for each in unended}
        for topic in self._begun.keys() - found.keys() if topics is None else named:
            if topic not in found and self._begun.pop(topic, None) is not None:
                del self._lessons[topic]
                self.changed.add(topic)
        for topic, each in found.items():
            if self._begun.get(topic) != each.begun:
                self._begun[topic] = each.begun
                self._put(topic, LessonNow(each.at))
                self._moved.add(topic)
        self._next = moves.next

    async def _with_teachers(self, journal: Journal, topic: str, at: int) -> LessonNow:
        lesson = self._lessons[topic]
        if self._presence.counts(topic)[TEACHER]:
            return LessonNow(lesson.since)
        if lesson.untaught is not UNSET:
            return lesson
        spells = await journal.spells(topic, [self._begun[topic]])
        left = [last_here(spell, at) for spell in spells if spell.role == TEACHER]
        return LessonNow(lesson.since, max([lesson.since, *left]))

    def _put(self, topic: str, lesson: LessonNow) -> None:
        if self._lessons.get(topic) != lesson:
            self._lessons[topic] = lesson
            self.changed.add(topic)
