"""What happened lately and only the databases know, for a monitor: the last backup, and imports of the roster."""

from collections.abc import Iterator

from sqlalchemy import func, select

from channels.metric import Kind, Metric, Sample
from server.backups.last import last_backup
from server.clock import SECOND
from server.databases import Databases, reading
from server.databases.imports import Import

BACKUP = Metric("lousa_last_backup_timestamp_seconds", Kind.GAUGE, "When the last backup was made, since 1970.")
IMPORT = Metric("lousa_last_import_timestamp_seconds", Kind.GAUGE, "When an import was applied last, since 1970.")
IMPORTS = Metric("lousa_imports", Kind.GAUGE, "The imports that are kept, by state.", ("state",))
METRICS = (BACKUP, IMPORT, IMPORTS)

# How often they are read: nobody waits for them.
READ_SECONDS = 60.0


class Recent:
    """Reads them now and then, so that a scrape waits for no database."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases
        self._samples: list[Sample] = []

    async def read(self) -> None:
        """Read them; raises DatabaseUnavailable, and what was read before stays."""
        backup = await last_backup(self._databases)
        query = select(Import.state, func.count(), func.max(Import.applied_at)).group_by(Import.state)
        async with reading(self._databases.sessions("accounts")) as db:
            rows = (await db.execute(query)).all()
        samples = [IMPORTS.of(count, state) for state, count, _ in rows]
        applied = max((at for _, _, at in rows if at is not None), default=None)
        if applied is not None:
            samples.append(IMPORT.of(applied / SECOND))
        if backup is not None:
            samples.append(BACKUP.of(backup.at / SECOND))
        self._samples = samples

    def read_numbers(self) -> Iterator[Sample]:
        """Return what was read last."""
        return iter(self._samples)
