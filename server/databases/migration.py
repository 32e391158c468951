"""Upgrades a database to the tables that this version of Lousa expects, and checks whether it has them.

Each database has its own history of revisions, in a folder of its own; all share `migrations/env.py`. A revision is a
file written by hand beside the one before it; tests/server/databases/test_migration.py compares it with the tables.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, MetaData, text

_ENVIRONMENT = Path(__file__).parent / "migrations"

# Any number, the same in every process: a process that upgrades a PostgreSQL database holds this lock.
_UPGRADE_LOCK = 0x10054


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables of a database, and the folder of the revisions that create them."""

    metadata: MetaData
    revisions: Path


class NewerDatabase(Exception):
    """The database was upgraded by a later version of Lousa."""


def upgrade(connection: Connection, schema: Schema, revision: str = "head") -> None:
    """Run the missing revisions up to `revision` inside the connection's transaction: all of them or none.

    The transaction must be a writing one; a second process that upgrades waits for the first.
    Raise NewerDatabase if the database has revisions that this version does not know.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})
    config = _config(schema)
    config.attributes["connection"] = connection
    config.attributes["metadata"] = schema.metadata
    before = _revisions(connection)
    _failures_translated(lambda: command.upgrade(config, revision))
    if connection.dialect.name == "sqlite" and _revisions(connection) != before:
        # Reads every reference once: not at every start.
        broken = connection.execute(text("PRAGMA foreign_key_check")).all()
        assert not broken, f"a revision left references to rows that are gone: {broken[:3]}"


def is_current(connection: Connection, schema: Schema) -> bool:
    """Return whether every revision has run; raise NewerDatabase as `upgrade` does."""
    scripts = ScriptDirectory.from_config(_config(schema))
    found = _revisions(connection)
    _failures_translated(lambda: [scripts.get_revision(revision) for revision in found])
    return found == set(scripts.get_heads())


def known_revisions(schema: Schema) -> tuple[set[str], set[str]]:
    """Return all revisions that this version knows, and the newest ones."""
    scripts = ScriptDirectory.from_config(_config(schema))
    return {each.revision for each in scripts.walk_revisions()}, set(scripts.get_heads())


def _revisions(connection: Connection) -> set[str]:
    return set(MigrationContext.configure(connection).get_current_heads())


def read_something(connection: Connection, _schema: Schema) -> None:
    """Read a row of `alembic_version`, the table that every database has."""
    connection.execute(text("SELECT version_num FROM alembic_version")).all()


def is_read_only(connection: Connection, _schema: Schema) -> bool:
    """Return whether a PostgreSQL takes no writes: a standby, or one that was switched so, as when its disk is full."""
    query = text("SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean")
    return bool(connection.execute(query).scalar_one())


def _config(schema: Schema) -> Config:
    config = Config()
    config.set_main_option("script_location", _escaped(_ENVIRONMENT))
    config.set_main_option("version_locations", _escaped(schema.revisions))
    # A folder's name may contain blanks, so each folder is on its own line.
    config.set_main_option("path_separator", "newline")
    return config


def _escaped(path: Path) -> str:
    # Alembic's settings are an .ini file's, where % begins an interpolation.
    return str(path).replace("%", "%%")


def _failures_translated(work: Callable[[], object]) -> None:
    try:
        work()
    except CommandError as error:
        raise NewerDatabase from error
