"""The settings of a school, as they are stored: a JSON object, in which what is missing has its default."""

from collections.abc import Collection, Mapping

import msgspec

from channels.cluster.presence import PRESENCE_STATE
from channels.lesson import amending, notes, reactions
from channels.lesson.erasing import WAYS
from channels.member import STUDENT

# Colours of the board; the first is Lousa's own. Each keeps the contrast of chalk on it (static/style/board.css).
BOARDS = ("green", "blue", "wine", "graphite")

# Months. Addresses of sign-ins: as long as Brazil's law has services keep them (Lei 12.965, art. 15), and no longer, as
# they say where children are. Who has looked up or changed what: two school years, so that what happened in one can
# still be asked about in the next. Longer than that, such a log is a risk rather than a help.
KEPT_SIGN_INS = 6
KEPT_LOG = 24

# What students push, or are sent, by each right.
_PUSHES: Mapping[str, Collection[str]] = {
    "students_react": (reactions.REACT.event, reactions.UNREACT.event),
    "students_amend": (amending.EDIT.event, amending.HIDE.event, amending.RESTORE.event),
    "students_note": (notes.SEND.event,),
    "students_see": (PRESENCE_STATE.name,),
}


class SchoolSettings(msgspec.Struct, frozen=True):
    """What the office has set.

    `name` is the school's on the pages; empty: as in the roster. `language` is for readers who have not chosen one;
    empty: as their browser asks. `board` is one of BOARDS. `teachers_reset`: teachers may give the students of their
    classes a new code. `students_react`: students may react to messages; `students_amend`: they may edit their own
    messages for some minutes, and delete them; `students_note`: they may write to a class's teachers alone;
    `students_see`: they see by name who of their class is there, and not only how many. `logo` is the version of the
    school's picture, empty where it has none. `erasure` is what becomes of the texts of a person who is erased by law:
    `keep`, `unlink` or `remove`. `keep_…` are for how many months what they name is kept, 0: without end;
    `channels.lesson.expiry` and `server.records.log_retention` say what belongs to each.
    """

    name: str = ""
    language: str = ""
    board: str = BOARDS[0]
    teachers_reset: bool = True
    students_react: bool = True
    students_amend: bool = True
    students_note: bool = True
    students_see: bool = True
    logo: str = ""
    erasure: str = WAYS[-1]
    keep_messages: int = 0
    keep_announcements: int = 0
    keep_polls: int = 0
    keep_attendance: int = 0
    keep_notes: int = 0
    keep_sign_ins: int = KEPT_SIGN_INS
    keep_log: int = KEPT_LOG

    @property
    def withheld(self) -> Mapping[str, frozenset[str]]:
        """What students may not push, and are not sent."""
        return {STUDENT: frozenset(event for name in _PUSHES if not getattr(self, name) for event in _PUSHES[name])}
