"""Teachers: what they may join and do, and what else is true of them."""

from channels.lesson import (
    acknowledging,
    amending,
    announcing,
    chat,
    correcting,
    flags,
    hands,
    hours,
    lessons,
    lock,
    mute,
    notes,
    originals,
    pins,
    polls,
    progress,
    reactions,
    reading,
    register,
    search,
    slow,
)
from channels.lesson.rules import Role, rule

_AMEND = (amending.EDIT, amending.HIDE, amending.RESTORE, originals.OPEN)
_MARK = (reactions.REACT, reactions.UNREACT, pins.PIN, pins.UNPIN)
_ORDER = (lock.LOCK, lock.UNLOCK, slow.SLOW, mute.MUTE, mute.UNMUTE, hours.SET, hours.READ)
_HANDS = (hands.LOWER, hands.CALL, hands.CLEAR)
_POLLS = (polls.OPEN, polls.CLOSE, polls.VOTES)
_IN_CLASS = (
    chat.SEND,
    chat.TYPE,
    *_AMEND,
    lessons.START,
    lessons.END,
    *_ORDER,
    flags.FLAG,
    notes.ANSWER,
    *_MARK,
    *_HANDS,
    *_POLLS,
    announcing.SEND,
    progress.PROGRESS,
    progress.REMIND,
    correcting.CORRECT,
    correcting.WITHDRAW,
    reading.READ,
    reading.MARK,
    reading.COUNT,
    reading.RECEIPTS,
)
_READ = (reading.READ, reading.MARK, reading.COUNT, acknowledging.ACKNOWLEDGE, acknowledging.READ)
_OWN = (announcing.SEND_TO, announcing.CANCEL, announcing.PLANS, announcing.REACH, reading.READ, reading.MARK)

ROLE = Role(
    "teacher",
    "teachers",
    "Teachers, in their classes.",
    {
        "class": rule(*_IN_CLASS),
        "staff": rule(
            register.CORRECT,
            flags.SEE,
            flags.CLOSE,
            notes.ANSWER,
            notes.CLOSE,
            reading.READ,
            reading.MARK,
            reading.COUNT,
        ),
        "role:teachers": rule(*_READ, counted=True),
        "school": rule(*_READ, counted=True),
        "user:me": rule(*_OWN, search.FIND),
        "announcement": rule(reading.READ),
    },
    is_staff=True,
    drain_rank=1,
)
