"""Who was in which topic, and when, during its periods."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the spells, and until when the workers that wrote them vouch for those without an end."""
    op.create_table(
        "spells",
        sa.Column("worker", sa.String(12), primary_key=True),
        sa.Column("number", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("topic_id", _ID, sa.ForeignKey("topics.id"), nullable=False),
        sa.Column("period", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("began", sa.BigInteger(), nullable=False),
        sa.Column("ended", sa.BigInteger()),
        sqlite_with_rowid=False,
    )
    op.create_index("spells_period", "spells", ["topic_id", "period", "user_id"])
    op.create_table(
        "spell_workers",
        sa.Column("worker", sa.String(12), primary_key=True),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sqlite_with_rowid=False,
    )
