"""How many records the audit log beside these accounts has."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Add the column; before the first record that is kept, any log is taken."""
    op.add_column("pairing", sa.Column("audited", sa.BigInteger(), nullable=False, server_default="0"))
