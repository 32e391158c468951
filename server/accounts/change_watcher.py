"""Watches for changes of rights by any process: another worker, an import, a command.

About once a second one query reads the notes after the last one seen (databases/changes.py). The watcher drops the
users concerned from memory, then the engine checks their open connections again. No note is lost while the database is
unreachable: the first query that succeeds starts from the same note.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from channels.pace import until_tick
from server.accounts.accounts import Accounts
from server.databases.errors import DatabaseError
from server.tasks import cancel

log = logging.getLogger(__name__)

# A right that is withdrawn must be withdrawn from open connections within a second; the rest is for the query, and for
# closing them. With 1.0 the last of 80 sockets on four workers closed after 1,014 ms.
SECONDS = 0.8


class ChangeWatcher:
    """Calls `on_changed` with the ids of the users who changed, or None for everybody; before it `on_school_changed`.

    An exception of `on_changed` is logged; a second later it is called again with the same users.
    """

    def __init__(
        self,
        accounts: Accounts,
        on_changed: Callable[[set[int] | None], Awaitable[None]],
        seconds: float = SECONDS,
        *,
        on_school_changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._accounts = accounts
        self._on_changed = on_changed
        self._on_school_changed = on_school_changed
        self._seconds = seconds
        self._last = 0
        self._away = False
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start watching. Call it before the first authentication: rows read earlier could stay stale."""
        self._last = await self._accounts.newest_change()
        await self._accounts.read_school()
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop watching."""
        if self._task is not None:
            await cancel(self._task)

    def poke(self) -> None:
        """Query now instead of within a second."""
        self._accounts.changed.set()

    async def look(self) -> None:
        """Query once, and apply the changes."""
        changes = await self._accounts.changes_after(self._last)
        if changes.newest == self._last:
            return
        # Who asks for the school while it is read anew has the one of before.
        fresh = await self._accounts.fresh_school() if changes.school else None
        self._accounts.forget(changes.users, school=changes.school, fresh=fresh)
        if changes.school:
            await self._accounts.read_school()
            self._on_school_changed()
        if changes.users is None or changes.users:
            await self._on_changed(changes.users)
        self._last = changes.newest

    async def _run(self) -> None:
        while True:
            await self._wait()
            try:
                await self.look()
                self._log_away(away=False)
            except DatabaseError:
                self._log_away(away=True)
            except Exception:
                log.exception("Applying changed rights failed; it is tried again")

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(until_tick(self._seconds)):
                await self._accounts.changed.wait()
        except TimeoutError:
            pass
        self._accounts.changed.clear()

    def _log_away(self, *, away: bool) -> None:
        if away != self._away:
            log.warning(
                "The accounts database is away: rights stay as they are" if away else "The accounts database is back"
            )
        self._away = away
