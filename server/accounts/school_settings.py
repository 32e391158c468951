"""What the office sets for the whole school: its name on the pages, their language and colour, who may do what.

What is set reaches every worker within a second, as changed rights do. Each setting has a safe default.
"""

import msgspec

from channels.lesson.erasing import WAYS
from server.accounts.identifiers import MAX_NAME_CHARACTERS, valid_name
from server.accounts.refusals import UserError
from server.clock import Clock, now_ms
from server.databases import DbSessions, reading, writing
from server.databases.changes import note_changes
from server.databases.outbox import note_audited
from server.databases.school import read_settings, write_settings
from server.databases.school_settings import BOARDS, SchoolSettings
from server.locale import LANGUAGES

# Longer than any law asks to keep what is said in a class; without end is said so.
MAX_MONTHS = 240


async def get_settings(sessions: DbSessions) -> SchoolSettings:
    """Return what is set."""
    async with reading(sessions) as db:
        return await read_settings(db)


async def set_settings(
    sessions: DbSessions, wanted: SchoolSettings, clock: Clock = now_ms, *, user_id: int | None = None
) -> None:
    """Set all of them; `user_id` is who does, None: a command. Raises UserError for a value that cannot be."""
    wanted = msgspec.structs.replace(wanted, name=_checked(wanted))
    async with writing(sessions) as db:
        before = await read_settings(db)
        wanted = msgspec.structs.replace(wanted, logo=before.logo)  # which has a form of its own
        await write_settings(db, wanted)
        was, now = msgspec.to_builtins(before), msgspec.to_builtins(wanted)
        changed = {name: value for name, value in now.items() if was[name] != value}
        if changed:
            await note_audited(db, clock(), "settings:set", user_id=user_id, **changed)
            await note_changes(db, (), clock(), school=True)


def _months(wanted: SchoolSettings) -> list[int]:
    return [value for name, value in msgspec.structs.asdict(wanted).items() if name.startswith("keep_")]


def _checked(wanted: SchoolSettings) -> str:
    """Return the name as it is stored."""
    if wanted.language not in ("", *LANGUAGES):
        raise UserError(f"There is no language {wanted.language!r}: {', '.join(LANGUAGES)}, or none.", "language")
    if wanted.board not in BOARDS:
        raise UserError(f"There is no colour {wanted.board!r}: {', '.join(BOARDS)}.", "board")
    if wanted.erasure not in WAYS:
        raise UserError(f"There is no way to erase {wanted.erasure!r}: {', '.join(WAYS)}.", "erasure")
    if any(not 0 <= months <= MAX_MONTHS for months in _months(wanted)):
        raise UserError(f"Records are kept for 1 to {MAX_MONTHS} months, or without end (0).", "months")
    return valid_name(wanted.name[: MAX_NAME_CHARACTERS + 1]) if wanted.name.strip() else ""
