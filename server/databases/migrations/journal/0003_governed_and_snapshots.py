"""Positions of governing events, and snapshots, which load a topic's state without reading every event."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the position of each topic's newest governing event, and the table of snapshots."""
    # With a default both databases add the column without rewriting the table.
    op.add_column("topics", sa.Column("governed", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_table(
        "snapshots",
        sa.Column("topic_id", _ID, sa.ForeignKey("topics.id"), primary_key=True),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
    )
