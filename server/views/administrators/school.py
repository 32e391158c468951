"""The school as a whole, for its office: whether everything runs, and the ways to what is set up once."""

import asyncio
import shutil
from pathlib import Path
from typing import NamedTuple

from server.backups.last import OLD_BACKUP_MS, last_backup
from server.clock import now_ms
from server.databases.errors import DatabaseUnavailable
from server.process.health import Health
from server.rosters.imports import State
from server.rosters.uploads import Uploads
from server.rosters.work import summary_of
from server.version import VERSION
from server.views.administrators.office import OfficePage

SCHOOL = "/administrators/school"

GIB = 1024**3
# With less the databases of a large school may be full within days.
LITTLE_GIB = 2


class Part(NamedTuple):
    """One part of the server: its name in words, how it is, and whether that is well."""

    name: str
    state: str
    is_well: bool


class SchoolPage(OfficePage):
    """The page."""

    async def get(self) -> None:
        """Show it, as this worker sees it now."""
        parts = [*await self._parts(), *await self._disk(), *self._workers()]
        parts += [*await self._pulls(), *await self._backup()]
        told = {"parts": parts, "is_well": all(part.is_well for part in parts), "version": VERSION}
        await self.show_office("school.html", programs=len(await self.accounts.tokens.all()), **told)

    async def _parts(self) -> list[Part]:
        health: Health | None = self.settings["health"]
        if health is None:
            return []
        translate = self.locale.translate
        names = {
            "accounts": translate("Accounts"),
            "journal": translate("Messages"),
            "audit": translate("Records"),
            "broker": translate("Between workers (Redis)"),
        }
        report = await health.report()
        states = {name: state for name, state in report.items() if name != "status"}
        words = {
            "ok": translate("answers"),
            "away": translate("does not answer"),
            "read-only": translate("cannot be written: the log says why"),
        }
        return [Part(names.get(name, name), words[state], state == "ok") for name, state in states.items()]

    async def _disk(self) -> list[Part]:
        """Return the free space where the databases are files."""
        url = self.databases.engine("journal").url
        if url.get_backend_name() != "sqlite" or not url.database:
            return []
        used = await asyncio.to_thread(shutil.disk_usage, Path(url.database).parent)
        free = used.free / GIB
        return [Part(self.locale.translate("Disk"), self.locale.translate("%d GB free") % free, free >= LITTLE_GIB)]

    async def _pulls(self) -> list[Part]:
        """Return how the last pull of the roster ended, where the school has a provider for it."""
        uploads: Uploads = self.settings["uploads"]
        pulls = await uploads.pulls.state()
        if pulls is None:
            return []
        translate, last = self.locale.translate, pulls.last
        name = translate("Roster from the school's system")
        if last is None:
            return [Part(name, translate("not fetched yet"), True)]
        summary = summary_of(last)
        if last.state == State.REFUSED:
            return [Part(name, translate("refused; see “Roster”"), False)]
        if last.state == State.DISCARDED and summary is None:
            return [Part(name, translate("did not come to its end"), False)]
        if last.state == State.READY and summary is not None and summary.to_confirm:
            return [Part(name, translate("would end a large part of the school; see “Roster”"), False)]
        return [Part(name, self.reader.time(last.at), True)]

    async def _backup(self) -> list[Part]:
        """Return when the last backup was made by Lousa's own command; that there is none is no fault."""
        try:
            last = await last_backup(self.databases)
        except DatabaseUnavailable:
            return []  # which is said by its own line
        name = self.locale.translate("Last backup")
        if last is None:
            return [Part(name, self.locale.translate("none yet"), True)]
        return [Part(name, self.reader.time(last.at), now_ms() - last.at < OLD_BACKUP_MS)]

    def _workers(self) -> list[Part]:
        count: int = self.settings["count_workers"]()
        words = self.locale.translate("%d process", "%d processes", count) % count
        return [Part(self.locale.translate("Workers"), words, True)]
