"""Whether the journal goes on where it ended, or a copy of it has been put in its place by hand.

    a server that runs --- every 2 s, and at its end ---> note: epoch, events, time      beside an SQLite file
    the next start     --- the file changed after that? it has fewer events? ----------> another history
    PostgreSQL: the journal keeps which cluster, timeline, database and table it is in -> it is elsewhere

Databases that were all copied at one moment agree with each other (`pairing`), so that it takes something from outside
of them. A file that is put back keeps its content and its time of modification, but not its time of change (ctime),
which nobody can set. Where fewer events are there than were noted, the start is refused, because the newer file may
lie beside. Where a copy may have been put back, the journal gets a new epoch, as after a restore: if it was none after
all, clients load their classes anew, and lose nothing.

The reasons, and what is not noticed: docs/notes/restored.md.
"""

import os
import time
from contextlib import suppress
from pathlib import Path

import msgspec
from sqlalchemy import select, text, update
from sqlalchemy.engine import URL
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine

from channels.journal.tables import journal_table
from server.databases.pairing import Apart

# A note is written over the last one, at this length: it is never half there. An epoch and three numbers have less.
NOTE_BYTES = 256

# How much later than the note of a stop the file may have changed: the kernel's clock for files is some ms behind.
ENDED_SECONDS = 0.05
# The same for a server that was killed: its note is 2 s old, or more where the machine was very busy.
KILLED_SECONDS = 60.0

# A restore makes tables anew, in this database or in another; a physical one, and a failover, change the timeline.
_PLACE = """
    SELECT concat_ws('/', (SELECT system_identifier FROM pg_control_system()),
        (SELECT timeline_id FROM pg_control_checkpoint()),
        (SELECT oid FROM pg_database WHERE datname = current_database()), 'topics'::regclass::oid)
"""


class Note(msgspec.Struct, frozen=True):
    """The journal's name and number of events at a time (s since 1970), and whether its last server has ended then."""

    epoch: str
    stored: int
    at: float
    ended: bool = False


def note_path(url: URL) -> Path | None:
    """Return where the note of a journal is, in the file that servers lock; None for one in PostgreSQL."""
    if url.get_backend_name() != "sqlite":
        return None
    return Path(f"{os.path.realpath(url.database or '')}-server")


def read_note(path: Path) -> Note | None:
    """Return the note; None where there is none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Note)
    except (OSError, msgspec.MsgspecError):
        return None


def write_note(path: Path, epoch: str, stored: int, *, ended: bool = False) -> None:
    """Write the note of now. A disk that refuses it is told of by those who store messages."""
    data = msgspec.json.encode(Note(epoch, stored, time.time(), ended))
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.pwrite(descriptor, data.ljust(NOTE_BYTES), 0)
        finally:
            os.close(descriptor)


def end_note(path: Path) -> None:
    """Note that the journal's file is closed, and changes no more before the next server."""
    if (note := read_note(path)) is not None:
        write_note(path, note.epoch, note.stored, ended=True)


def check_note(note: Note | None, epoch: str, stored: int) -> None:
    """Raise Apart where a journal has fewer events than were noted of it."""
    if note is not None and note.epoch == epoch and stored < note.stored:
        raise Apart(f"the journal had {note.stored} events and has {stored}: it is an older copy, or its -wal is gone")


def changed_since(note: Note | None, epoch: str, database: Path) -> str:
    """Return how it shows that a journal's file may be a copy which was put here; empty: it does not."""
    if note is None:
        return "no server has run on this file here"
    if note.epoch != epoch:
        return "another journal was here"
    allowed = ENDED_SECONDS if note.ended else KILLED_SECONDS
    if os.stat(database).st_ctime > note.at + allowed:
        return "the file was changed while no server ran"
    return ""


async def moved_place(journal: AsyncEngine) -> str:
    """Return how it shows that a journal in PostgreSQL was restored; empty: it does not. Keep where it is now."""
    async with journal.execution_options(writes=True).begin() as connection:
        # One server after another: the second one finds what the first one has kept.
        kept = (await connection.execute(select(journal_table.c.place).with_for_update())).scalar_one()
        try:
            async with connection.begin_nested():
                place = str((await connection.execute(text(_PLACE))).scalar_one())
        except ProgrammingError:  # a host that hides its cluster
            return ""
        if place != kept:
            await connection.execute(update(journal_table).values(place=place))
    return "it is in another cluster, database or table" if kept and place != kept else ""
