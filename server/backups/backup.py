"""Makes a backup: copies of all databases of one moment in a new folder, checked, and on the disk."""

import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from server.backups import manifest
from server.backups.errors import BackupError
from server.backups.folder import unfinished
from server.backups.manifest import Copy, Manifest
from server.backups.snapshot import Snapshot, moment, revision, snapshots
from server.databases.engine import read_url
from server.settings import Settings
from server.version import VERSION

# Beside the copies: the manifest, and what a file system needs for itself.
MARGIN_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was made; `log_bytes` is what the journal's write-ahead file had in it at the end."""

    manifest: Manifest
    seconds: float
    log_bytes: int


async def make_backup(settings: Settings, folder: Path) -> Made:
    """Make a backup in a new folder, while a server runs or not; raise BackupError where there is none afterwards."""
    began = time.monotonic()
    urls = {name: read_url(name, url) for name, url in settings.databases.items()}
    try:
        with unfinished(folder) as work:
            async with snapshots(urls) as found:
                made = datetime.now(UTC).replace(microsecond=0)
                await _check_space(work, found)
                common = await moment(found)
                copies = {name: await _copy(name, snapshot, work) for name, snapshot in found.items()}
            whole = Manifest(manifest.FORMAT, VERSION, made, common, copies)
            manifest.write(work, whole)
    except OSError as error:
        raise BackupError(f"The backup {folder} cannot be written: {error.strerror or error}.") from error
    return Made(whole, time.monotonic() - began, found["journal"].log_bytes)


async def _check_space(work: Path, found: dict[str, Snapshot]) -> None:
    needed = sum([await snapshot.bytes() for snapshot in found.values() if snapshot.kind == "sqlite"]) + MARGIN_BYTES
    free = shutil.disk_usage(work).free
    if free < needed:
        raise BackupError(
            f"The disk of {work.parent} has {free // 2**20} MB free, and the backup needs {needed // 2**20} MB."
        )


async def _copy(name: str, snapshot: Snapshot, work: Path) -> Copy:
    path = work / snapshot.file
    its_revision = await revision(snapshot)
    await snapshot.copy(path)
    return Copy(snapshot.file, snapshot.kind, its_revision, path.stat().st_size, manifest.digest(path))
