"""What somebody missed who was absent from a lesson: its announcements, pinned messages, results of polls, messages.

    lesson:missed -> the lessons of the last two weeks in which the member was expected and not there

Pins and polls are read from the journal by the names of their events.
"""

from collections.abc import Sequence

import msgspec

from channels.field import Milliseconds, Position, Title
from channels.journal.journal import Journal
from channels.lesson import announcements, chat
from channels.lesson.attendance import HERE, Lesson, Thresholds
from channels.lesson.feature import Action, Push, Reply
from channels.lesson.register import lessons_of, lines_of
from channels.limit import MAX_COUNTED_UNREAD, MAX_MISSED_LESSONS, MAX_MISSED_OF_LESSON, MISSED_DAYS
from channels.member import User
from channels.wire.codec import Broadcast, Event, as_broadcast

_DAY = 24 * 3_600_000
# More are looked at than shown: of those that were attended nothing is read.
_LOOKED_AT = 4 * MAX_MISSED_LESSONS

PINNED, UNPINNED = "message:pinned", "message:unpinned"
POLL_CLOSED = "poll:closed"


class LessonMissed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Ask for what the member has missed by not being there."""


class MissedPoll(msgspec.Struct, frozen=True):
    """A poll of the lesson: the event that opened it, and the one that closed it, with its result."""

    opened: Broadcast
    closed: Broadcast


class MissedLesson(msgspec.Struct, frozen=True):
    """A lesson in which the member was not there; `messages`: how many others sent while it ran."""

    target: Position
    title: Title
    author: User
    since: Milliseconds
    until: Milliseconds
    announcements: list[Broadcast]
    pinned: list[Broadcast]
    polls: list[MissedPoll]
    messages: int


class Missed(msgspec.Struct, frozen=True):
    """The newest lessons that the member missed, the newest first; five at most, of the last 14 days."""

    lessons: list[MissedLesson]


async def _missed(push: Push[LessonMissed]) -> Reply[Missed]:
    journal, class_id, user_id = push.journal, push.topic.address.number, push.member.user.id
    lessons = [each for each in await lessons_of(journal, class_id, _LOOKED_AT) if _is_recent(each, push.at)]
    lines = await lines_of(journal, class_id, lessons, Thresholds(), push.at, user_id)
    absent = [lesson for lesson in lessons if any(line.mark not in HERE for line in lines[lesson.target])]
    found = [await _of(journal, push.topic.name, lesson, user_id) for lesson in absent[:MAX_MISSED_LESSONS]]
    return Reply(Missed(found))


def _is_recent(lesson: Lesson, now: int) -> bool:
    return lesson.until is not None and now - lesson.until <= MISSED_DAYS * _DAY


async def _of(journal: Journal, topic: str, lesson: Lesson, user_id: int) -> MissedLesson:
    assert lesson.until is not None
    assert lesson.end is not None
    kinds = [announcements.SENT.name, PINNED, UNPINNED, POLL_CLOSED]
    events = await journal.before(topic, lesson.end, 4 * MAX_MISSED_OF_LESSON, kinds)
    events = [event for event in events if event.seq > lesson.target]
    announced = [as_broadcast(event) for event in events if event.event == announcements.SENT.name]
    between = topic, lesson.target, lesson.end, MAX_COUNTED_UNREAD
    return MissedLesson(
        lesson.target,
        lesson.title,
        lesson.author,
        lesson.since,
        lesson.until,
        announced[-MAX_MISSED_OF_LESSON:],
        await _pinned(journal, topic, events),
        await _polls(journal, topic, events),
        await journal.count(*between, event=chat.SENT.name, not_by=user_id),
    )


class _About(msgspec.Struct, frozen=True):
    target: Position


def _target(event: Event) -> int:
    return msgspec.json.decode(event.payload, type=_About).target


async def _at(journal: Journal, topic: str, seq: int) -> Event | None:
    events = await journal.after(topic, seq - 1, 1)
    return events[0] if events and events[0].seq == seq else None


async def _pinned(journal: Journal, topic: str, events: Sequence[Event]) -> list[Broadcast]:
    # The messages as they are now: an amended one has its present text, a hidden one none.
    pinned: dict[int, None] = {}
    for event in events:
        if event.event == PINNED:
            pinned[_target(event)] = None
        elif event.event == UNPINNED:
            pinned.pop(_target(event), None)
    found = [await _at(journal, topic, seq) for seq in list(pinned)[-MAX_MISSED_OF_LESSON:]]
    return [as_broadcast(event) for event in found if event is not None]


async def _polls(journal: Journal, topic: str, events: Sequence[Event]) -> list[MissedPoll]:
    closed = [event for event in events if event.event == POLL_CLOSED][-MAX_MISSED_OF_LESSON:]
    pairs = [(await _at(journal, topic, _target(event)), event) for event in closed]
    return [MissedPoll(as_broadcast(opened), as_broadcast(event)) for opened, event in pairs if opened is not None]


MISSED = Action("lesson:missed", LessonMissed, _missed, Missed, reads=True)
