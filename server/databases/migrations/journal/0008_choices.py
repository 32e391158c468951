"""What users choose about events, such as their votes."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the table of choices."""
    op.create_table(
        "choices",
        sa.Column("topic_id", _ID, sa.ForeignKey("topics.id"), primary_key=True),
        sa.Column("target", sa.BigInteger(), primary_key=True),
        sa.Column("user_id", sa.BigInteger(), primary_key=True),
        sa.Column("value", sa.Integer()),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("push_ids", sa.Text(), nullable=False),
        sqlite_with_rowid=False,
    )
