"""Imports of rosters: what each changes, and what was there before the last one."""

import sqlalchemy as sa
from alembic import op

from server.databases.folded import MAX_FOLDED_CHARACTERS

revision = "0009"
down_revision = "0008"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the tables, and room in a note of changes for many users."""
    op.add_column("changes", sa.Column("user_ids", sa.Text()))
    _make_imports()
    _make_parts()
    _make_before()


def _make_imports() -> None:
    op.create_table(
        "imports",
        sa.Column("id", _ID, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("moved_at", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger()),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("moving", sa.BigInteger(), nullable=False),
        sa.Column("result", sa.Text()),
        sa.Column("problems", sa.Text()),
        sa.Column("created", sa.Text()),
        sa.Column("applied_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
        sqlite_autoincrement=True,
    )


def _make_parts() -> None:
    parts: dict[str, list[sa.schema.SchemaItem]] = {
        "import_parts": [
            sa.Column("number", sa.Integer(), nullable=False),
            sa.Column("data", sa.LargeBinary(), nullable=False),
            sa.PrimaryKeyConstraint("import_id", "number", name=op.f("pk_import_parts")),
        ],
        "import_differences": [
            sa.Column("list", sa.String(16), nullable=False),
            sa.Column("number", sa.Integer(), nullable=False),
            sa.Column("detail", sa.Text(), nullable=False),
            sa.PrimaryKeyConstraint("import_id", "list", "number", name=op.f("pk_import_differences")),
        ],
    }
    for table, columns in parts.items():
        op.create_table(table, *_of_import(table), *columns)


def _make_before() -> None:
    op.create_table(
        "import_before",
        *_of_import("import_before"),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("row_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("what", sa.String(16), nullable=False),
        sa.Column("sourced_id", sa.String(255)),
        sa.Column("login", sa.String(255)),
        sa.Column("name", sa.String(255)),
        sa.Column("folded", sa.String(MAX_FOLDED_CHARACTERS)),
        sa.Column("role", sa.String(16)),
        sa.Column("grade", sa.String(64)),
        sa.Column("active", sa.Boolean()),
        sa.PrimaryKeyConstraint("import_id", "kind", "row_id", name=op.f("pk_import_before")),
    )


def _of_import(table: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("import_id", _ID, nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["imports.id"], name=op.f(f"fk_{table}_import_id")),
    ]
