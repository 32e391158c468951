"""What events want done later, and what was delivered to users and read in quiet hours."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the table of timers with its index by time, and columns of read marks."""
    op.create_table(
        "timers",
        sa.Column("topic_id", _ID, sa.ForeignKey("topics.id"), primary_key=True),
        sa.Column("seq", sa.BigInteger(), primary_key=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("timers_at", "timers", ["at"])
    for name in ("delivered", "quiet", "held"):
        op.add_column("reads", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
