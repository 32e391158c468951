"""The journal with its own epoch: its topics, their events, and each user's read mark."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create all tables, and the one row that distinguishes this journal from any other."""
    _make_journal()
    _make_topics()
    _make_events()
    _make_reads()


def _make_journal() -> None:
    table = op.create_table("journal", sa.Column("epoch", sa.String(32), primary_key=True))
    op.bulk_insert(table, [{"epoch": secrets.token_hex(8)}])


def _make_topics() -> None:
    op.create_table(
        "topics",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("name", sa.String(64), nullable=False, unique=True),
        sa.Column("seq", sa.BigInteger(), nullable=False),
    )


def _make_events() -> None:
    op.create_table(
        "events",
        sa.Column("topic_id", _ID, sa.ForeignKey("topics.id"), primary_key=True),
        sa.Column("seq", sa.BigInteger(), primary_key=True),
        sa.Column("event", sa.String(64), nullable=False),
        sa.Column("author_id", sa.BigInteger(), nullable=False),
        sa.Column("push_id", sa.String(64)),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.UniqueConstraint("topic_id", "author_id", "push_id", name="events_push"),
        sqlite_with_rowid=False,
    )
    op.create_index("events_kind", "events", ["topic_id", "event", "seq"])


def _make_reads() -> None:
    op.create_table(
        "reads",
        sa.Column("topic_id", _ID, sa.ForeignKey("topics.id"), primary_key=True),
        sa.Column("user_id", sa.BigInteger(), primary_key=True),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sqlite_with_rowid=False,
    )
