"""Which topics have no events yet, so that a client joins one without a query.

    start -> read(): the names of all topics that have events -> fill(): what is committed -> `name in empty_topics`

Most topics are those of single users, and empty. To load one with a query took 0.1 ms of CPU, with 15,000 others after
a restart too, and once for each page that a user opens.

Only for the one worker of a journal: it commits each topic's first event. (What rewrites the journal from outside
appends to topics that have events.) Others would have to be asked what they have committed.
"""

from channels.journal.journal import Journal

# Topics that have events: with more of them, all topics are loaded with a query. 50,000 names take 6 MB and 0.1 s, and
# a school of 30,000 that sends each user something of their own has not so many.
MAX_NAMES = 50_000


class EmptyTopics:
    """The topics without events; none is known before `read`."""

    def __init__(self, max_names: int = MAX_NAMES) -> None:
        self._max_names = max_names
        self._filled: set[str] = set()
        self._is_known = False

    def __contains__(self, name: str) -> bool:
        return self._is_known and name not in self._filled

    async def read(self, journal: Journal) -> None:
        """Read which topics have events, before anything is committed; raises `JournalUnavailable`."""
        self._filled.update(await journal.topics(self._max_names + 1))
        self._is_known = True
        self._keep_bound()

    def fill(self, name: str) -> None:
        """Note that a topic has an event now, or may have one."""
        if self._is_known:
            self._filled.add(name)
            self._keep_bound()

    def _keep_bound(self) -> None:
        if len(self._filled) > self._max_names:
            self._is_known = False
            self._filled.clear()
