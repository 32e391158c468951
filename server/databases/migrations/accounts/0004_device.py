"""What kind of device a sign-in is on, in words for its user."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the column; of earlier sign-ins the device is unknown."""
    op.add_column("credentials", sa.Column("device", sa.String(64)))
