"""What people are found by, and when they last signed in."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from server.databases.folded import MAX_FOLDED_CHARACTERS, folded

revision = "0008"
down_revision = "0007"

# Rows of one statement: of 100,000 people no list of all is made.
_AT_ONCE = 1_000


def upgrade() -> None:
    """Add the columns and fill them; of who has a password it is unknown when they signed in last: 0."""
    op.add_column("users", sa.Column("folded", sa.String(MAX_FOLDED_CHARACTERS), nullable=False, server_default=""))
    op.add_column("users", sa.Column("signed_in_at", sa.BigInteger))
    op.execute("UPDATE users SET signed_in_at = 0 WHERE password_hash IS NOT NULL")
    statement = sa.text("UPDATE users SET folded = :folded WHERE id = :id")
    for rows in _batches():
        op.get_bind().execute(statement, [{"id": row.id, "folded": folded(row.name, row.login)} for row in rows])
    op.create_index("users_folded", "users", ["folded", "id"])


def _batches() -> Iterator[list[Any]]:
    query = sa.text("SELECT id, name, login FROM users WHERE id > :last ORDER BY id LIMIT :limit")
    last = 0
    while rows := list(op.get_bind().execute(query, {"last": last, "limit": _AT_ONCE})):
        yield rows
        last = rows[-1].id
