"""What the journal takes and returns, and what it needs of a writer."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

import msgspec

from channels.errors import Refused
from channels.event import Amend
from channels.wire.codec import Event, stamped, with_target


class Choice(msgspec.Struct, frozen=True, gc=False):
    """What a user chooses about the event at `target`, as a number: one choice for each user and event.

    A later one takes its place where it `replaces`; otherwise the later one is refused with `refusal`.
    """

    target: int
    value: int
    replaces: bool
    refusal: Refused


class Tally(msgspec.Struct, frozen=True, gc=False):
    """Completes an event by the choices about the event at `target`, counted inside the transaction that stores it.

    Of an event that governs, the count is exact: later choices, which were checked before it, are superseded.
    `complete` returns the event's payload for how often each value was chosen. `forget`: afterwards nobody can tell who
    has chosen what; that a user has chosen stays known.
    """

    target: int
    complete: Callable[[Mapping[int, int]], bytes]
    forget: bool


class Timer(msgspec.Struct, frozen=True, gc=False):
    """What an event wants done later: at which time (ms), and the name of the action to run then."""

    at: int
    action: str


class Entry(msgspec.Struct, gc=False):
    """An event to be appended: its JSON object, its time (`at`, ms), and the client's own id of it (`push_id`).

    With a `choice` it is no event, takes no position and is sent to nobody: it stores the author's choice about an
    event of the topic, and only the first entry of a group can be one. A `tally` completes the payload.

    `governs`: the event changes what is allowed in its topic, so an append that was checked before it is superseded.
    `about`: the position of an earlier event of the topic that this one is about; what amends that one changes this
    one, too. `amend`: this event changes that one and those about it; where it `annotates`, that one only, and no
    version is kept. `names_first`: the payload gets a field `target`, the position of its group's first entry.
    `timer`: an action to run later; `stops` is the position of an earlier event of the topic, whose timer is deleted.
    `audited`: the event waits in the journal until it is copied to the audit log.
    """

    topic: str
    event: str
    payload: bytes
    author_id: int
    push_id: str | None
    at: int
    governs: bool = False
    about: int | None = None
    amend: Amend | None = None
    annotates: bool = False
    names_first: bool = False
    choice: Choice | None = None
    tally: Tally | None = None
    timer: Timer | None = None
    stops: int | None = None
    audited: bool = False

    @property
    def kept_about(self) -> int | None:
        """Return what is stored as `about`: an annotation has nothing that could be amended."""
        return None if self.annotates else self.about

    def body(self, first: int) -> bytes:
        """Return the payload as it is stored; `first` is the position of the group's first entry."""
        return with_target(self.payload, first) if self.names_first else self.payload

    def amended(self, seq: int, earlier: Iterable[Event]) -> Iterator[tuple[int, bytes]]:
        """Return the positions and new payloads of those events that this one, at `seq`, changes."""
        assert self.amend is not None
        event = Event(seq, self.event, stamped(self.payload, seq, self.at))
        for each in earlier:
            payload = self.amend(event, each)
            if payload is not None:
                yield each.seq, payload


class DueTimer(msgspec.Struct, frozen=True, gc=False):
    """A timer whose time has come: the position of its event, who wrote that, and the action to run."""

    topic: str
    seq: int
    author_id: int
    action: str


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """The position of an entry in its topic; not `fresh`: it was stored by an earlier push of the same id.

    Of a choice, the position of the event that it is about.
    """

    seq: int
    at: int
    fresh: bool = True


class Superseded(msgspec.Struct, frozen=True, gc=False):
    """Nothing was stored, because the topic has events that the push was not checked against.

    `governed` is the position of its newest governing event; `own` that of its author's newest event, 0 where that is
    not what it is about.
    """

    governed: int
    own: int = 0


class Checked(msgspec.Struct, frozen=True, gc=False):
    """What an append was checked against: a topic's rules, as of the governing event at this position of it.

    `own` is given where a rule depends on what the push's author has done in the topic: the position up to which that
    was known.
    """

    topic: str
    governed: int
    own: int | None = None


