"""The journal's reads as queries: each function returns a `select`, each constant is one, and nothing is executed.

They are the same for both databases.
"""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Integer,
    String,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    or_,
    select,
)

from channels.journal.tables import (
    choices_table,
    events_table,
    reads_table,
    search_positions_table,
    snapshots_table,
    spell_workers_table,
    spells_table,
    timers_table,
    topics_table,
    versions_table,
)

# What select() returns: its type differs with each set of columns, and names them nowhere.
Query = Any


def events(topic: str, kinds: Collection[str] = ()) -> Query:
    """Select the events of a topic, of all kinds or of some."""
    query = select(events_table).where(events_table.c.topic_id == _id_of(topic))
    return query.where(events_table.c.event.in_(kinds)) if kinds else query


def event_at(topic: str, seq: int) -> Query:
    """Select the event at a position."""
    return events(topic).where(events_table.c.seq == seq)


def about(topic: str, target: int, kinds: Collection[str] = ()) -> Query:
    """Select the events that are about the one at a position."""
    return events(topic, kinds).where(events_table.c.about == target)


def newest(query: Query, limit: int | BindParameter[int]) -> Query:
    """Select the newest of these events, newest first."""
    return query.order_by(events_table.c.seq.desc()).limit(limit)


# How far the index of texts has come in a topic; for a query that joins its positions from outside.
def unindexed() -> Query:
    """Select the topics with events which the index of texts has not reached."""
    reached = func.coalesce(search_positions_table.c.seq, 0)
    return (
        select(topics_table.c.name)
        .outerjoin(search_positions_table, search_positions_table.c.topic_id == topics_table.c.id)
        .where(topics_table.c.seq > reached)
    )


# Events that a count looks at for each that it may count. Without a bound, for a user who has written nearly all of a
# topic the whole of it is searched for the few of others.
_LOOKED_AT = 10


def number_between(topic: str, after: int, before: int | None, event: str | None, not_by: int, limit: int) -> Query:
    """Count the events between two positions (None: the end) that are not by this author, `limit` at most."""
    seq, author = events_table.c.seq, events_table.c.author_id
    query = events(topic, [] if event is None else [event]).where(seq > after).with_only_columns(seq, author)
    if before is not None:
        query = query.where(seq < before)
    looked_at = newest(query, _LOOKED_AT * limit).subquery()
    return number_of(select(looked_at.c.seq).where(looked_at.c.author_id != not_by), limit)


def number_of(query: Query, limit: int) -> Query:
    """Count what a query selects, `limit` at most."""
    return select(func.count()).select_from(query.limit(limit).subquery())


