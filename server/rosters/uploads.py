"""Imports as the school's office makes them in a browser: an export comes in pieces, is checked, shown, and applied.

    begin -> add, piece by piece -> check -> (process of its own) -> ready -> apply -> applied -> undo

The pieces are files of the data folder that only its owner may read, and go when they have been read. Steps that
take long are run by `Apart`; a page asks the database how far they are.
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.exc import NoResultFound

from server.accounts.refusals import UserError
from server.clock import now_ms
from server.databases import Databases, reading, writing
from server.databases.imports import Import
from server.rosters.apart import Apart, Take, in_a_process
from server.rosters.imports import (
    STALE_MS,
    Origin,
    State,
    begin,
    discard,
    find,
    move,
    newest,
    read_list,
    settle,
    undoable,
)
from server.rosters.nightly import NightlyPulls
from server.rosters.pulling import Pulling
from server.rosters.source import proper_name
from server.rosters.work import summary_of

# A zip of a school of 100,000 users has 15 MB, its files 170 MB.
MAX_UPLOAD_BYTES = 512 * 1024 * 1024
# A piece takes a second at 4 Mbit/s, and a few ms of a worker. A proxy such as nginx lets 1 MB through by itself.
PIECE_BYTES = 512 * 1024
ZIP = "export.zip"
# The folder for them in the data folder.
ROSTERS = "rosters"

_MOVING = (State.UPLOADING, State.CHECKING, State.APPLYING, State.UNDOING)
# Why a step is refused; the page has the words.
TOO_LATE, TOO_LARGE, NOT_A_FILE, UNCONFIRMED = "too-late", "too-large", "not-a-file", "unconfirmed"


class Found(NamedTuple):
    """The newest imports, and which of them can be undone."""

    imports: Sequence[Import]
    undoable: int | None


class Uploads:
    """The imports of a running server. Steps that cannot be taken raise UserError; `reason` says why.

    `pulls` are those from the school's provider of rosters; `pulling` is what the server's options say of it; `take`
    takes the steps that take long.
    """

    def __init__(
        self, databases: Databases, folder: Path, pulling: Pulling | None = None, take: Take = in_a_process
    ) -> None:
        self.apart = Apart(databases, take)
        self._sessions = databases.sessions("accounts")
        self.pulls = NightlyPulls(self._sessions, self.apart, pulling)
        self._folder = folder

    async def begin(self, user_id: int, name: str) -> int:
        """Begin an upload, and throw away what waits to be applied; return the import's id."""
        async with writing(self._sessions) as db:
            await settle(db)
            for row in await newest(db):
                await discard(db, row.id)
            import_id = await begin(db, Origin("upload", name, user_id), State.UPLOADING)
        shutil.rmtree(self._folder, ignore_errors=True)
        self._place(import_id).mkdir(mode=0o700, parents=True)
        return import_id

    async def add(self, import_id: int, name: str, offset: int, piece: bytes) -> None:
        """Add a piece to a file at its end; one that is there already counts once."""
        proper = ZIP if name.casefold().endswith(".zip") else proper_name(name)
        if proper is None:
            raise UserError("This is no file of an export.", NOT_A_FILE)
        await self._in_state(import_id, State.UPLOADING)
        place = self._place(import_id) / proper
        if sum(each.stat().st_size for each in place.parent.iterdir()) + len(piece) > MAX_UPLOAD_BYTES:
            raise UserError("The export is too large.", TOO_LARGE)
        _append(place, offset, piece)

    async def check(self, import_id: int) -> None:
        """Begin to check what was uploaded."""
        await self._move(import_id, State.CHECKING)
        self.apart.start("check", import_id, path=self._place(import_id))

    async def apply(self, import_id: int, confirm_ended: int | None) -> None:
        """Begin to apply an import; one that ends many must have their number confirmed."""
        row = await self._in_state(import_id, State.READY)
        summary = summary_of(row)
        if summary is not None and summary.to_confirm not in (0, confirm_ended):
            raise UserError("That is not the number.", UNCONFIRMED)
        await self._move(import_id, State.APPLYING, problems=None, done=0, total=0)
        self.apart.start("apply", import_id, confirm_ended=confirm_ended)

    async def discard(self, import_id: int) -> None:
        """Throw away an import that was not applied."""
        async with writing(self._sessions) as db:
            if not await discard(db, import_id):
                raise UserError("It is too late for that.", TOO_LATE)

    async def undo(self, import_id: int, user_id: int) -> None:
        """Begin to undo the last import."""
        await self._move(import_id, State.UNDOING, problems=None, done=0, total=0)
        self.apart.start("undo", import_id, user_id=user_id)

    async def find(self, import_id: int) -> Import | None:
        """Return an import, None where there is none."""
        try:
            async with reading(self._sessions) as db:
                row = await find(db, import_id)
        except NoResultFound:
            return None
        if row.state not in _MOVING or row.moved_at > now_ms() - STALE_MS:
            return row
        async with writing(self._sessions) as db:
            await settle(db)
        async with reading(self._sessions) as db:
            return await find(db, import_id)

    async def newest(self) -> Found:
        """Return the newest imports."""
        async with reading(self._sessions) as db:
            return Found(await newest(db), await undoable(db))

    async def names(self, import_id: int, name: str, after: int, limit: int) -> list[dict[str, Any]]:
        """Return a part of one list of whom and what an import changes."""
        async with reading(self._sessions) as db:
            return await read_list(db, import_id, name, after, limit)

    async def close(self) -> None:
        """End the steps that are under way."""
        await self.pulls.stop()
        await self.apart.close()

    def _place(self, import_id: int) -> Path:
        return self._folder / str(import_id)

    async def _in_state(self, import_id: int, state: State) -> Import:
        async with reading(self._sessions) as db:
            row = await db.scalar(select(Import).where(Import.id == import_id))
        if row is None or row.state != state:
            raise UserError("It is too late for that.", TOO_LATE)
        return row

    async def _move(self, import_id: int, state: State, **values: Any) -> None:
        async with writing(self._sessions) as db:
            if not await move(db, import_id, state, **values):
                raise UserError("It is too late for that.", TOO_LATE)


def _append(place: Path, offset: int, piece: bytes) -> None:
    size = place.stat().st_size if place.exists() else 0
    if offset > size:
        raise UserError("A piece is missing.", TOO_LATE)
    descriptor = os.open(place, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.pwrite(descriptor, piece, offset)
    finally:
        os.close(descriptor)
