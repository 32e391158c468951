"""Restores a backup in the place of the databases that are here, while no server runs.

    verify -> copy beside (files.py), or into empty databases of PostgreSQL -> a new journal's name -> put in place

What has come after the backup must not come back in another sense:

* Positions: the journal gets a new epoch and key. What a client has seen of the old one counts for nothing.
* Ids of users and classes: new ones begin far after all that the backup, the replaced accounts and the log know.
* Sign-ins that were ended end again, where the replaced accounts can be read.
* The audit log that is here stays, with what it lacks of the backup's. So do its legal holds, and its list of erasures,
  which is applied.

docs/notes/backup.md has the reasons.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.engine import URL

from server.audit.audit import Audit
from server.backups import manifest
from server.backups.errors import BackupError
from server.backups.files import SqlitePlace, Undone
from server.backups.manifest import Manifest
from server.backups.postgresql import PostgresqlPlace
from server.clock import now_ms
from server.databases import Databases, reading, writing
from server.databases.audit import AuditRecord
from server.databases.engine import read_url
from server.databases.errors import DatabasesApart
from server.databases.migration import known_revisions
from server.databases.outbox import note_audited
from server.databases.pairing import NO_IDS, Ids
from server.process.sole_server import STOP_FIRST, sole_server
from server.records import erase_again
from server.schemas import SCHEMAS
from server.settings import Settings

# New ids begin so far after the highest that is known. Which ones were given between the backup and a loss, nobody may
# know: more than any school gives from one backup to the next, and nothing beside the 64 bits of an id.
UNKNOWN_IDS = 1_000_000

Place = SqlitePlace | PostgresqlPlace


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did: where what it replaced is, and after which ids new ones begin.

    `erased` persons were erased again. `undone` is None where the replaced accounts could not be read.
    """

    aside: set[Path]
    after: Ids
    erased: int
    undone: Undone | None
    keeps_audit: bool


async def restore(settings: Settings, folder: Path, confirm: Callable[[Manifest], None]) -> Restored:
    """Restore the backup in a folder, once `confirm` has returned; raise BackupError, and SettingsError."""
    async with sole_server(settings, refusal=STOP_FIRST):
        whole = manifest.read(folder)
        places = {name: _place(name, read_url(name, url)) for name, url in settings.databases.items()}
        _check(folder, whole, places)
        manifest.verify(folder, whole.databases)
        confirm(whole)
        try:
            return await _restore(settings, folder, whole, places)
        finally:
            for place in places.values():
                place.discard()


def _place(name: str, url: URL) -> Place:
    if url.get_backend_name() == "sqlite":
        return SqlitePlace(name, url.database or "")
    return PostgresqlPlace(name, url)


def _check(folder: Path, whole: Manifest, places: dict[str, Place]) -> None:
    for name, copy in whole.databases.items():
        if name not in places:
            raise BackupError(f"The backup {folder} has a database “{name}”, which this Lousa does not have.")
        if copy.kind != places[name].kind:
            raise BackupError(
                f"The backup {folder} has “{name}” of {copy.kind}, and here it is {places[name].kind}: give the "
                "--database options with which it was made. Nothing was changed."
            )
        if copy.revision not in known_revisions(SCHEMAS[name])[0]:
            raise BackupError(
                f"The backup {folder} was made by a later version of Lousa ({whole.version}): restore it with that "
                "one. Nothing was changed."
            )
    if lacking := {"accounts", "journal", "audit"} - whole.databases.keys():
        raise BackupError(f"The backup {folder} is not whole: it lacks {', '.join(sorted(lacking))}.")


async def _restore(settings: Settings, folder: Path, whole: Manifest, places: dict[str, Place]) -> Restored:
    # A log of what was done is not rolled back.
    kept = await places["audit"].keep()
    files = {name: folder / copy.file for name, copy in whole.databases.items() if name != "audit" or not kept}
    for name in files:
        await places[name].check()
    for name, file in files.items():
        await places[name].stage(file)
    before = places["accounts"].last_ids() or NO_IDS
    is_later = before.user >= whole.moment.user and before.class_ >= whole.moment.class_
    databases = Databases({name: place.url for name, place in places.items()}, SCHEMAS)
    try:
        await databases.upgrade()
        if kept:
            await places["audit"].add_lacking(folder / whole.databases["audit"].file)
        after, erased = await _prepare(databases, folder, whole, before)
    finally:
        await databases.dispose()
    accounts = places["accounts"]
    undone = accounts.undo_less() if is_later and isinstance(accounts, SqlitePlace) else None
    aside = f"replaced-{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    put = [await place.put(aside) for name, place in places.items() if name in whole.databases]
    await _note(settings)
    return Restored({path for path in put if path is not None}, after, erased, undone, places["audit"].is_kept)


async def _prepare(databases: Databases, folder: Path, whole: Manifest, before: Ids) -> tuple[Ids, int]:
    try:
        await databases.check_pair()
    except DatabasesApart as error:
        raise BackupError(
            f"The databases of the backup {folder} are of different moments: {error.__cause__}. Nothing was changed."
        ) from error
    # What waits for the log may be there already, under the journal's old name.
    await Audit(databases).catch_up()
    user = max(before.user, whole.moment.user, await _recorded(databases))
    class_ = max(before.class_, whole.moment.class_)
    accepted = await databases.accept(Ids(user + UNKNOWN_IDS, class_ + UNKNOWN_IDS))
    erased = await erase_again(databases)
    async with writing(databases.sessions("accounts")) as db:
        made = int(whole.made.timestamp() * 1000)
        await note_audited(db, now_ms(), "database:restored", folder=str(folder), made=made)
    return accepted, erased


async def _note(settings: Settings) -> None:
    databases = Databases(settings.databases, SCHEMAS)
    try:
        await databases.note_history()
    finally:
        await databases.dispose()


async def _recorded(databases: Databases) -> int:
    """Return the highest id of a user whom the audit log mentions."""
    highest = [func.coalesce(func.max(column), 0) for column in (AuditRecord.user_id, AuditRecord.subject_id)]
    async with reading(databases.sessions("audit")) as db:
        return max(map(int, (await db.execute(select(*highest))).one()))
