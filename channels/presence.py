"""Who is in which topic, as Phoenix' clients understand it: the state on joining, then diffs.

    enter/leave -> changes of this turn -> one diff a topic: {"joins": {id: {"metas", "user"}}, "leaves": {…}}

A user is there once, with one meta for each of their sessions; a meta's `phx_ref` is unique in the cluster. Where a
topic is too large to name everybody (MAX_LISTED_STUDENTS), how many are there is told instead, now and then: each
arrival told to everybody would cost n * n. The module keeps the books; sending is the engine's.
"""

import secrets
from collections import Counter
from itertools import count

from channels.member import Role, User
from channels.session import Session

Listing = dict[str, dict[str, object]]
Refs = dict[Session, str]


class Presence:
    """Where this worker's sessions are."""

    def __init__(self) -> None:
        # A worker that is started again must not give out the refs of its past.
        self._incarnation = secrets.token_hex(4)
        self._numbers = count(1)
        self._here: dict[str, Refs] = {}
        self._joins: dict[str, Refs] = {}
        self._leaves: dict[str, Refs] = {}
        self._counted: set[str] = set()
        self._counts_changed: set[str] = set()

    def enter(self, topic: str, session: Session, listed: bool = True) -> None:
        """Show a session's user in a topic: by name, or only counted."""
        ref = f"{self._incarnation}{next(self._numbers):x}"
        self._here.setdefault(topic, {})[session] = ref
        if listed:
            self._joins.setdefault(topic, {})[session] = ref
        else:
            self._counted.add(topic)
            self._counts_changed.add(topic)

    def leave(self, topic: str, session: Session) -> None:
        """Show a session's user there no more; nothing happens where it was not shown."""
        here = self._here.get(topic, {})
        ref = here.pop(session, None)
        if ref is None:
            return
        if not here:
            del self._here[topic]
        if topic in self._counted:
            self._counts_changed.add(topic)
        elif self._joins.get(topic, {}).pop(session, None) is None:  # else nobody has heard of it yet
            self._leaves.setdefault(topic, {})[session] = ref

    def welcome(self, topic: str, listed: bool) -> tuple[str, object]:
        """Return the event and payload that tell a newcomer who is there; what the next diff tells is left out."""
        if not listed:
            return "presence_count", self._count(topic)
        told = self._here.get(topic, {}).keys() - self._joins.get(topic, {}).keys()
        here = {session: ref for session, ref in self._here.get(topic, {}).items() if session in told}
        return "presence_state", _listing(here | self._leaves.get(topic, {}))

    def counts(self, topic: str) -> Counter[Role]:
        """Return how many users of each role are there."""
        return Counter(user.role for user in {session.member.user for session in self._here.get(topic, ())})

    def take_diffs(self) -> dict[str, dict[str, Listing]]:
        """Return, by topic, what has changed since the last call."""
        joins, leaves = self._joins, self._leaves
        self._joins, self._leaves = {}, {}
        return {
            topic: {"joins": _listing(joins.get(topic, {})), "leaves": _listing(leaves.get(topic, {}))}
            for topic in joins.keys() | leaves.keys()
            if joins.get(topic) or leaves.get(topic)
        }

    def take_counts(self) -> dict[str, dict[str, int]]:
        """Return, by topic, the counts that have changed since the last call."""
        changed, self._counts_changed = self._counts_changed, set()
        return {topic: self._count(topic) for topic in changed}

    def _count(self, topic: str) -> dict[str, int]:
        counts = self.counts(topic)
        return {"students": counts[Role.STUDENT], "teachers": counts[Role.TEACHER]}


def _listing(refs: Refs) -> Listing:
    metas: dict[User, list[dict[str, str]]] = {}
    for session, ref in refs.items():
        metas.setdefault(session.member.user, []).append({"phx_ref": ref})
    return {str(user.id): {"metas": list_, "user": user} for user, list_ in metas.items()}
