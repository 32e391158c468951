"""Who is in which topic, on all workers, in the form of Phoenix' clients: the state on joining, then diffs.

    enter/leave here, changes of other workers -> not sent yet -> one diff for each topic, as often as diffs are taken

A user is there once, with one meta for each of their sessions; a meta's `phx_ref` is unique in the cluster. Where a
topic is too large to name everybody (MAX_LISTED_STUDENTS), clients get the numbers instead, now and then: to send each
arrival to everybody would cost n * n.

Each worker owns the entries of its own sessions, and gets those of the others from `presence_sync`. This module keeps
the books; the engine sends.
"""

import secrets
from collections import Counter
from collections.abc import Iterable
from itertools import count
from typing import Any

import msgspec

from channels.event import Delivery, EventType
from channels.member import RoleName, User
from channels.sessions.session import Session


class PresenceMeta(msgspec.Struct, frozen=True):
    """One session of a user; `phx_ref` is unique."""

    phx_ref: str


class Present(msgspec.Struct):
    """A user who is there, with a meta for each session."""

    metas: list[PresenceMeta]
    user: User


# By the user's id, as text.
Listing = dict[str, Present]


class PresenceDiff(msgspec.Struct, frozen=True):
    """Sessions that have come and gone since the state or the last diff, by the user's id; joins are applied first."""

    joins: Listing
    leaves: Listing


class PresenceCount(msgspec.Struct, frozen=True):
    """How many users of each role are there, in a class that is too large to name them.

    Also where the school does not want the user's role to see who is there. Roles of which nobody is are left out.
    """

    users: dict[RoleName, int]


PRESENCE_STATE = EventType(
    "presence_state",
    Listing,
    Delivery.ORDERED,
    meaning="Who is there, by the user's id: after the join's reply, and where the school shows names again.",
)
PRESENCE_DIFF = EventType("presence_diff", PresenceDiff, Delivery.ORDERED)
PRESENCE_COUNT = EventType("presence_count", PresenceCount, Delivery.SNAPSHOT)

# Sent in topics whose members are shown to each other.
EVENTS: tuple[EventType[Any], ...] = (PRESENCE_STATE, PRESENCE_DIFF, PRESENCE_COUNT)

# Every connected session is here, whatever it has joined; no client can join it.
ONLINE = "online"


