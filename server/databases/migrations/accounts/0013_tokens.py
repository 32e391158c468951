"""What a program's token is for, whether it only reads, and when it was last used."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add the columns; earlier tokens may do what their user may, as before."""
    op.add_column("credentials", sa.Column("label", sa.String(64)))
    op.add_column("credentials", sa.Column("only_reads", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("credentials", sa.Column("used_at", sa.BigInteger))
