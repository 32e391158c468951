"""What the journal takes and returns, and what it needs of a writer."""

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from channels.errors import Refused
from channels.wire.codec import Event


class Amended(msgspec.Struct, frozen=True, gc=False):
    """The payload (a JSON object) that an earlier event of the topic has from now on."""

    seq: int
    payload: bytes


class Entry(msgspec.Struct, gc=False):
    """An event to be appended: its JSON object, its time (`at`, ms), and the client's own id of it (`push_id`).

    `governs`: the event changes what is allowed in its topic, so an append that was checked before it is superseded.
    `amended`: the payloads that the event gives to the one which it amends and to the earlier events about that one.
    Only a governing event may amend: no other can have amended them meanwhile.
    """

    topic: str
    event: str
    payload: bytes
    author_id: int
    push_id: str | None
    at: int
    governs: bool = False
    amended: Sequence[Amended] = ()


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """The position of an entry in its topic; not `fresh`: it was stored by an earlier push of the same id."""

    seq: int
    at: int
    fresh: bool = True


class Superseded(msgspec.Struct, frozen=True, gc=False):
    """Nothing was stored: `governed`, the position of the topic's newest governing event, is past the one checked."""

    governed: int


class Checked(msgspec.Struct, frozen=True, gc=False):
    """What an append was checked against: a topic's rules, as of the governing event at this position of it."""

    topic: str
    governed: int


class Mark(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """How far a user has read a topic, and since when (ms)."""

    topic: str
    user_id: int
    seq: int
    at: int


class Snapshot(msgspec.Struct, frozen=True, gc=False):
    """The state that a topic's events up to `seq` fold into, as its features dump it."""

    topic: str
    seq: int
    state: bytes


Done = Callable[[Receipt | Superseded | Refused], None]


class Group(msgspec.Struct, gc=False):
    """Entries that are stored all or none, in order; they may be of several topics.

    The first is the push's own: its author, topic and push id say whether the group was stored before. The others have
    no push id. `checked` is what the push was checked against; None: no rule concerns it.
    """

    entries: Sequence[Entry]
    done: Done
    checked: Checked | None = None
    queued_at: float = 0.0  # by the event loop's clock
    size: int = 0  # bytes of all payloads


class Counter(msgspec.Struct, gc=False):
    """A topic's row inside a transaction: its id, and the positions of its newest event and newest governing event."""

    id: int
    seq: int
    governed: int

    def take(self, entry: Entry) -> Receipt:
        """Give an entry the next position."""
        self.seq += 1
        if entry.governs:
            self.governed = self.seq
        return Receipt(self.seq, entry.at)


# Of one group: a receipt for each entry; or one that is not fresh, of its first entry; or that it was superseded.
Stored = list[Receipt] | Superseded


class Writer(Protocol):
    """Commits batches to one kind of database."""

    async def commit(
        self, groups: Sequence[Group], marks: Sequence[Mark] = (), snapshots: Sequence[Snapshot] = ()
    ) -> list[Stored]:
        """Store a batch in one transaction, all or nothing, and return what became of each group.

        Groups are stored in the order given. What an entry amends is replaced, and its former payload kept as a
        version. Whether a group was stored before is looked up first; then `checked` is compared with the topic's
        governed position, which no other transaction can move until this one ends. Read marks move forward only, and
        no further than the topic's head; of a topic's snapshots the furthest is kept.

        Raises `JournalUnavailable` when the database does not answer; whether the batch was committed is then unknown,
        and sending the same push ids again settles it.
        """

    async def close(self) -> None:
        """Give the connection back."""


class JournalListener(Protocol):
    """Who is told what this worker commits; called in the event loop, and must not raise."""

    def committed(self, batch: Sequence[tuple[Entry, Event]]) -> None:
        """Take a batch's new events, in commit order, before any `done` of the batch."""

    def in_doubt(self, topics: set[str]) -> None:
        """Note that nobody knows whether a batch with events of these topics was committed."""

    def already_stored(self, topic: str, seq: int) -> None:
        """Note that a push which was sent again is stored at this position."""
