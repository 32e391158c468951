"""Records who is in a topic while one of its periods runs (`channels.lesson.feature.Period`), as spells.

    presence of this worker's sessions, the topics' periods -> tick(), once a second -> Journal.keep_spells

A spell is a row: a user of this worker in a topic, from when to when. It is written when it begins and when it ends;
in between, one row says until when this worker vouches for all that are open. So a killed worker's spells end at most
SEEN_SECONDS too early, and nothing is written for each user. Readers join the spells of several devices and workers.

Who comes back within REJOIN_MS goes on with the same spell, so that no client can fill the table.
"""

from collections.abc import Callable, Iterator
from itertools import count
from weakref import ReferenceType, ref

import msgspec

from channels.cluster.presence import ONLINE, Presence
from channels.journal.entry import Spell, Spells
from channels.journal.journal import Journal
from channels.lesson.feature import Period
from channels.topics.hub import Hub
from channels.topics.topic import State

# More often would be exact to less than a second, and cost a transaction for each pupil who comes.
RECORD_SECONDS = 1.0

# How often a worker writes until when its open spells go on: what a kill costs, for a transaction in so many seconds.
SEEN_SECONDS = 10

# A page that is reloaded, a change of networks. A client that comes and goes writes two rows a minute at most.
REJOIN_MS = 30_000


class _Books:
    """The spells of one topic's period, by user."""

    __slots__ = ("period", "spells")

    def __init__(self, period: int) -> None:
        self.period = period
        self.spells: dict[int, Spell] = {}

    @property
    def is_open(self) -> bool:
        return any(spell.ended is None for spell in self.spells.values())


class SpellRecorder:
    """The spells of one worker's sessions; `now` returns the time of day in ms."""

    def __init__(self, hub: Hub, presence: Presence, journal: Journal, now: Callable[[], int]) -> None:
        self._hub = hub
        self._presence = presence
        self._journal = journal
        self._now = now
        self._changed = presence.watch()
        self._here: dict[str, dict[int, str]] = {}  # topic -> user -> role, of this worker's sessions
        self._books: dict[str, _Books] = {}
        self._dirty: dict[int, Spell] = {}
        # The state and position of each topic when it was last looked at: until they change, so does no period. Not the
        # state itself: after an erasure nothing of the one before may be left in memory.
        self._looked_at: dict[str, tuple[ReferenceType[State], int]] = {}
        self._seen = 0
        self._numbers = count(1)

    def tick(self) -> None:
        """Note who has come and gone since the last call; costs by the topics in which something has changed.

        Measured with 250 classes of 30: 6 ms of CPU when all lessons begin at once.
        """
        now = self._now()
        changed, before = self._take_changed()
        for name in [name for name in {*self._here, *self._books} if name in changed or self._has_moved(name)]:
            self._follow(name, name in changed, before.get(name), now)
            self._note_place(name)
        self._write(now)

    def close(self) -> None:
        """End every spell, because this worker ends; the journal is still open."""
        now = self._now()
        for books in self._books.values():
            self._end(books, now)
        self._books.clear()
        self._write(now)

    def _take_changed(self) -> tuple[set[str], dict[str, dict[int, str]]]:
        # The topics where somebody has come or gone that matters here, and who was here before.
        changed = {name for name in self._changed - {ONLINE} if self._has_periods(name)}
        self._changed.clear()
        before = {name: self._here.get(name, {}) for name in changed}
        for name in changed:
            here = self._presence.own_users(name)
            if here:
                self._here[name] = here
            else:
                self._here.pop(name, None)
                self._looked_at.pop(name, None)
        return changed, before

    def _has_periods(self, name: str) -> bool:
        # Most topics are those of single users, and never have one: nothing is kept of those.
        topic = self._hub.topics.get(name)
        return topic.state.has_periods if topic is not None else name in self._here

    def _has_moved(self, name: str) -> bool:
        topic = self._hub.topics.get(name)
        known = self._looked_at.get(name)
        return topic is None or known is None or known[1] != topic.seq or known[0]() is not topic.state

    def _note_place(self, name: str) -> None:
        topic = self._hub.topics.get(name)
        if topic is not None and (name in self._here or name in self._books):
            self._looked_at[name] = (ref(topic.state), topic.seq)
        else:
            self._looked_at.pop(name, None)

    def _follow(self, name: str, has_changed: bool, before: dict[int, str] | None, now: int) -> None:
        topic = self._hub.topics.get(name)
        period: Period | None = topic.state.period() if topic is not None else None
        books = self._books.get(name)
        if books is not None and (period is None or period.position != books.period):
            self._end(books, now)
            del self._books[name]
            books = None
        if period is None:
            return
        here = self._here.get(name, {})
        if books is None:
            books = self._books[name] = _Books(period.position)
            # Those who were here before this worker knew of the period were here when it began.
            for user_id, role in (here if before is None else before).items():
                self._begin(books, name, user_id, role, period.at)
            has_changed = True
        if has_changed:
            self._compare(books, name, here, now)

    def _compare(self, books: _Books, name: str, here: dict[int, str], now: int) -> None:
        for user_id, role in here.items():
            spell = books.spells.get(user_id)
            if spell is None or (spell.ended is not None and now - spell.ended > REJOIN_MS):
                self._begin(books, name, user_id, role, now)
            elif spell.ended is not None:
                self._change(books, msgspec.structs.replace(spell, ended=None))
        for spell in self._open(books):
            if spell.user_id not in here:
                self._change(books, msgspec.structs.replace(spell, ended=now))

    def _begin(self, books: _Books, name: str, user_id: int, role: str, began: int) -> None:
        self._change(books, Spell(next(self._numbers), name, books.period, user_id, role, began))

    def _change(self, books: _Books, spell: Spell) -> None:
        books.spells[spell.user_id] = self._dirty[spell.number] = spell

    def _end(self, books: _Books, now: int) -> None:
        for spell in self._open(books):
            self._change(books, msgspec.structs.replace(spell, ended=now))

    @staticmethod
    def _open(books: _Books) -> Iterator[Spell]:
        yield from [spell for spell in books.spells.values() if spell.ended is None]

    def _write(self, now: int) -> None:
        is_due = now - self._seen >= SEEN_SECONDS * 1_000 and any(books.is_open for books in self._books.values())
        if not self._dirty and not is_due:
            return
        changed, self._dirty = list(self._dirty.values()), {}
        self._journal.keep_spells(Spells(self._presence.worker, now, changed))
        self._seen = now
