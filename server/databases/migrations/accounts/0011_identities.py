"""Which accounts of the school's providers belong to which users, and the sign-ins through them."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the table, and two columns of the sign-ins."""
    op.create_table(
        "identities",
        sa.Column("id", _ID, nullable=False),
        sa.Column("user_id", _ID, nullable=False),
        sa.Column("issuer", sa.String(255), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identities")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_identities_user_id")),
        sa.UniqueConstraint("issuer", "subject", name="identities_subject"),
        sa.UniqueConstraint("user_id", "issuer", name="identities_user"),
    )
    op.add_column("credentials", sa.Column("identity_id", sa.BigInteger()))
    op.add_column("credentials", sa.Column("sid", sa.String(255)))
    op.create_index(op.f("ix_credentials_identity_id"), "credentials", ["identity_id"])
