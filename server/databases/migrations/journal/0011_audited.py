"""Which events wait to be copied to the audit log."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the table; earlier events are in no audit log."""
    op.create_table(
        "audited",
        sa.Column("topic_id", _ID, sa.ForeignKey("topics.id"), primary_key=True),
        sa.Column("seq", sa.BigInteger(), primary_key=True),
        sqlite_with_rowid=False,
    )