class PresenceEntry(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One session shown in a topic."""

    topic: str
    ref: str
    user: User


class PresenceChange(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """That an entry has come (`here`) or gone."""

    entry: PresenceEntry
    here: bool


class Presence:
    """Who is where; `worker` names this worker in this life of it: what it was before a restart is another one.

    `counted` are the topics of which this worker's clients get numbers only.
    """

    def __init__(self) -> None:
        self.worker = secrets.token_hex(6)
        self.counted: set[str] = {ONLINE}
        self._numbers = count(1)
        self._own: dict[Session, dict[str, PresenceEntry]] = {}
        self._others: dict[str, dict[str, PresenceEntry]] = {}  # worker -> ref -> entry
        self._here: dict[str, dict[str, PresenceEntry]] = {}  # topic -> ref -> entry, of all workers
        # topic -> role -> user -> sessions, so that to count the 30,000 users online costs nothing
        self._users: dict[str, dict[RoleName, Counter[int]]] = {}
        self._watched: list[set[str]] = []
        self._joins: dict[str, dict[str, PresenceEntry]] = {}
        self._leaves: dict[str, dict[str, PresenceEntry]] = {}
        self._counts_changed: set[str] = set()
        self._unshared: list[PresenceChange] = []

    # This worker's own

    def enter(self, topic: str, session: Session) -> None:
        """Show a session's user in a topic."""
        entry = PresenceEntry(topic, f"{self.worker}{next(self._numbers):x}", session.member.user)
        self._own.setdefault(session, {})[topic] = entry
        self._unshared.append(PresenceChange(entry, here=True))
        self._add(entry)

    def leave(self, topic: str, session: Session) -> None:
        """Show a session's user there no more; nothing happens where it was not shown."""
        entries = self._own.get(session, {})
        entry = entries.pop(topic, None)
        if entry is None:
            return
        if not entries:
            del self._own[session]
        self._unshared.append(PresenceChange(entry, here=False))
        self._remove(entry)

    def take_unshared(self) -> list[PresenceChange]:
        """Return this worker's changes since the last call, for the others."""
        unshared, self._unshared = self._unshared, []
        return unshared

    def own(self) -> list[PresenceEntry]:
        """Return all of this worker's entries."""
        return [entry for entries in self._own.values() for entry in entries.values()]

    # Other workers'

    def apply(self, worker: str, changes: Iterable[PresenceChange]) -> None:
        """Follow another worker's changes."""
        known = self._others.setdefault(worker, {})
        for change in changes:
            entry = change.entry
            if change.here and entry.ref not in known:
                known[entry.ref] = entry
                self._add(entry)
            elif not change.here and known.pop(entry.ref, None) is not None:
                self._remove(entry)

    def replace(self, worker: str, entries: Iterable[PresenceEntry]) -> None:
        """Take another worker's whole set; only what differs is a change."""
        known, new = self._others.get(worker, {}), {entry.ref: entry for entry in entries}
        gone = [PresenceChange(entry, here=False) for ref, entry in known.items() if ref not in new]
        self.apply(worker, gone)
        self.apply(worker, [PresenceChange(entry, here=True) for entry in new.values()])

    def drop(self, worker: str) -> None:
        """Forget all of a worker that is gone."""
        self.replace(worker, ())
        self._others.pop(worker, None)

    def count_only(self, topic: str) -> None:
        """Tell clients numbers only from now on; what they were not yet told by name is forgotten."""
        self.counted.add(topic)
        self._joins.pop(topic, None)
        self._leaves.pop(topic, None)

    # Books

    def _add(self, entry: PresenceEntry) -> None:
        self._here.setdefault(entry.topic, {})[entry.ref] = entry
        self._users.setdefault(entry.topic, {}).setdefault(entry.user.role, Counter())[entry.user.id] += 1
        self._note(entry.topic)
        if entry.topic in self.counted:
            self._counts_changed.add(entry.topic)
        elif self._leaves.get(entry.topic, {}).pop(entry.ref, None) is None:
            self._joins.setdefault(entry.topic, {})[entry.ref] = entry

    def _remove(self, entry: PresenceEntry) -> None:
        here = self._here[entry.topic]
        del here[entry.ref]
        self._discount(entry)
        if not here:
            del self._here[entry.topic], self._users[entry.topic]
        self._note(entry.topic)
        if entry.topic in self.counted:
            self._counts_changed.add(entry.topic)
        elif self._joins.get(entry.topic, {}).pop(entry.ref, None) is None:  # else no client has got it yet
            self._leaves.setdefault(entry.topic, {})[entry.ref] = entry

    def _discount(self, entry: PresenceEntry) -> None:
        users = self._users[entry.topic][entry.user.role]
        users[entry.user.id] -= 1
        if not users[entry.user.id]:
            del users[entry.user.id]

    def _note(self, topic: str) -> None:
        for watched in self._watched:
            watched.add(topic)

    def watch(self) -> set[str]:
        """Return a set to which every topic is added where somebody comes or goes; the caller empties it.

        It grows to the number of topics at most.
        """
        watched: set[str] = set()
        self._watched.append(watched)
        return watched

    def welcome(self, topic: str) -> tuple[EventType[Any], Listing | PresenceCount]:
        """Return the event and payload that tell a newcomer who is there, before the next diff."""
        if topic in self.counted:
            return PRESENCE_COUNT, self.count(topic)
        unsent = self._joins.get(topic, {})
        sent = [entry for ref, entry in self._here.get(topic, {}).items() if ref not in unsent]
        return PRESENCE_STATE, _listing([*sent, *self._leaves.get(topic, {}).values()])

    def counts(self, topic: str) -> Counter[RoleName]:
        """Return how many users of each role are in a topic, each once however many sessions they have."""
        return Counter({role: len(users) for role, users in self._users.get(topic, {}).items() if users})

    def own_users(self, topic: str) -> dict[int, RoleName]:
        """Return the users, with their roles, whom sessions of this worker show in a topic."""
        here = self._here.get(topic, {})
        return {entry.user.id: entry.user.role for ref, entry in here.items() if ref.startswith(self.worker)}

    def sessions(self, topic: str) -> int:
        """Return how many sessions are in a topic."""
        return len(self._here.get(topic, ()))

    def take_diffs(self) -> dict[str, PresenceDiff]:
        """Return, by topic, what has changed since the last call."""
        joins, leaves = self._joins, self._leaves
        self._joins, self._leaves = {}, {}
        return {
            topic: PresenceDiff(
                _listing(joins.get(topic, {}).values()),
                _listing(leaves.get(topic, {}).values()),
            )
            for topic in joins.keys() | leaves.keys()
            if joins.get(topic) or leaves.get(topic)
        }

    def take_counts(self) -> dict[str, PresenceCount]:
        """Return, by topic, the counts that have changed since the last call."""
        changed, self._counts_changed = self._counts_changed - {ONLINE}, set()
        return {topic: self.count(topic) for topic in changed}

    def count(self, topic: str) -> PresenceCount:
        """Return how many users of each role are in a topic, as clients get it."""
        return PresenceCount(dict(self.counts(topic)))


def _listing(entries: Iterable[PresenceEntry]) -> Listing:
    listing: Listing = {}
    for entry in entries:
        shown = listing.setdefault(str(entry.user.id), Present([], entry.user))
        shown.user = entry.user
        shown.metas.append(PresenceMeta(entry.ref))
    return listing
