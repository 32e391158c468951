"""Where in PostgreSQL the journal is, so that a restored one is noticed."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Add the column, which the next start fills."""
    op.add_column("journal", sa.Column("place", sa.String(100), nullable=False, server_default=sa.text("''")))
