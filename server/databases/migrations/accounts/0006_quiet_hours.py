"""The quiet hours of the school."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the column; a school that has not said anything has no quiet hours."""
    op.add_column("schools", sa.Column("quiet", sa.Text))
