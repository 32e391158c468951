"""When each topic moved last, so that workers query only topics that moved since their last query."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the stamp of the last transaction that moved each topic (see `channels.journal.moves`), and its index."""
    op.add_column("topics", sa.Column("moved", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_index("topics_moved", "topics", ["moved"])
