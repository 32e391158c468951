"""A secret shared by the journal's workers, with which they sign tokens for clients."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column, with a newly generated key."""
    op.add_column("journal", sa.Column("key", sa.String(64), nullable=True))
    op.execute(sa.text("UPDATE journal SET key = :key").bindparams(key=secrets.token_hex(32)))
    with op.batch_alter_table("journal") as table:
        table.alter_column("key", existing_type=sa.String(64), nullable=False)
