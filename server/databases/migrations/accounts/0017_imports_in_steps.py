"""Where an import begins to create rows that nobody sees yet."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Add the column; imports that were applied before have nothing of that."""
    op.add_column("imports", sa.Column("creating", sa.Text()))
