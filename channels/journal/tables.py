"""The journal's tables.

Its name, topics, events and their versions, choices, timers, read marks, snapshots of state, spells of presence,
and what waits for the audit log.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData()

# SQLite assigns ids only to a column of type INTEGER.
_Id = BigInteger().with_variant(Integer(), "sqlite")

# One row: the name of this journal (a position of one journal means nothing in another), and a secret that the workers
# of this journal share. `changes` and `place` belong to the application: how far its accounts had come, a few seconds
# ago, and where in PostgreSQL the journal is.
journal_table = Table(
    "journal",
    metadata,
    Column("epoch", String(32), primary_key=True),
    Column("key", String(64), nullable=False),
    Column("changes", BigInteger, nullable=False, default=0, server_default="0"),
    Column("place", String(100), nullable=False, default="", server_default=text("''")),
)

# The counter of each topic: `seq` is the position of its newest event, `governed` that of its newest governing event
# (0: none); `moved` is the stamp of the transaction that advanced it last (`channels.journal.moves`).
topics_table = Table(
    "topics",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("seq", BigInteger, nullable=False, default=0),
    Column("governed", BigInteger, nullable=False, default=0, server_default="0"),
    Column("moved", BigInteger, nullable=False, default=0, server_default="0"),
)
Index("topics_moved", topics_table.c.moved)

# `payload` is the event's JSON object as its feature made it, without `seq` and `at`; times are ms since 1970. `about`
# is the position of an earlier event whose words are in this one, too: what amends that one changes this one.
events_table = Table(
    "events",
    metadata,
    Column("topic_id", ForeignKey("topics.id"), primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("event", String(64), nullable=False),
    Column("author_id", BigInteger, nullable=False),
    Column("push_id", String(64)),
    Column("at", BigInteger, nullable=False),
    Column("payload", Text, nullable=False),
    Column("about", BigInteger),
    UniqueConstraint("topic_id", "author_id", "push_id", name="events_push"),
    sqlite_with_rowid=False,
)
Index("events_kind", events_table.c.topic_id, events_table.c.event, events_table.c.seq)
# What is counted over the whole school by time is in the index itself.
Index("events_time", events_table.c.event, events_table.c.at, events_table.c.topic_id, events_table.c.author_id)
_IS_ABOUT = events_table.c.about.is_not(None)
Index(
    "events_about",
    events_table.c.topic_id,
    events_table.c.about,
    sqlite_where=_IS_ABOUT,
    postgresql_where=_IS_ABOUT,
)

# What the event at `seq` was before the one at `amended_by` amended it.
versions_table = Table(
    "versions",
    metadata,
    Column("topic_id", ForeignKey("topics.id"), primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("amended_by", BigInteger, primary_key=True),
    Column("payload", Text, nullable=False),
    sqlite_with_rowid=False,
)

# What each user has chosen about the event at `target` (`channels.journal.choices`); a forgotten choice has no value.
# `push_ids` are separated by spaces.
choices_table = Table(
    "choices",
    metadata,
    Column("topic_id", ForeignKey("topics.id"), primary_key=True),
    Column("target", BigInteger, primary_key=True),
    Column("user_id", BigInteger, primary_key=True),
    Column("value", Integer),
    Column("at", BigInteger, nullable=False),
    Column("push_ids", Text, nullable=False),
    sqlite_with_rowid=False,
)

# The events that wait to be copied to the audit log (a transactional outbox): noted in the transaction that stores
# them, deleted once they are copied.
audited_table = Table(
    "audited",
    metadata,
    Column("topic_id", ForeignKey("topics.id"), primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    sqlite_with_rowid=False,
)

# Actions that run at a time (`at`, ms), each for the event at `seq`. The transaction that stores what an action appends
# deletes its row.
timers_table = Table(
    "timers",
    metadata,
    Column("topic_id", ForeignKey("topics.id"), primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("action", String(64), nullable=False),
    sqlite_with_rowid=False,
)
Index("timers_at", timers_table.c.at)

# The texts by which events are found, as the stems of their words (`channels.journal.search_index`). On SQLite the
# table `search_words` (FTS5) follows this one by triggers; on PostgreSQL it has an index on the stems.
search_table = Table(
    "search",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("topic_id", ForeignKey("topics.id"), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("stems", Text, nullable=False),
    UniqueConstraint("topic_id", "seq", name="search_event"),
)

# How far the index has come in each topic.
search_positions_table = Table(
    "search_positions",
    metadata,
    Column("topic_id", ForeignKey("topics.id"), primary_key=True),
    Column("seq", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# How far each user has read each topic (0: nothing), since when, and up to where it was delivered to them. Where the
# user has read in quiet hours, these began at `quiet` (ms; 0: in none), and `held` is the position read before them.
reads_table = Table(
    "reads",
    metadata,
    Column("topic_id", ForeignKey("topics.id"), primary_key=True),
    Column("user_id", BigInteger, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("delivered", BigInteger, nullable=False, default=0, server_default="0"),
    Column("quiet", BigInteger, nullable=False, default=0, server_default="0"),
    Column("held", BigInteger, nullable=False, default=0, server_default="0"),
    sqlite_with_rowid=False,
)

# The newest stored state of each topic that has one: what its events up to `seq` fold into.
snapshots_table = Table(
    "snapshots",
    metadata,
    Column("topic_id", ForeignKey("topics.id"), primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("state", LargeBinary, nullable=False),
)

# Who was in which topic, and when, during its periods (`channels.lesson.feature.Period`): the worker's own `number`,
# the position of the event that began the period; `ended` is NULL for who is still there. Such a spell goes on until
# its worker was `seen` last.
spells_table = Table(
    "spells",
    metadata,
    Column("worker", String(12), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("topic_id", ForeignKey("topics.id"), nullable=False),
    Column("period", BigInteger, nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("role", String(16), nullable=False),
    Column("began", BigInteger, nullable=False),
    Column("ended", BigInteger),
    sqlite_with_rowid=False,
)
Index("spells_period", spells_table.c.topic_id, spells_table.c.period, spells_table.c.user_id)
spell_workers_table = Table(
    "spell_workers",
    metadata,
    Column("worker", String(12), primary_key=True),
    Column("seen", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
