"""What the school's office has set."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Add the column; a school that has set nothing has the defaults."""
    op.add_column("schools", sa.Column("settings", sa.Text))
