"""When an erasure was finished, so that another worker goes on with it; and legal holds."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the columns and the table."""
    op.add_column("erasures", sa.Column("begun_at", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("erasures", sa.Column("finished_at", sa.BigInteger()))
    op.create_table(
        "holds",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("user_id", sa.BigInteger()),
        sa.Column("class_id", sa.BigInteger()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by_id", sa.BigInteger()),
        sqlite_autoincrement=True,
    )
