"""The hours of the school's classes, and its time zone."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the columns; a school that has not said anything has its classes open at all hours."""
    op.add_column("schools", sa.Column("hours", sa.Text))
    op.add_column("schools", sa.Column("zone", sa.String(64)))
