"""Snapshots of several databases at one moment, each copied afterwards while everybody goes on reading and writing.

    hold the journal's writers -> journal, accounts, …, audit: one read transaction each -> let them go -> copy

The hold takes milliseconds: snapshots are opened in it, nothing is copied. Because the journal stands still, each of
the others may be some milliseconds younger than it and still be of its moment: every user whom it mentions is in the
accounts. The audit log is last: what waited to be copied there is then in one of the two, or in both.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy.engine import URL

from server.backups import postgresql, sqlite
from server.backups.errors import BackupError
from server.backups.manifest import Moment

# The first and the last to be opened; others, of packages of views, between them.
_FIRST = ("journal", "accounts")
_LAST = ("audit",)

_EPOCH = "SELECT epoch FROM journal"
_MOMENT = {
    "journal": {
        "events": "SELECT coalesce(sum(seq), 0) FROM topics",
        "topics": "SELECT count(*) FROM topics",
    },
    "accounts": {
        "user": "SELECT coalesce(max(id), 0) FROM users",
        "class_": "SELECT coalesce(max(id), 0) FROM classes",
        "changes": "SELECT number FROM change_counter",
    },
    "audit": {"records": "SELECT coalesce(max(id), 0) FROM records"},
}
_REVISION = "SELECT version_num FROM alembic_version"


class Snapshot(Protocol):
    """One database at one moment."""

    kind: str
    file: str  # the name of the copy
    log_bytes: int  # what was in the write-ahead file at the end; 0 where that is not known

    async def connect(self) -> None:
        """Connect to the database; raises BackupError."""

    async def begin(self) -> None:
        """Begin to read: the snapshot is as the database is now."""

    async def bytes(self) -> int:
        """Return about how large the copy will be."""

    async def value(self, query: str) -> Any:
        """Return the only value of a query."""

    async def copy(self, target: Path) -> None:
        """Write a checked copy to a new file; raise BackupError."""

    async def close(self) -> None:
        """End the snapshot, also if it is being used; a second call does nothing."""


@asynccontextmanager
async def snapshots(urls: Mapping[str, URL]) -> AsyncIterator[dict[str, Snapshot]]:
    """Yield a snapshot of each database, all of one moment; raise BackupError."""
    async with AsyncExitStack() as stack:
        found: dict[str, Snapshot] = {}
        for name in _in_order(urls):
            found[name] = _snapshot(name, urls[name])
            stack.push_async_callback(found[name].close)
            await found[name].connect()
        async with _held(urls["journal"]):
            for snapshot in found.values():
                await snapshot.begin()
        yield found


def _in_order(names: Mapping[str, object]) -> list[str]:
    others = [name for name in names if name not in _FIRST + _LAST]
    return [*_FIRST, *others, *_LAST]


async def moment(found: Mapping[str, Snapshot]) -> Moment:
    """Return the moment of these snapshots; raise BackupError where accounts and journal do not belong together."""
    values = {name: int(await found[part].value(query)) for part in _MOMENT for name, query in _MOMENT[part].items()}
    epoch = await found["journal"].value(_EPOCH)
    paired = await found["accounts"].value("SELECT epoch FROM pairing")
    stored = await found["accounts"].value("SELECT stored FROM pairing")
    if paired not in ("", epoch) or stored > values["events"]:
        raise BackupError(
            "The accounts and the journal do not belong together: one of them is an older copy, or another school's. "
            "No backup was made. Start Lousa: it says what is wrong."
        )
    return Moment(epoch=epoch, **values)


async def revision(snapshot: Snapshot) -> str:
    """Return the revision of a database's tables."""
    return str(await snapshot.value(_REVISION))


def _snapshot(name: str, url: URL) -> Snapshot:
    if url.get_backend_name() == "sqlite":
        return sqlite.SqliteSnapshot(name, url.database or "")
    return postgresql.PostgresqlSnapshot(name, url)


def _held(url: URL) -> AbstractAsyncContextManager[None]:
    if url.get_backend_name() == "sqlite":
        return sqlite.held(url.database or "")
    return postgresql.held(url)
