"""Number the notes of changes without gaps, and distinguish changes of the school from those of everybody."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the counter, and recreate the table of notes with a kind column, keeping its rows."""
    op.create_table(
        "change_counter",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change_counter")),
    )
    op.execute("INSERT INTO change_counter (id, number) SELECT 1, coalesce(max(id), 0) FROM changes")
    # Recreated, because no single statement removes a column's generated numbers on both databases. The table holds
    # a week's notes, a few thousand at most.
    rows = op.get_bind().execute(sa.text("SELECT id, user_id, at FROM changes")).mappings().all()
    op.drop_table("changes")
    changes = op.create_table(
        "changes",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("user_id", sa.BigInteger()),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_changes")),
    )
    if rows:
        op.bulk_insert(changes, [{**row, "kind": "everybody" if row["user_id"] is None else "user"} for row in rows])
