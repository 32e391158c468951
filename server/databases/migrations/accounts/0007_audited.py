"""What waits to be copied to the audit log."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "audited",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("record", sa.Text(), nullable=False),
        sqlite_autoincrement=True,
    )
