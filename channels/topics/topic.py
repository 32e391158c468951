"""One topic as a worker knows it: its position, its state, its newest events, its sessions.

Plain data with the few rules that keep it bounded; the hub keeps the order, `fan_out` sends.
"""

import asyncio
from collections import deque
from collections.abc import Collection, Iterator
from itertools import chain, islice
from typing import Any, Protocol

import msgspec

from channels.event import Amend
from channels.limit import MAX_RECENT_BYTES, RECENT_EVENTS
from channels.sessions.session import Sender, Session
from channels.topics.kind import TopicAddress
from channels.wire.codec import Event, Wire, amended, as_broadcast


class State(Protocol):
    """What a topic's events add up to; see `channels.lesson.state`.

    `governed` is the position of the newest governing event applied, 0 where there was none.
    """

    governed: int

    @property
    def kinds(self) -> Collection[str]:
        """Return the kinds of event that change it."""

    @property
    def noted(self) -> int:
        """Return the position of the newest event whose delivery to each user is noted; 0: there is none."""

    def of(self, feature: Any) -> Any:
        """Return one feature's state; raises KeyError where the feature does not fold in this topic."""

    def check(self, push: Any, action: Any) -> bool:
        """Raise `Refused` where the state forbids a push; tell whether that depends on its author's earlier events."""

    def apply(self, event: Event) -> None:
        """Fold one event, of any kind, in order."""

    @property
    def has_periods(self) -> bool:
        """Tell whether there may be one, now or later."""

    def period(self) -> Any:
        """Return the period for which presence in the topic is recorded, None where there is none."""

    def view(self, viewer: Any) -> dict[str, object]:
        """Return the state as the replies to a member's joins carry it."""

    def encoded_view(self, viewer: Any) -> dict[str, object]:
        """Return the same as `view`, where what all members see is JSON already."""

    def dump(self) -> bytes:
        """Return the state for a snapshot."""

    def load(self, data: bytes) -> bool:
        """Take over a snapshot; False, and nothing changes, where it was made by another version."""


class Topic:
    """One topic as this worker knows it, up to the event numbered `seq`.

    `groups` holds its sessions by wire, each with where its bytes are sent: so that nothing is looked up, and no
    session touched, for each of thousands (memory that has to be fetched is most of what a delivery costs in Python).
    `recent` are the newest events, without a gap, the last one at `seq`.

    `name` is the journal's and the broker's, `wire_name` the one that clients use (`user:me` is `user:12` inside).
    """

    __slots__ = (
        "address",
        "delivered",
        "floor",
        "groups",
        "head",
        "holds",
        "hole",
        "idle_since",
        "listed",
        "loading",
        "name",
        "reads",
        "recent",
        "recent_bytes",
        "renewing",
        "seq",
        "snapshot_due",
        "state",
        "unsent",
        "waiting",
        "wire_name",
    )

    def __init__(self, address: TopicAddress, state: State) -> None:
        self.address = address
        self.name = address.name
        self.wire_name = address.wire_name
        self.state = state
        self.seq = 0
        self.head = 0  # the highest position known of; above `seq` there is a hole
        self.floor = 0  # at this position or below, the journal lacks events
        self.snapshot_due = 0  # the position at which the next snapshot of the state is kept
        self.groups: dict[Wire, dict[Session, Sender]] = {}
        self.recent: deque[Event] = deque()
        self.recent_bytes = 0
        # The newest events as the last reply listed them, and how many: a class that comes back gets the same ones. Of
        # one number only, so that a topic holds no more than its recent events once again.
        self.listed: tuple[int, msgspec.Raw] | None = None
        self.reads: dict[int, int] = {}  # how far users have read, by their ids; it never goes back
        self.delivered: dict[int, int] = {}  # up to where users were sent it, as far as this worker has noted
        self.unsent: list[Event] = []
        self.waiting: dict[int, Event] = {}
        self.loading: asyncio.Task[None] | None = None
        self.renewing: asyncio.Task[None] | None = None  # its state is read again: the journal has rewritten it
        self.hole: asyncio.Task[None] | None = None
        self.holds = 0
        self.idle_since: float | None = None

    def place(self, session: Session) -> None:
        """Send a session what the topic gets, by its present wire and sender."""
        group = self.groups.get(session.wire)
        if group is None or session not in group:
            self.take_out(session)
            group = self.groups.setdefault(session.wire, {})
        group[session] = session.straight or session

    def take_out(self, session: Session) -> None:
        """Send a session nothing more."""
        for group in self.groups.values():
            group.pop(session, None)

    def sessions(self) -> Iterator[Session]:
        """Return the sessions here that have joined it."""
        return chain.from_iterable(self.groups.values())

    @property
    def audience(self) -> int:
        """Return how many sessions here have joined it."""
        return sum(map(len, self.groups.values()))

    def remember(self, event: Event) -> None:
        """Keep the event encoded for those who come back, and forget the oldest ones past the bounds."""
        self.listed = None
        self.recent.append(event)
        self.recent_bytes += len(event.payload)
        while len(self.recent) > RECENT_EVENTS or self.recent_bytes > MAX_RECENT_BYTES:
            self.recent_bytes -= len(self.recent.popleft().payload)

    def forget_recent(self) -> None:
        """Forget the events that are kept: the journal has them in another form now."""
        self.listed = None
        self.recent.clear()
        self.recent_bytes = 0

    def amend(self, event: Event, amend: Amend) -> None:
        """Change what an event amends among the events that are kept."""
        self.listed = None
        for index, earlier in enumerate(self.recent):
            payload = amend(event, earlier)
            if payload is not None:
                self.recent[index] = changed = amended(earlier, payload)
                self.recent_bytes += len(changed.payload) - len(earlier.payload)

    def remembered(self, after: int) -> list[Event] | None:
        """Return the events past a position, or None where memory does not reach it."""
        count = self.seq - after
        if not 0 <= count <= len(self.recent):
            return None
        return list(islice(self.recent, len(self.recent) - count, None))

    def newest(self, count: int, uncounted: Collection[str] = ()) -> list[Event] | None:
        """Return the newest events, fewer where a gap comes before; None where memory does not reach so far.

        For each of an `uncounted` kind there is one more, as far as memory reaches.
        """
        start = len(self.recent) - (self.seq - max(self.floor, self.seq - count))
        if start < 0:
            return None
        more = sum(event.event in uncounted for event in islice(self.recent, start, None))
        while more and start:
            start -= 1
            more -= self.recent[start].event not in uncounted
        return list(islice(self.recent, start, None))

    def list_newest(self, events: list[Event]) -> msgspec.Raw:
        """Return the JSON array of these events as replies list them: those of `remembered` or `newest`, just now."""
        if self.listed is None or self.listed[0] != len(events):
            self.listed = len(events), msgspec.Raw(msgspec.json.encode([as_broadcast(event) for event in events]))
        return self.listed[1]

    def skip_to(self, seq: int) -> None:
        """Go on after `seq`, because the journal does not have the events before it any more."""
        self.seq = self.floor = seq
        self.head = max(self.head, seq)
        self.forget_recent()
