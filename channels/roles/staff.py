"""What teachers and principals may do alike; it is no role of its own. Their files add what only one of them may do."""

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
    reactions,
    reading,
    register,
    search,
    slow,
)
from channels.lesson.rules import rule

READ = (reading.READ, reading.MARK, reading.COUNT)
ANNOUNCE = (announcing.SEND, correcting.CORRECT, *READ, reading.RECEIPTS)

IN_CLASS = (
    chat.SEND,
    chat.TYPE,
    *(amending.EDIT, amending.HIDE, originals.OPEN),
    *(reactions.REACT, reactions.UNREACT, pins.PIN, pins.UNPIN),
    *(lessons.START, lessons.END),
    *(lock.LOCK, lock.UNLOCK, slow.SLOW, mute.MUTE, mute.UNMUTE, hours.SET, hours.READ),
    *(hands.LOWER, hands.CALL, hands.CLEAR),
    *(polls.OPEN, polls.CLOSE, polls.VOTES),
    flags.FLAG,
    notes.ANSWER,
    *ANNOUNCE,
)

# What reads, and changes nothing.
IN_ENDED_CLASS = (*READ, reading.RECEIPTS, originals.OPEN, hours.READ, polls.VOTES, flags.SEE)

STAFF_TOPIC = rule(register.CORRECT, flags.SEE, flags.CLOSE, notes.ANSWER, notes.CLOSE, *READ)
OWN_TOPIC = rule(
    *(announcing.SEND_TO, announcing.CANCEL, announcing.PLANS, announcing.REACH),
    *(reading.READ, reading.MARK),
    search.FIND,
)
