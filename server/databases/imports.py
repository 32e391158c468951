"""The tables of roster imports: what was given, what it would change or has changed, and what was there before.

They are in the `accounts` database, because an import and what undoes it are written in one transaction.
"""

from typing import Literal

from sqlalchemy import BigInteger, Boolean, ForeignKey, Integer, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from server.databases.accounts import Base, Id
from server.databases.folded import MAX_FOLDED_CHARACTERS


class Import(Base):
    """One import; `state` is a `State`, `source` says how it came, `user_id` is whose it is (NULL: a command's).

    `done` of `total` is how far the check has come, at `moved_at`. `result` is what it changes (a `Summary` as JSON),
    `moving` is how many people change classes, and `problems` is why it was refused (JSON). `created` holds the ranges
    of the ids that it gave (JSON), for the import that can be undone.
    """

    __tablename__ = "imports"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    at: Mapped[int] = mapped_column(BigInteger)
    moved_at: Mapped[int] = mapped_column(BigInteger)
    user_id: Mapped[int | None] = mapped_column(BigInteger)
    source: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(255))
    state: Mapped[str] = mapped_column(String(16))
    done: Mapped[int] = mapped_column(BigInteger, default=0)
    total: Mapped[int] = mapped_column(BigInteger, default=0)
    moving: Mapped[int] = mapped_column(BigInteger, default=0)
    result: Mapped[str | None] = mapped_column(Text)
    problems: Mapped[str | None] = mapped_column(Text)
    created: Mapped[str | None] = mapped_column(Text)
    applied_at: Mapped[int | None] = mapped_column(BigInteger)


class Coming(Base):
    """Whom and what an import has created and nobody sees yet: the roster's rows with higher ids than these.

    There is a row while an import is applied in steps, or while what it has created is removed (NULL: nothing of that
    kind). Deleting the row shows all of them at once.
    """

    __tablename__ = "coming"

    import_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    users: Mapped[int | None] = mapped_column(BigInteger)
    classes: Mapped[int | None] = mapped_column(BigInteger)
    enrolments: Mapped[int | None] = mapped_column(BigInteger)


class RosterProvider(Base):
    """Where the roster is pulled from, as the office has set it (at most one row): an `Access`, and at which hour.

    `hour` is a time of the school's day as HH:MM; empty: only when somebody asks for it.
    """

    __tablename__ = "roster_provider"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    url: Mapped[str] = mapped_column(Text)
    kind: Mapped[Literal["oauth1", "oauth2", "bearer"]] = mapped_column(String(16))
    key: Mapped[str] = mapped_column(Text)
    secret: Mapped[str] = mapped_column(Text)
    token_url: Mapped[str] = mapped_column(Text)
    hour: Mapped[str] = mapped_column(String(5))


class ImportPart(Base):
    """A part of the roster that waits to be applied; the parts together are one compressed document."""

    __tablename__ = "import_parts"

    import_id: Mapped[int] = mapped_column(ForeignKey("imports.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class ImportDifference(Base):
    """One person or class that an import changes; `list` says how, `number` is the place in that list, from 0."""

    __tablename__ = "import_differences"

    import_id: Mapped[int] = mapped_column(ForeignKey("imports.id"), primary_key=True)
    list: Mapped[str] = mapped_column(String(16), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    detail: Mapped[str] = mapped_column(Text)


class ImportBefore(Base):
    """A row as it was before an import changed it; `kind` names its table, `what` is what happened to it.

    `name` is also a class's title. A column that the kind does not have is NULL.
    """

    __tablename__ = "import_before"

    import_id: Mapped[int] = mapped_column(ForeignKey("imports.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    row_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    what: Mapped[str] = mapped_column(String(16))
    sourced_id: Mapped[str | None] = mapped_column(String(255))
    login: Mapped[str | None] = mapped_column(String(255))
    name: Mapped[str | None] = mapped_column(String(255))
    folded: Mapped[str | None] = mapped_column(String(MAX_FOLDED_CHARACTERS))
    role: Mapped[str | None] = mapped_column(String(16))
    grade: Mapped[str | None] = mapped_column(String(64))
    active: Mapped[bool | None] = mapped_column(Boolean)
    listed: Mapped[bool | None] = mapped_column(Boolean)
    begins: Mapped[str | None] = mapped_column(String(10))
    ends: Mapped[str | None] = mapped_column(String(10))
