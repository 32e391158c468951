"""The first and the last day of an enrolment."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the columns; what has ended is no longer listed."""
    op.add_column("enrolments", sa.Column("listed", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.execute("UPDATE enrolments SET listed = active")
    op.add_column("import_before", sa.Column("listed", sa.Boolean()))
    for table in ("enrolments", "import_before"):
        op.add_column(table, sa.Column("begins", sa.String(10)))
        op.add_column(table, sa.Column("ends", sa.String(10)))
