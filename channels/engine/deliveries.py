"""Records which users an announcement was delivered to: those whose connection was sent it, live or by a join.

    Hub accepts such an event -> everybody here who has joined       a join -> who joins with the newest of them unread

A record is a mark like a read mark (`Journal.mark_read`): it says "up to this position", and is stored with the next
transaction. If the process dies before, the user's next join makes it again.
"""

import asyncio
import time
from collections.abc import Iterable, Iterator
from itertools import islice

from channels.errors import Refused
from channels.journal.entry import Mark
from channels.journal.journal import Journal
from channels.lesson.rules import RuleBook
from channels.member import Member
from channels.topics.topic import Topic

# Users recorded in one turn of the event loop, some 2 ms: of a school there are thousands.
NOTED_AT_ONCE = 500


class Deliveries:
    """The records of one worker."""

    def __init__(self, journal: Journal, rules: RuleBook) -> None:
        self._journal = journal
        self._rules = rules

    def sent(self, topic: Topic, seq: int) -> None:
        """Record, once this turn of the event loop has sent it, that the sessions here got an event of their topic."""
        asyncio.get_running_loop().call_soon(self._sent, topic, seq)

    def _sent(self, topic: Topic, seq: int) -> None:
        roles = self._rules.counted(topic.address)
        members = (session.member for session in topic.sessions())
        self._note_in_turns(topic, iter({member.user.id for member in members if member.user.role in roles}), seq)

    def _note_in_turns(self, topic: Topic, user_ids: Iterator[int], seq: int) -> None:
        some = list(islice(user_ids, NOTED_AT_ONCE))
        if some and self._note(topic, some, seq):
            asyncio.get_running_loop().call_soon(self._note_in_turns, topic, user_ids, seq)

    def joined(self, topic: Topic, member: Member) -> None:
        """Record that the reply to a join delivers what it carries, if that was not delivered before."""
        seq, user = topic.state.noted, member.user
        is_known = not seq or seq <= max(topic.reads.get(user.id, 0), topic.delivered.get(user.id, 0))
        if not is_known and user.role in self._rules.counted(topic.address):
            self._note(topic, (user.id,), seq)

    def _note(self, topic: Topic, user_ids: Iterable[int], seq: int) -> bool:
        now = time.time_ns() // 1_000_000
        try:
            for user_id in user_ids:
                self._journal.mark_read(Mark(topic.name, user_id, 0, now, seq))
                topic.delivered[user_id] = seq
        except Refused:  # too many wait: the other users are recorded at their next join
            return False
        return True
