"""What amended events were before."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the table of former versions."""
    op.create_table(
        "versions",
        sa.Column("topic_id", _ID, sa.ForeignKey("topics.id"), primary_key=True),
        sa.Column("seq", sa.BigInteger(), primary_key=True),
        sa.Column("amended_by", sa.BigInteger(), primary_key=True),
        sa.Column("payload", sa.Text(), nullable=False),
        sqlite_with_rowid=False,
    )