class Mark(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """How far a user has read a topic, and since when (ms); and up to where it was `delivered` to them, read or not.

    0: nothing is said of that. `quiet`: the user has read in quiet hours that began then (ms); 0: in no such hours.
    """

    topic: str
    user_id: int
    seq: int
    at: int
    delivered: int = 0
    quiet: int = 0

    def merged(self, other: "Mark") -> "Mark":
        """Return what two marks of one user say together."""
        further = self if self.seq >= other.seq else other
        delivered = max(self.delivered, other.delivered)
        return Mark(self.topic, self.user_id, further.seq, further.at, delivered, further.quiet)


class Snapshot(msgspec.Struct, frozen=True, gc=False):
    """The state that a topic's events up to `seq` fold into, as its features dump it."""

    topic: str
    seq: int
    state: bytes


class Spell(msgspec.Struct, frozen=True, gc=False):
    """That a user was in a topic from `began` to `ended` (ms; None: still there).

    `number` is its worker's own. `period` is the position of the event that began what the spell belongs to.
    """

    number: int
    topic: str
    period: int
    user_id: int
    role: str
    began: int
    ended: int | None = None


class Spells(msgspec.Struct, frozen=True, gc=False):
    """The spells of one worker that are new or have changed; those that it keeps open went on until `at` (ms)."""

    worker: str
    at: int
    changed: Sequence[Spell]


class KeptSpell(msgspec.Struct, frozen=True, gc=False):
    """A spell as it was stored; one without an end went on until `seen` at least, when its worker last wrote."""

    period: int
    user_id: int
    role: str
    began: int
    ended: int | None
    seen: int


class Activity(msgspec.Struct, frozen=True, gc=False):
    """How many events an author stored in one slot of time: the `slot`-th since 1970."""

    slot: int
    author_id: int
    count: int


class Census(msgspec.Struct, frozen=True, gc=False):
    """How many events were stored in one part of a time, the `part`-th from 0, and by how many authors."""

    part: int
    count: int
    authors: int


class Unended(msgspec.Struct, frozen=True, gc=False):
    """A topic with an event, at `begun` and stored `at` (ms), that no later event has ended.

    And the topic's newest governing position.
    """

    topic: str
    begun: int
    governed: int
    at: int


Done = Callable[[Receipt | Superseded | Refused], None]


class Group(msgspec.Struct, gc=False):
    """Entries that are stored all or none, in order; they may be of several topics.

    The first is the push's own: its author, topic and push id say whether the group was stored before. A push id of
    the others must be new in their topics. `checked` is what the push was checked against; None: no rule concerns it.
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


# Of one group: a receipt for each entry; or one that is not fresh, of its first entry; or that it was superseded; or
# why its choice is refused.
Stored = list[Receipt] | Superseded | Refused


class Writer(Protocol):
    """Commits batches to one kind of database."""

    async def commit(
        self,
        groups: Sequence[Group],
        marks: Sequence[Mark] = (),
        snapshots: Sequence[Snapshot] = (),
        spells: Spells | None = None,
    ) -> list[Stored]:
        """Store a batch in one transaction, all or nothing, and return what became of each group.

        Groups are stored in the order given; audited entries are noted. What an entry amends is read and replaced
        inside the transaction, so that nothing is lost between two of them, and its former payload is kept as a
        version. A tally counts the choices of earlier transactions and of its batch. Whether a group was stored before
        is looked up first; then `checked` is compared with the topic's governed position, which no other transaction
        can move until this one ends, and where it says so with the author's newest event. Read marks move forward only,
        and no further than the topic's head; of a topic's snapshots the furthest is kept. A spell that is known gets
        its new end.

        Raises `JournalUnavailable` when the database does not answer; whether the batch was committed is then unknown,
        and sending the same push ids again settles it.
        """

    async def close(self) -> None:
        """Give the connection back."""


class JournalListener(Protocol):
    """Who is told what this worker commits; called in the event loop, and must not raise."""

    def committed(self, batch: Sequence[tuple[Entry, Event]], queued_at: float) -> None:
        """Take a batch's new events, in commit order, before any `done` of the batch."""

    def in_doubt(self, topics: set[str]) -> None:
        """Note that nobody knows whether a batch with events of these topics was committed."""

    def already_stored(self, topic: str, seq: int) -> None:
        """Note that a push which was sent again is stored at this position."""

    def marked(self, marks: Sequence[Mark]) -> None:
        """Take the marks of a batch, which are stored."""
