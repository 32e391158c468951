"""The school, its users, classes and enrolments, and who is signed in."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create all tables."""
    _make_school()
    _make_users()
    _make_classes()
    _make_enrolments()
    _make_credentials()
    _make_notes()


def _make_school() -> None:
    op.create_table(
        "schools",
        sa.Column("id", _ID, nullable=False),
        sa.Column("sourced_id", sa.String(255)),
        sa.Column("name", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schools")),
        sa.UniqueConstraint("sourced_id", name=op.f("uq_schools_sourced_id")),
    )


def _make_users() -> None:
    op.create_table(
        "users",
        sa.Column("id", _ID, nullable=False),
        sa.Column("sourced_id", sa.String(255)),
        sa.Column("login", sa.String(255), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("password_hash", sa.String(255)),
        sa.Column("code_hash", sa.String(255)),
        sa.Column("code_expires_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("login", name=op.f("uq_users_login")),
        sa.UniqueConstraint("sourced_id", name=op.f("uq_users_sourced_id")),
    )


def _make_classes() -> None:
    op.create_table(
        "classes",
        sa.Column("id", _ID, nullable=False),
        sa.Column("sourced_id", sa.String(255)),
        sa.Column("title", sa.String(255), nullable=False),
        sa.Column("grade", sa.String(64), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_classes")),
        sa.UniqueConstraint("sourced_id", name=op.f("uq_classes_sourced_id")),
    )


def _make_enrolments() -> None:
    op.create_table(
        "enrolments",
        sa.Column("id", _ID, nullable=False),
        sa.Column("sourced_id", sa.String(255)),
        sa.Column("user_id", _ID, nullable=False),
        sa.Column("class_id", _ID, nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["class_id"], ["classes.id"], name=op.f("fk_enrolments_class_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_enrolments_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrolments")),
        sa.UniqueConstraint("sourced_id", name=op.f("uq_enrolments_sourced_id")),
        sa.UniqueConstraint("user_id", "class_id", name="enrolments_once"),
    )
    op.create_index("enrolments_class", "enrolments", ["class_id", "active", "role"])


def _make_credentials() -> None:
    op.create_table(
        "credentials",
        sa.Column("id", _ID, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("user_id", _ID, nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_credentials_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credentials")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_credentials_secret_hash")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_credentials_user_id"), "credentials", ["user_id"])


def _make_notes() -> None:
    op.create_table(
        "changes",
        sa.Column("id", _ID, nullable=False),
        sa.Column("user_id", sa.BigInteger()),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_changes")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "failures",
        sa.Column("key", sa.String(300), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_failures")),
    )
