"""The audit log."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the table of records, and what the pages look them up by."""
    op.create_table(
        "records",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("key", sa.String(200), nullable=False, unique=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("user_id", sa.BigInteger()),
        sa.Column("subject_id", sa.BigInteger()),
        sa.Column("topic", sa.String(64)),
        sa.Column("target", sa.BigInteger()),
        sa.Column("detail", sa.Text(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("records_at", "records", ["at", "id"])
    op.create_index("records_user", "records", ["user_id", "at"])
    op.create_index("records_subject", "records", ["subject_id", "at"])
    op.create_index("records_kind", "records", ["kind", "at"])
