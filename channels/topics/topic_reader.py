"""Reads a topic from the journal: into memory when it is new to this worker, and for clients that come back.

    load -> position, state (the last snapshot and the events after it), newest events, read marks
    missed -> the events after a client's position          keep_snapshot -> the state as it is, for the next load

A position is complete where the journal has every event after it. Where rows were deleted, the events before the gap
are not sent: the client is answered with the newest ones, and told so.
"""

from collections.abc import Collection, Sequence

from channels.journal.entry import Snapshot
from channels.journal.journal import Journal
from channels.limit import MAX_MISSED_BYTES, MAX_MISSED_EVENTS, NEWEST_EVENTS, RECENT_EVENTS
from channels.topics.topic import State, Topic
from channels.wire.codec import Event, total_bytes

# Events read from the journal at a time to fold a topic's state.
FOLD_PAGE_EVENTS = 500

# Events of a topic from one stored snapshot of its state to the next. Loading a topic reads at most so many to fold its
# state, two pages; a snapshot has some KB and is written by each worker that has the topic, which is little per event.
SNAPSHOT_EVENTS = 1_000

# A position that no topic reaches.
NEVER = 2**63

# Events read from the journal at a time for a client that comes back: the longest of them hold 2.4 MB.
MISSED_PAGE_EVENTS = 100


class TopicReader:
    """Reads from `journal`; what is awaited raises `JournalUnavailable`.

    `uncounted`: kinds of event that do not count among the newest, because those, or the state, contain what they say.
    """

    def __init__(
        self, journal: Journal, uncounted: Collection[str] = (), *, snapshot_events: int = SNAPSHOT_EVENTS
    ) -> None:
        self._journal = journal
        self._uncounted = uncounted
        self._snapshot_events = snapshot_events

    def begin(self, topic: Topic) -> None:
        """Begin with a topic that has no events."""
        topic.snapshot_due = self._snapshot_events

    async def load(self, topic: Topic, head: int) -> None:
        """Bring a new topic to its newest event; `head` is its position as the journal has just given it."""
        self.begin(topic)
        if not head:
            return
        # Read first: it must not be ahead of the position that the topic gets.
        folded = await self._restore(topic.state, topic.name)
        topic.snapshot_due += folded
        events = await self._journal.before(topic.name, None, RECENT_EVENTS)
        seq = max(head, folded, events[-1].seq if events else 0)
        await self._fold(topic, folded, events)
        for user_id, read in (await self._journal.marks(topic.name)).items():
            topic.reads[user_id] = max(read, topic.reads.get(user_id, 0))
        recent = _unbroken(events, seq)
        topic.skip_to(seq)
        for event in recent:
            topic.remember(event)
        topic.floor = seq - len(recent) if len(recent) < RECENT_EVENTS else 0
        if seq >= topic.snapshot_due:
            self.keep_snapshot(topic)

    async def renew(self, topic: Topic, state: State) -> None:
        """Give a topic that is in use the state that the journal has of it now, folded into a new `state`.

        Until then it keeps its state, and no snapshot of that is stored.
        """
        topic.snapshot_due = NEVER
        reached = await self._restore(state, topic.name)
        while reached < topic.seq:
            before, reached = reached, topic.seq
            await self._fold_older(state, topic.name, before, reached)
        topic.state = state
        topic.snapshot_due = topic.seq + self._snapshot_events

    async def _restore(self, state: State, name: str) -> int:
        # Returns the position that the state has then.
        snapshot = await self._journal.snapshot(name) if state.kinds else None
        if snapshot is None or not state.load(snapshot.state):
            return 0
        return snapshot.seq

    async def _fold(self, topic: Topic, folded: int, newest: Sequence[Event]) -> None:
        # After a snapshot of a moment ago, or in a short topic, the newest events are all that there is to fold.
        if len(newest) == RECENT_EVENTS:
            await self._fold_older(topic.state, topic.name, folded, newest[0].seq - 1)
        for event in newest:
            if event.seq > folded:
                topic.state.apply(event)

    async def _fold_older(self, state: State, name: str, after: int, until: int) -> None:
        while after < until and (kinds := state.kinds):
            page = await self._journal.after(name, after, FOLD_PAGE_EVENTS, kinds)
            for event in page:
                after = event.seq
                if after <= until:
                    state.apply(event)
                if state.kinds != kinds:
                    break  # the events after this one that change it now may be others than those that were read
            else:
                if len(page) < FOLD_PAGE_EVENTS:
                    return

    def keep_snapshot(self, topic: Topic) -> None:
        """Store the topic's state with the journal's next transaction, for those who load the topic later."""
        topic.snapshot_due = topic.seq + self._snapshot_events
        if topic.state.kinds:
            self._journal.keep_snapshot(Snapshot(topic.name, topic.seq, topic.state.dump()))

    def remembered_newest(self, topic: Topic) -> list[Event] | None:
        """Return the newest events, as a join does; None where memory does not have them."""
        return topic.newest(NEWEST_EVENTS, self._uncounted)

    async def missed(self, topic: Topic, since: int | None) -> tuple[list[Event], bool]:
        """Return the events after a position, and whether those are all; the newest where they are not.

        They reach to `topic.seq` as it is on return.
        """
        events = None
        if since is not None and topic.floor <= since <= topic.seq:
            events = await self._after(topic, since)
        if events is None or len(events) > MAX_MISSED_EVENTS or total_bytes(events) > MAX_MISSED_BYTES:
            return await self._newest(topic), since is None
        return events, True

    async def _after(self, topic: Topic, seq: int) -> list[Event] | None:
        # None: more than the bounds, or a gap. The topic may move while the journal is read; memory has what came then.
        read: list[Event] = []
        while (events := topic.remembered(seq)) is None:
            if len(read) >= MAX_MISSED_EVENTS or total_bytes(read) > MAX_MISSED_BYTES:
                return None
            page = await self._journal.after(topic.name, seq, MISSED_PAGE_EVENTS)
            page = [event for event in page if event.seq <= topic.seq]
            if not page or page[-1].seq != seq + len(page):
                topic.floor = max(topic.floor, _floor(page, topic))
                return None
            read += page
            seq = page[-1].seq
        return read + events

    async def _newest(self, topic: Topic) -> list[Event]:
        events = self.remembered_newest(topic)
        if events is None:
            page = await self._journal.before(topic.name, topic.seq + 1, NEWEST_EVENTS)
            # What came while the journal was read is in memory.
            newer = [event for event in topic.recent if not page or event.seq > page[-1].seq]
            events = _unbroken([*page, *newer], topic.seq)[-NEWEST_EVENTS:]
        while total_bytes(events) > MAX_MISSED_BYTES:
            events.pop(0)
        return events


def _unbroken(events: Sequence[Event], end: int) -> list[Event]:
    """Return the last of these events that follow each other without a gap up to `end`."""
    count = 0
    while count < len(events) and events[-count - 1].seq == end - count:
        count += 1
    return list(events[len(events) - count :])


def _floor(page: Sequence[Event], topic: Topic) -> int:
    """Return the end of the gap that shows in a page of events, or between it and what is in memory."""
    if page:
        return _unbroken(page, page[-1].seq)[0].seq - 1
    return topic.recent[0].seq - 1 if topic.recent else topic.seq
