"""Rewrites what stored events say of one user: in all topics, in steps that keep the writers waiting for milliseconds.

    Rewriter.rewrite(topic, Redaction) -> events, versions, choices, marks … changed, then the event of the change

Rows are found without a lock and changed some at a time. The last step of a topic is one transaction with the event:
workers that keep the topic in memory read it again when they receive that event (`Hub`). A push that runs meanwhile may
store something that it had read before. So the caller does the same once more, from the topic's position of the first
time.

The journal does not know what an event says: what becomes of a payload is the redaction's to say.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any, Protocol

from sqlalchemy import (
    Connection,
    Row,
    Select,
    Table,
    delete,
    func,
    or_,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncEngine

from channels.journal.steps import Notice, Steps, StoredTopic, advance, append
from channels.journal.tables import (
    choices_table,
    events_table,
    reads_table,
    search_positions_table,
    search_table,
    snapshots_table,
    spells_table,
    timers_table,
    topics_table,
    versions_table,
)

# Rows that one transaction changes: some 5 ms, in which no event can be stored.
AT_ONCE = 200
_E = events_table.c


class Redaction(Protocol):
    """What becomes of what is stored; None: it stays as it is."""

    user_id: int
    removes: bool
    keyed: frozenset[str]

    def event(self, kind: str, payload: bytes, *, about_theirs: bool = False) -> bytes | None:
        """Return an event's payload, which has neither position nor time."""

    def state(self, snapshot: bytes) -> bytes | None:
        """Return a snapshot's state."""

    def key(self, payload: bytes) -> str | None:
        """Return the push id that an event of a kind in `keyed` keeps when its author is erased; None: it has none."""


class Rewriter(Steps):
    """Rewrites the journal of one database; `amending` names the kinds of event that change the one they are about.

    `forgets`: who voted, read and was there is deleted, too.
    """

    def __init__(
        self, engine: AsyncEngine, amending: Collection[str], redaction: Redaction, notice: Notice, *, forgets: bool
    ) -> None:
        super().__init__(engine)
        self._amending = list(amending)
        self._redaction = redaction
        self._notice = notice
        self._forgets = forgets

    async def rewrite(self, topic: StoredTopic, after: int = 0) -> bool:
        """Rewrite a topic's events past a position, and append the notice if something changed; return whether."""
        changed = False
        while page := await self.run(partial(self._named, topic.id, after)):
            changed |= await self.write(partial(self._change, topic.id, page))
            after = page[-1]
        about = await self.run(partial(self._amendments, topic.id))
        for some in _batches(about):
            changed |= await self.write(partial(self._change, topic.id, some, about_theirs=True))
        return await self.write(partial(self._finish, topic.id, changed))

    async def remove(self, topic: StoredTopic) -> None:
        """Delete what a topic has, but for its counter, and append the notice."""
        for table in (search_table, versions_table, choices_table, timers_table, reads_table, snapshots_table):
            await self.write(partial(self._empty, table, topic.id))
        while await self.write(partial(self._delete_events, topic.id)):
            pass
        await self.write(partial(append, topic.id, self._notice))

    async def rename(self, topic: StoredTopic, name: str) -> None:
        """Move a topic's events, which is all that it has, to the topic of another name, after what that one has."""
        await self.write(partial(_move, topic, name))

    # Reading

    def _named(self, topic_id: int, after: int, connection: Connection) -> Sequence[int]:
        user_id = self._redaction.user_id
        named = or_(_E.author_id == user_id, *(_says(connection, each) for each in _names(user_id)))
        query = select(_E.seq).where(_E.topic_id == topic_id, _E.seq > after, named).order_by(_E.seq).limit(AT_ONCE)
        return connection.execute(query).scalars().all()

    def _amendments(self, topic_id: int, connection: Connection) -> list[int]:
        """Return the positions of what amends an event that is theirs, or about them."""
        if not self._redaction.removes:
            return []
        theirs = set(connection.execute(self._theirs(topic_id)).scalars())
        theirs |= set(connection.execute(self._copied(connection, topic_id)).scalars())
        if not theirs:
            return []
        query = select(_E.seq, _E.about).where(_E.topic_id == topic_id, _E.event.in_(self._amending))
        return [row.seq for row in connection.execute(query) if row.about in theirs]

    def _theirs(self, topic_id: int) -> Select[tuple[int]]:
        return select(_E.seq).where(_E.topic_id == topic_id, _E.author_id == self._redaction.user_id)

    def _copied(self, connection: Connection, topic_id: int) -> Select[tuple[int]]:
        # What somebody else has stored about them, and others have answered: a flag.
        query = select(_E.seq).where(_E.topic_id == topic_id, _E.event.like("%:flagged"))
        return query.where(_says(connection, f'"user":{{"id":{self._redaction.user_id},'))

    # Writing

    def _change(
        self, topic_id: int, positions: Sequence[int], connection: Connection, *, about_theirs: bool = False
    ) -> bool:
        query = select(events_table).where(_E.topic_id == topic_id, _E.seq.in_(positions)).with_for_update()
        rows = connection.execute(query).all()
        changed = [(row, payload) for row in rows if (payload := self._payload(row, about_theirs)) is not None]
        for row, payload in changed:
            connection.execute(_update(row).values(payload=payload.decode()))
        if self._redaction.removes:
            self._unindex(connection, topic_id, [row.seq for row, _ in changed])
        return bool(changed)

    def _payload(self, row: Row[Any], about_theirs: bool) -> bytes | None:
        return self._redaction.event(row.event, row.payload.encode(), about_theirs=about_theirs)

    def _unindex(self, connection: Connection, topic_id: int, positions: Sequence[int]) -> None:
        where = (search_table.c.topic_id == topic_id, search_table.c.seq.in_(positions))
        connection.execute(delete(search_table).where(*where))

    def _finish(self, topic_id: int, changed: bool, connection: Connection) -> bool:
        # The counter first, as every writer does.
        connection.execute(
            select(topics_table.c.seq).where(topics_table.c.id == topic_id).with_for_update(key_share=True)
        )
        changed |= self._change_versions(connection, topic_id)
        changed |= self._change_snapshot(connection, topic_id)
        self._delete_marks(connection, topic_id)
        if self._forgets:
            self._unlink(connection, topic_id)
        if changed:
            append(topic_id, self._notice, connection)
        return changed

    def _change_versions(self, connection: Connection, topic_id: int) -> bool:
        versions = versions_table.c
        theirs = versions.seq.in_(self._theirs(topic_id))
        gone = connection.execute(delete(versions_table).where(versions.topic_id == topic_id, theirs)).rowcount
        names = or_(*(_says(connection, each, versions.payload) for each in _names(self._redaction.user_id)))
        query = select(versions_table, _E.event).join(
            events_table, (_E.topic_id == versions.topic_id) & (_E.seq == versions.seq)
        )
        for row in connection.execute(query.where(versions.topic_id == topic_id, names)).all():
            payload = self._redaction.event(row.event, row.payload.encode())
            if payload is not None:
                same = (versions.topic_id == topic_id, versions.seq == row.seq, versions.amended_by == row.amended_by)
                connection.execute(update(versions_table).where(*same).values(payload=payload.decode()))
        return bool(gone)

    def _change_snapshot(self, connection: Connection, topic_id: int) -> bool:
        where = snapshots_table.c.topic_id == topic_id
        state = connection.execute(select(snapshots_table.c.state).where(where)).scalar()
        changed = self._redaction.state(state) if state is not None else None
        if changed is not None:
            connection.execute(update(snapshots_table).where(where).values(state=changed))
        return changed is not None

    def _delete_marks(self, connection: Connection, topic_id: int) -> None:
        user_id = self._redaction.user_id
        connection.execute(
            delete(reads_table).where(reads_table.c.topic_id == topic_id, reads_table.c.user_id == user_id)
        )
        waiting = timers_table.c.seq.in_(self._theirs(topic_id))
        connection.execute(delete(timers_table).where(timers_table.c.topic_id == topic_id, waiting))

    def _unlink(self, connection: Connection, topic_id: int) -> None:
        user_id = self._redaction.user_id
        for table in (choices_table, spells_table):
            connection.execute(delete(table).where(table.c.topic_id == topic_id, table.c.user_id == user_id))
        if not self._redaction.removes:
            theirs = (_E.topic_id == topic_id, _E.author_id == user_id)
            keyed = select(events_table).where(*theirs, _E.event.in_(self._redaction.keyed))
            for row in connection.execute(keyed).all():
                key = self._redaction.key(row.payload.encode())
                connection.execute(_update(row).values(author_id=0, push_id=key))
            connection.execute(update(events_table).where(*theirs).values(author_id=0, push_id=None))

    def _empty(self, table: Table, topic_id: int, connection: Connection) -> bool:
        connection.execute(delete(table).where(table.c.topic_id == topic_id))
        return False

    def _delete_events(self, topic_id: int, connection: Connection) -> bool:
        some = select(_E.seq).where(_E.topic_id == topic_id).order_by(_E.seq).limit(AT_ONCE)
        deleted = connection.execute(delete(events_table).where(_E.topic_id == topic_id, _E.seq.in_(some)))
        return deleted.rowcount > 0


