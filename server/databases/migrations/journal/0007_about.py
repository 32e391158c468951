"""Which earlier event an event is about, for amendments that reach both."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

# Of all that an event has amended, the oldest is the one that it is about.
_FILL = """
    UPDATE events SET about = (
        SELECT min(versions.seq) FROM versions
        WHERE versions.topic_id = events.topic_id AND versions.amended_by = events.seq
    ) WHERE EXISTS (
        SELECT 1 FROM versions WHERE versions.topic_id = events.topic_id AND versions.amended_by = events.seq
    )
"""


def upgrade() -> None:
    """Add the column and its index, and fill it for what has amended messages so far."""
    op.add_column("events", sa.Column("about", sa.BigInteger()))
    op.execute(_FILL)
    is_about = sa.text("about IS NOT NULL")
    op.create_index("events_about", "events", ["topic_id", "about"], sqlite_where=is_about, postgresql_where=is_about)
