"""Imports show what they have created by deleting one row, in place of changing each."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Add the table, and move to it what an import had created when it died."""
    coming = op.create_table(
        "coming",
        sa.Column("import_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("users", sa.BigInteger()),
        sa.Column("classes", sa.BigInteger()),
        sa.Column("enrolments", sa.BigInteger()),
        sa.PrimaryKeyConstraint("import_id", name="pk_coming"),
    )
    query = sa.text("SELECT id, creating FROM imports WHERE creating IS NOT NULL")
    for import_id, creating in op.get_bind().execute(query).all():
        first = json.loads(creating)
        values = {"users": first["user"], "classes": first["class"], "enrolments": first["enrolment"]}
        op.bulk_insert(coming, [{"import_id": import_id, **values}])
    op.drop_column("imports", "creating")