def _move(topic: StoredTopic, name: str, connection: Connection) -> None:
    connection.execute(text("INSERT INTO topics (name, seq) VALUES (:name, 0) ON CONFLICT DO NOTHING"), {"name": name})
    # In the order in which every writer locks them.
    both = select(topics_table).where(topics_table.c.name.in_((topic.name, name))).order_by(topics_table.c.name)
    found = {row.name: row for row in connection.execute(both.with_for_update()).all()}
    old, new = found[topic.name], found[name]
    # What somebody has stored in both is there once.
    known = select(_E.author_id, _E.push_id).where(_E.topic_id == new.id, _E.push_id.is_not(None))
    twice = (_E.topic_id == old.id, tuple_(_E.author_id, _E.push_id).in_(known))
    connection.execute(delete(events_table).where(*twice))
    moved = {"topic_id": new.id, "seq": _E.seq + new.seq, "about": _E.about + new.seq}
    connection.execute(update(events_table).where(_E.topic_id == old.id).values(moved))
    advance(new.id, old.seq, connection)
    for table in (reads_table, snapshots_table, search_positions_table):
        connection.execute(delete(table).where(table.c.topic_id == old.id))
    connection.execute(delete(topics_table).where(topics_table.c.id == old.id))


def _names(user_id: int) -> Iterator[str]:
    """Return how payloads write a user: as an object, or by the number alone."""
    yield f'"id":{user_id},"name"'
    yield f'"user":{user_id},'
    yield f'"user":{user_id}}}'


def _says(connection: Connection, words: str, column: Any = events_table.c.payload) -> Any:
    # Not LIKE, which folds case and takes twice as long.
    found = func.instr if connection.dialect.name == "sqlite" else func.strpos
    return found(column, words) > 0


def _update(row: Row[Any]) -> Any:
    return update(events_table).where(_E.topic_id == row.topic_id, _E.seq == row.seq)


def _batches(values: Iterable[int]) -> Iterator[list[int]]:
    rest = iter(values)
    while some := list(islice(rest, AT_ONCE)):
        yield some
