"""The tables of the `accounts` database: the school, its users, classes and enrolments, and who is signed in.

Times are milliseconds since 1970, as on the wire. Rows that have ended are marked, not deleted, so that old messages
keep their authors.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
    true,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from server.databases.folded import MAX_FOLDED_CHARACTERS, folded

# SQLite generates ids only for a column of type INTEGER.
Id = BigInteger().with_variant(Integer(), "sqlite")


class Base(DeclarativeBase):
    """Base of this database's tables: one MetaData, and named constraints for later revisions to refer to."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ix": "ix_%(table_name)s_%(column_0_name)s",
        }
    )


class School(Base):
    """The school (one row), with its name as the pages show it.

    `hours` are those of its classes (`channels.hours.Hours` as JSON); `zone` is its time zone, `quiet` are its
    quiet hours (spans of the same as JSON). `badges`: students' badges are switched on. `settings` are the others
    (school_settings.py). NULL: nothing was set.
    """

    __tablename__ = "schools"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    sourced_id: Mapped[str | None] = mapped_column(String(255), unique=True)
    name: Mapped[str] = mapped_column(String(255))
    hours: Mapped[str | None] = mapped_column(Text)
    zone: Mapped[str | None] = mapped_column(String(64))
    quiet: Mapped[str | None] = mapped_column(Text)
    badges: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    settings: Mapped[str | None] = mapped_column(Text)


class Logo(Base):
    """The school's logo, a PNG; the settings name its version."""

    __tablename__ = "logos"

    version: Mapped[str] = mapped_column(String(16), primary_key=True)
    data: Mapped[bytes] = mapped_column(LargeBinary)


def _folded(context: Any) -> str:
    values = context.get_current_parameters()
    return folded(values["name"], values["login"])


