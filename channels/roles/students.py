"""Students: what they may join and do, and what else is true of them."""

from channels.lesson import (
    acknowledging,
    amending,
    chat,
    flags,
    hands,
    hours,
    missed,
    notes,
    polls,
    reactions,
    reading,
    search,
)
from channels.lesson.rules import Role, ended, rule

_READ = (reading.READ, reading.MARK, reading.COUNT, acknowledging.ACKNOWLEDGE, acknowledging.READ)

ROLE = Role(
    "student",
    "students",
    "Students, in their classes.",
    {
        "class": rule(
            chat.SEND,
            chat.TYPE,
            amending.EDIT,
            amending.HIDE,
            amending.RESTORE,
            missed.MISSED,
            flags.FLAG,
            hours.READ,
            notes.SEND,
            reactions.REACT,
            reactions.UNREACT,
            hands.RAISE,
            hands.LOWER,
            polls.VOTE,
            polls.MINE,
            *_READ,
            counted=True,
        ),
        "role:students": rule(*_READ, counted=True),
        "school": rule(*_READ, counted=True),
        "user:me": rule(reading.READ, reading.MARK, search.FIND),
    },
    ended_class=ended(reading.READ, reading.MARK, reading.COUNT, acknowledging.READ, hours.READ, polls.MINE),
    waits_in_line=True,
    drain_rank=0,
)
