"""Badges that sign small children in, where the school has switched them on."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the switch, off, and the table."""
    op.add_column("schools", sa.Column("badges", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "badges",
        sa.Column("user_id", _ID, nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_badges")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_badges_user_id")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_badges_secret_hash")),
    )
