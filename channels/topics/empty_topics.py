"""Which topics have no events yet, so that a client joins one without a query.

    start -> read(): the names of all topics that have events -> fill(): what is committed -> `name in empty_topics`
                                                              -> note_moves(): what others commit

Most topics are those of single users, and empty. To load one with a query took 0.1 ms of CPU, with 15,000 others after
a restart too, and once for each page that a user opens.

The one worker of a journal commits each topic's first event itself. (What rewrites the journal from outside appends to
topics that have events.) Where there are several, a topic is known to be empty only while the file of the journal has
the version up to which all moves are known: while nobody has committed anything since. So it holds for a school that
comes back, and seldom in the middle of a lesson. PostgreSQL has no such version; there nothing is known with several.
"""

from channels.journal.file_version import Version
from channels.journal.journal import Journal
from channels.journal.moves import Moves

# Topics that have events: with more of them, all topics are loaded with a query. 50,000 names take 6 MB and 0.1 s, and
# a school of 30,000 that sends each user something of their own has not so many.
MAX_NAMES = 50_000


class EmptyTopics:
    """The topics of a journal without events; none is known before `read`."""

    def __init__(self, journal: Journal, max_names: int = MAX_NAMES) -> None:
        self._journal = journal
        self._max_names = max_names
        self._filled: set[str] = set()
        self._is_known = False
        self._version: Version | None = None  # up to which all moves are known; None: only this worker makes any

    def __contains__(self, name: str) -> bool:
        return self._is_known and name not in self._filled and self._is_current()

    def _is_current(self) -> bool:
        return self._version is None or self._journal.file_version() == self._version

    async def read(self, version: Version | None) -> None:
        """Read which topics have events; raises `JournalUnavailable`.

        `version` is that of the `Moves` from whose `next` the first call of `note_moves` goes on, or None where nobody
        else commits anything.
        """
        self._filled.update(await self._journal.topics(self._max_names + 1))
        self._version = version
        self._is_known = True
        self._keep_bound()

    def fill(self, name: str) -> None:
        """Note that a topic has an event now, or may have one."""
        if self._is_known:
            self._filled.add(name)
            self._keep_bound()

    def note_moves(self, moves: Moves) -> None:
        """Note all that has moved since the last call."""
        if self._version is None or not self._is_known:
            return
        self._filled.update(moves.heads)
        if moves.version is not None:
            self._version = moves.version
        self._keep_bound()

    def _keep_bound(self) -> None:
        if len(self._filled) > self._max_names:
            self._is_known = False
            self._filled.clear()