class Account(Base):
    """A user: `login` is kept casefolded; without a `password_hash` the user can sign in only with a one-time code.

    `enabled` is the administrator's switch; `active` is true if the last roster contained them. Both must hold.
    `signed_in_at` is the last time that they signed in; NULL: never, 0: before it was noted. `folded` is what they are
    found by (folded.py).

    An id is never reused, even after its row is deleted: the journal refers to authors by id.
    """

    __tablename__ = "users"
    __table_args__ = (Index("users_folded", "folded", "id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    sourced_id: Mapped[str | None] = mapped_column(String(255), unique=True)
    login: Mapped[str] = mapped_column(String(255), unique=True)
    name: Mapped[str] = mapped_column(String(255))
    role: Mapped[str] = mapped_column(String(16))
    enabled: Mapped[bool] = mapped_column(Boolean, default=True)
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    password_hash: Mapped[str | None] = mapped_column(String(255))
    code_hash: Mapped[str | None] = mapped_column(String(255))
    code_expires_at: Mapped[int | None] = mapped_column(BigInteger)
    signed_in_at: Mapped[int | None] = mapped_column(BigInteger)
    folded: Mapped[str] = mapped_column(String(MAX_FOLDED_CHARACTERS), default=_folded, server_default=text("''"))

    @property
    def may_sign_in(self) -> bool:
        """Whether the user of this account may sign in now."""
        return self.enabled and self.active


class SchoolClass(Base):
    """A class; `active` is true if the last roster contained it. Its id is never reused, as a user's."""

    __tablename__ = "classes"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    sourced_id: Mapped[str | None] = mapped_column(String(255), unique=True)
    title: Mapped[str] = mapped_column(String(255))
    grade: Mapped[str] = mapped_column(String(64), default="")
    active: Mapped[bool] = mapped_column(Boolean, default=True)


class Enrolment(Base):
    """A user's membership of a class, as `student` or `teacher`.

    `listed` is true if the last roster contained it, or the office has made it; `begins` and `ends` are its first and
    last day (ISO dates of the school's days; NULL: no bound). `active` is true while it is listed and today is within
    them: it gives the rights, and changes at the school's midnight (server/accounts/enrolment_days.py).
    """

    __tablename__ = "enrolments"
    __table_args__ = (
        UniqueConstraint("user_id", "class_id", name="enrolments_once"),
        Index("enrolments_class", "class_id", "active", "role"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    sourced_id: Mapped[str | None] = mapped_column(String(255), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    class_id: Mapped[int] = mapped_column(ForeignKey("classes.id"))
    role: Mapped[str] = mapped_column(String(16))
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    listed: Mapped[bool] = mapped_column(Boolean, default=True, server_default=true())
    begins: Mapped[str | None] = mapped_column(String(10))
    ends: Mapped[str | None] = mapped_column(String(10))


class Credential(Base):
    """One sign-in: a browser's `session` or a program's `token`. Only the SHA-256 of its secret is kept.

    `device` is a hint for the user (server/accounts/device.py), empty or NULL where it is unknown. A sign-in through
    one of the school's providers has its `identity_id`, and as `sid` the provider's session if it names one.
    A token has a `label`, says whether it `only_reads`, and when it was last used, to the hour (NULL: never).
    An id is never reused, even after its row is deleted: open sockets refer to their sign-in by id.
    """

    __tablename__ = "credentials"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    created_at: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[int] = mapped_column(BigInteger)
    device: Mapped[str | None] = mapped_column(String(64))
    identity_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    sid: Mapped[str | None] = mapped_column(String(255))
    label: Mapped[str | None] = mapped_column(String(64))
    only_reads: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    used_at: Mapped[int | None] = mapped_column(BigInteger)


class UserIdentity(Base):
    """Whom a provider means: its `subject` is this user, from the first sign-in on, whatever else the provider says.

    A user has at most one subject of an issuer, so that an address which a provider gives to somebody else does not
    lead them to the account of the one before.
    """

    __tablename__ = "identities"
    __table_args__ = (
        UniqueConstraint("issuer", "subject", name="identities_subject"),
        UniqueConstraint("user_id", "issuer", name="identities_user"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    issuer: Mapped[str] = mapped_column(String(255))
    subject: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[int] = mapped_column(BigInteger)


class Badge(Base):
    """A student's badge: the SHA-256 of the secret in its QR code. It is valid only where `School.badges` is set."""

    __tablename__ = "badges"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True, autoincrement=False)
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    made_at: Mapped[int] = mapped_column(BigInteger)


class ChangeCounter(Base):
    """The id of the newest note (one row). Ids have no gaps: a rolled-back transaction uses none."""

    __tablename__ = "change_counter"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(BigInteger)


class Change(Base):
    """A note to every running worker: what changed (`user`, `users`, `school` or `everybody`), and whose ids changed.

    `user_ids` are those of many, with commas between them.

    Workers read the notes after the last id that they saw. The ids come from `ChangeCounter`: they are in the order of
    the commits, without gaps, and never used twice.
    """

    __tablename__ = "changes"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(16))
    user_id: Mapped[int | None] = mapped_column(BigInteger)
    user_ids: Mapped[str | None] = mapped_column(Text)
    at: Mapped[int] = mapped_column(BigInteger)


class Pairing(Base):
    """The journal of these accounts (one row): its epoch, empty before the first start, and how many events it had.

    `stored` is a few seconds old. `audited` is the highest id of the audit log, up to a minute old. See
    server/databases/pairing.py and audit_pairing.py.
    """

    __tablename__ = "pairing"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    epoch: Mapped[str] = mapped_column(String(32))
    stored: Mapped[int] = mapped_column(BigInteger)
    audited: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")


class Audited(Base):
    """A record that waits to be copied to the audit log, as JSON (server/databases/outbox.py)."""

    __tablename__ = "audited"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    record: Mapped[str] = mapped_column(Text)


class SetupCode(Base):
    """The code that makes the first administrator (at most one row): its SHA-256, and when it ends."""

    __tablename__ = "setup_codes"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    expires_at: Mapped[int] = mapped_column(BigInteger)


class Failure(Base):
    """Failed sign-ins under one key (of an account or an address): the count, and when it restarts."""

    __tablename__ = "failures"

    key: Mapped[str] = mapped_column(String(300), primary_key=True)
    count: Mapped[int] = mapped_column(Integer)
    until: Mapped[int] = mapped_column(BigInteger)
