"""The settings of a school, as they are stored: a JSON object, in which what is missing has its default."""

import msgspec

# Colours of the board; the first is Lousa's own. Each keeps the contrast of chalk on it (static/style/board.css).
BOARDS = ("green", "blue", "wine", "graphite")


class SchoolSettings(msgspec.Struct, frozen=True):
    """What the office has set.

    `name` is the school's on the pages; empty: as in the roster. `language` is for readers who have not chosen one;
    empty: as their browser asks. `board` is one of BOARDS. `teachers_reset`: teachers may give the students of their
    classes a new code.
    """

    name: str = ""
    language: str = ""
    board: str = BOARDS[0]
    teachers_reset: bool = True
