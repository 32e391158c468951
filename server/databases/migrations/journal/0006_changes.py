"""How many changes of rights the accounts had, so that an older copy of the accounts is noticed."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the number, which the first worker sets."""
    op.add_column("journal", sa.Column("changes", sa.BigInteger(), nullable=False, server_default="0"))
