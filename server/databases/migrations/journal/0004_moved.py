"""When topics moved, so that workers ask for those alone that have moved since they asked last."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the stamp of the transaction that moved each topic last (see `channels.journal.moves`), and its index."""
    op.add_column("topics", sa.Column("moved", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_index("topics_moved", "topics", ["moved"])
