"""Which journal the accounts belong to, and ids of users and classes that SQLite never assigns twice."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the pairing with its one row, which belongs to no journal yet, and recreate two tables on SQLite."""
    pairing = op.create_table(
        "pairing",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.String(32), nullable=False),
        sa.Column("stored", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pairing")),
    )
    op.bulk_insert(pairing, [{"id": 1, "epoch": "", "stored": 0}])
    if op.get_bind().dialect.name == "sqlite":
        for table in ("users", "classes"):
            with op.batch_alter_table(table, recreate="always", table_kwargs={"sqlite_autoincrement": True}):
                pass  # a copy with AUTOINCREMENT; PostgreSQL's sequences never go back
