"""The principal: what they may join and do, and what else is true of them. A class sees that they are there."""

from channels.lesson import (
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

_AMEND = (amending.EDIT, amending.HIDE, amending.RESTORE_ANY, originals.OPEN)
_MARK = (reactions.REACT, reactions.UNREACT, pins.PIN, pins.UNPIN)
_ORDER = (lock.LOCK, lock.UNLOCK, slow.SLOW, mute.MUTE, mute.UNMUTE, hours.SET, hours.READ)
_HANDS = (hands.LOWER, hands.CALL, hands.CLEAR)
_POLLS = (polls.OPEN, polls.CLOSE, polls.VOTES)
_ANNOUNCE = (
    announcing.SEND,
    progress.PROGRESS_ANY,
    progress.REMIND_ANY,
    correcting.CORRECT,
    correcting.WITHDRAW_ANY,
    reading.READ,
    reading.MARK,
    reading.COUNT,
    reading.RECEIPTS,
)
_OWN = (announcing.SEND_TO, announcing.CANCEL, announcing.PLANS, announcing.REACH, reading.READ, reading.MARK)

ROLE = Role(
    "principal",
    "principal",
    "The principal, in every class.",
    {
        "class": rule(
            chat.SEND,
            chat.TYPE,
            *_AMEND,
            lessons.START,
            lessons.END,
            *_MARK,
            *_ORDER,
            flags.FLAG,
            notes.ANSWER,
            *_HANDS,
            *_POLLS,
            *_ANNOUNCE,
        ),
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
        "role:students": rule(*_ANNOUNCE),
        "role:teachers": rule(*_ANNOUNCE),
        "school": rule(*_ANNOUNCE),
        "principals": rule(flags.SEE, flags.CLOSE, reading.READ, reading.MARK, reading.COUNT),
        "user:me": rule(*_OWN, search.FIND),
        "announcement": rule(reading.READ),
        "dashboard": rule(),
    },
    is_staff=True,
    drain_rank=2,  # last: the principal watches the drain, too
    sees_all_classes=True,
    reads_audit=True,
)
