"""Watches for rights that are withdrawn or given, by whichever process: another worker, an import, a command.

Once a second one query asks for the notes that came after the last one seen. What is kept of the users concerned is
dropped first, then whoever holds their connections is told. While the database is away nothing can be known, and
nothing is forgotten: the first query after asks from the same place.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from server.accounts.accounts import Accounts
from server.databases.changes import Note
from server.databases.errors import DatabaseError

log = logging.getLogger(__name__)

SECONDS = 1.0


class ChangeWatcher:
    """Calls `on_changed` with the ids of the users who changed, None for everybody.

    An `on_changed` that raises is logged and called again with the same users a second later.
    """

    def __init__(
        self,
        accounts: Accounts,
        on_changed: Callable[[set[int] | None], Awaitable[None]],
        seconds: float = SECONDS,
    ) -> None:
        self._accounts = accounts
        self._on_changed = on_changed
        self._seconds = seconds
        self._last = 0
        self._away = False
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Watch from now on. To be called before anybody is authenticated: what is read earlier may stay stale."""
        self._last = await self._accounts.newest_change()
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop watching."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def poke(self) -> None:
        """Look now, rather than within a second."""
        self._accounts.changed.set()

    async def look(self) -> None:
        """Look once, and tell what there is."""
        notes = await self._accounts.changes_after(self._last)
        if not notes:
            return
        users = self._concerned(notes)
        self._accounts.forget(users)
        await self._on_changed(users)
        self._last = notes[-1].id

    def _concerned(self, notes: list[Note]) -> set[int] | None:
        users = {note.user_id for note in notes if note.user_id is not None}
        # A hole in the ids: notes that were deleted before they were seen, and nobody knows whose they were.
        seen_all = notes[-1].id - self._last == len(notes)
        return users if seen_all and all(note.user_id is not None for note in notes) else None

    async def _run(self) -> None:
        while True:
            await self._wait()
            try:
                await self.look()
                self._tell(away=False)
            except DatabaseError:
                self._tell(away=True)
            except Exception:
                log.exception("Telling of changed rights failed; it is tried again")

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                await self._accounts.changed.wait()
        except TimeoutError:
            pass
        self._accounts.changed.clear()

    def _tell(self, *, away: bool) -> None:
        if away != self._away:
            log.warning("The accounts database is away: rights stay as they are" if away else "It is back")
        self._away = away
