"""The index of texts. The server fills it with what is there already, while it runs."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# FTS5 without its own copy of the stems, and without their places in the text. `ascii` takes the stems as they are.
_SQLITE = (
    "CREATE VIRTUAL TABLE search_words USING fts5("
    "stems, content='search', content_rowid='id', detail='none', tokenize='ascii')",
    "CREATE TRIGGER search_added AFTER INSERT ON search BEGIN"
    " INSERT INTO search_words (rowid, stems) VALUES (new.id, new.stems); END",
    "CREATE TRIGGER search_deleted AFTER DELETE ON search BEGIN"
    " INSERT INTO search_words (search_words, rowid, stems) VALUES ('delete', old.id, old.stems); END",
)
_POSTGRESQL = ("CREATE INDEX search_words ON search USING gin (array_to_tsvector(string_to_array(stems, ' ')))",)


def upgrade() -> None:
    """Add the tables, and for each kind of database what finds in them."""
    op.create_table(
        "search",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("topic_id", _ID, sa.ForeignKey("topics.id"), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("stems", sa.Text(), nullable=False),
        sa.UniqueConstraint("topic_id", "seq", name="search_event"),
    )
    op.create_table(
        "search_positions",
        sa.Column("topic_id", _ID, sa.ForeignKey("topics.id"), primary_key=True),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sqlite_with_rowid=False,
    )
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL:
        op.execute(statement)