def activity(topic: str, event: str, since: int, width: int) -> Query:
    """Count the events of a kind by author in each `width` ms since a time (ms), in order."""
    # No parameter: PostgreSQL must see that what is selected is what is grouped by.
    slot = (events_table.c.at // literal_column(str(int(width)), BigInteger)).label("slot")
    query = events(topic, [event]).where(events_table.c.at >= since)
    query = query.with_only_columns(slot, events_table.c.author_id, func.count())
    return query.group_by(slot, events_table.c.author_id).order_by(slot, events_table.c.author_id)


def receipt(topic: str, author_id: int, push_id: str) -> Query:
    """Select where a push is stored."""
    return select(events_table.c.seq, events_table.c.at).where(
        events_table.c.topic_id == _id_of(topic),
        events_table.c.author_id == author_id,
        events_table.c.push_id == push_id,
    )


def authors(topic: str, event: str) -> Query:
    """Select the ids of those who have stored an event of one kind in a topic."""
    return events(topic, [event]).with_only_columns(events_table.c.author_id)


def topics_with(topics: Collection[str], author_id: int, push_id: str) -> Query:
    """Select those of `topics` in which this author has stored a push of this id."""
    return (
        select(topics_table.c.name)
        .join(events_table, events_table.c.topic_id == topics_table.c.id)
        .where(
            topics_table.c.name.in_(topics),
            events_table.c.author_id == author_id,
            events_table.c.push_id == push_id,
        )
    )


def version(topic: str, seq: int, amended_by: int) -> Query:
    """Select the payload that an event had before it was amended."""
    return select(versions_table.c.payload).where(
        versions_table.c.topic_id == _id_of(topic),
        versions_table.c.seq == seq,
        versions_table.c.amended_by == amended_by,
    )


def versions(topic: str, seq: int, event: str, limit: int) -> Query:
    """Select the newest `limit` events of a kind that amended the one at a position, with what it was before each."""
    amended_by = and_(
        versions_table.c.topic_id == events_table.c.topic_id, versions_table.c.amended_by == events_table.c.seq
    )
    query = (
        events(topic, [event]).join(versions_table, amended_by).add_columns(versions_table.c.payload.label("former"))
    )
    return newest(query.where(versions_table.c.seq == seq), limit)


def choices(topic: str) -> Query:
    """Select what was chosen in a topic, forgotten choices included."""
    return select(choices_table).where(choices_table.c.topic_id == _id_of(topic))


def choices_about(topic: str, target: int) -> Query:
    """Select what was chosen about the event at a position, by users, forgotten choices included."""
    return choices(topic).where(choices_table.c.target == target).order_by(choices_table.c.user_id)


def choice_of(topic: str, target: int, user_id: int) -> Query:
    """Select what a user has chosen about the event at a position, forgotten or not."""
    return choices(topic).where(choices_table.c.target == target, choices_table.c.user_id == user_id)


def choices_of(topic: str, user_id: int, targets: Collection[int]) -> Query:
    """Select what a user has chosen about the events at these positions."""
    chosen = choices(topic).where(
        choices_table.c.user_id == user_id,
        choices_table.c.target.in_(targets),
        choices_table.c.value.is_not(None),
    )
    return chosen.order_by(choices_table.c.target)


def tally(topic: str, target: int) -> Query:
    """Count how often each value was chosen about the event at a position; forgotten choices do not count."""
    chosen = choices(topic).where(choices_table.c.target == target, choices_table.c.value.is_not(None))
    return chosen.with_only_columns(choices_table.c.value, func.count()).group_by(choices_table.c.value)


def readers(topic: str, seq: int, quiet: int) -> Query:
    """Select who has read a topic up to a position or further, without what was read in quiet hours since `quiet`."""
    read = select(reads_table.c.user_id).where(reads_table.c.topic_id == _id_of(topic), _read(quiet) >= seq)
    return read.order_by(reads_table.c.at)


def marked(positions: Mapping[str, int], quiet: int) -> Query:
    """Select the users who got one of these topics up to its position, and for each whether they also read it."""
    places = [(topics_table.c.name == topic, seq) for topic, seq in positions.items()]
    read, delivered = (
        or_(*(and_(is_there, reached >= seq) for is_there, seq in places)) for reached in (_read(quiet), _furthest())
    )
    return (
        select(reads_table.c.user_id, read.label("has_read"))
        .join(topics_table, topics_table.c.id == reads_table.c.topic_id)
        .where(delivered)
    )


def timed(topic: str) -> Query:
    """Select the events of a topic whose timers still run, oldest first."""
    running = select(timers_table.c.seq).where(timers_table.c.topic_id == _id_of(topic))
    return events(topic).where(events_table.c.seq.in_(running)).order_by(events_table.c.seq)


def spells(topic: str, periods: Collection[int], user_id: int | None) -> Query:
    """Select who was in a topic in the periods that began at these positions, in order; or one user's spells."""
    spells, workers = spells_table.c, spell_workers_table.c
    query = (
        select(spells.period, spells.user_id, spells.role, spells.began, spells.ended, workers.seen)
        .join(spell_workers_table, workers.worker == spells.worker)
        .where(spells.topic_id == _id_of(topic), spells.period.in_(periods))
        .order_by(spells.period, spells.user_id, spells.began)
    )
    return query if user_id is None else query.where(spells.user_id == user_id)


def unended(begins: str, ends: str, prefix: str, topics: Collection[str] | None) -> Query:
    """Select the topics whose newest event of kind `begins` came after that of kind `ends`."""
    events = events_table.alias()
    newest = {
        kind: select(func.max(events.c.seq))
        .where(events.c.topic_id == topics_table.c.id, events.c.event == kind)
        .correlate(topics_table)
        .scalar_subquery()
        for kind in (begins, ends)
    }
    query = (
        select(topics_table.c.name, events_table.c.seq, topics_table.c.governed, events_table.c.at)
        .join(events_table, events_table.c.topic_id == topics_table.c.id)
        .where(
            topics_table.c.name.startswith(prefix, autoescape=True),
            events_table.c.seq == newest[begins],
            events_table.c.seq > func.coalesce(newest[ends], 0),
        )
    )
    return query if topics is None else query.where(topics_table.c.name.in_(topics))


def _id_of(topic: str | BindParameter[str]) -> ColumnElement[int]:
    return select(topics_table.c.id).where(topics_table.c.name == topic).scalar_subquery()


def _read(quiet: int) -> ColumnElement[int]:
    """Return how far a user has read, without what was read in quiet hours that began at a time."""
    seq = reads_table.c.seq
    return case((reads_table.c.quiet == quiet, reads_table.c.held), else_=seq) if quiet else seq


def _furthest() -> ColumnElement[int]:
    """Return up to where a topic was delivered to a user or read by them."""
    seq, delivered = reads_table.c.seq, reads_table.c.delivered
    return case((delivered > seq, delivered), else_=seq)


# What each topic that comes into memory, and each client that comes back, asks, and what each worker asks every second.
# Made once: to make a query takes longer than to execute it. Places: `topic`, or `topics`; `seq`; `limit`; `until`.
_TOPIC = _id_of(bindparam("topic", type_=String))
_LIMIT = bindparam("limit", type_=Integer)

# Selects the positions of the newest events of those of `topics` that have any.
HEADS: Query = select(topics_table.c.name, topics_table.c.seq).where(
    topics_table.c.name.in_(bindparam("topics", expanding=True)), topics_table.c.seq > 0
)

# Selects the names of at most `limit` topics that have events.
TOPICS: Query = select(topics_table.c.name).where(topics_table.c.seq > 0).limit(_LIMIT)

# Selects the furthest snapshot of a topic's state.
SNAPSHOT: Query = select(snapshots_table.c.seq, snapshots_table.c.state).where(snapshots_table.c.topic_id == _TOPIC)

# Selects how far users have read a topic.
MARKS: Query = select(reads_table.c.user_id, reads_table.c.seq).where(reads_table.c.topic_id == _TOPIC)

# Select at most `limit` events past a position, oldest first, and the newest `limit` below one, newest first.
_EVENTS = select(events_table).where(events_table.c.topic_id == _TOPIC)
AFTER: Query = _EVENTS.where(events_table.c.seq > bindparam("seq")).order_by(events_table.c.seq).limit(_LIMIT)
BEFORE: Query = newest(_EVENTS.where(events_table.c.seq < bindparam("seq")), _LIMIT)

# Selects at most `limit` timers whose time (ms) comes up to `until`, the earliest first.
DUE: Query = (
    select(topics_table.c.name, timers_table.c.seq, events_table.c.author_id, timers_table.c.action, timers_table.c.at)
    .join(topics_table, topics_table.c.id == timers_table.c.topic_id)
    .join(
        events_table,
        and_(events_table.c.topic_id == timers_table.c.topic_id, events_table.c.seq == timers_table.c.seq),
    )
    .where(timers_table.c.at <= bindparam("until", type_=BigInteger))
    .order_by(timers_table.c.at)
    .limit(_LIMIT)
)
