"""Notes: what a student writes to the teachers of the class and to nobody else, and what these answer.

    note:send {text} by a student          -> note:sent in the student's own topic, and in class:<id>:staff
    note:send {text, user} by staff        -> the same

Each student has one thread in each class, with all of its staff; no student sees another's. The state of the staff's
topic says whose last note waits for an answer: until somebody of the staff answers, or closes it without.
"""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from channels.errors import Code, Refused
from channels.event import Delivery, EventType
from channels.field import Identity, Milliseconds, Position, PushId, ShownText, Text, TopicName
from channels.lesson.feature import Action, Append, Appended, Effect, Feature, Push, Several, not_blank
from channels.limit import STATE_NOTES
from channels.member import User
from channels.topics.kind import CLASS, CLASS_STAFF, USER, class_staff_topic, user_topic
from channels.wire.codec import Event


class NoteSend(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Write to the teachers of the class; as staff to one of its students, whose id is `user`."""

    text: Text
    user: Identity | None = None
    id: PushId | None = None


class NoteClose(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The student's notes up to this one, the newest, need no answer."""

    target: Position
    id: PushId | None = None


class NoteSent(msgspec.Struct, frozen=True):
    """`author` writes in the thread that the student `user` has with the staff of `topic`, a class.

    There is no text where one of them was erased (`person:erased`).
    """

    text: ShownText
    topic: TopicName
    user: User
    author: User
    id: PushId | UnsetType = UNSET


class NoteClosed(msgspec.Struct, frozen=True):
    """The student's notes up to the one at `target` need no answer."""

    target: Position
    author: User
    id: PushId | UnsetType = UNSET


class Waiting(msgspec.Struct, frozen=True):
    """A student whose notes wait for an answer: how many, and the newest one's position and time."""

    user: User
    count: Annotated[int, msgspec.Meta(ge=1, examples=[1])]
    seq: Position
    at: Milliseconds


class _Sent(NoteSent, frozen=True):
    seq: Position = 0
    at: Milliseconds = 0


SENT = EventType("note:sent", NoteSent, Delivery.DURABLE, (CLASS_STAFF.wire, USER.wire))
CLOSED = EventType("note:closed", NoteClosed, Delivery.DURABLE)


# What pushes do


def _send(push: Push[NoteSend]) -> Effect[Appended]:
    given, me = push.payload, push.member.user
    if given.user is not None:
        raise Refused(Code.BAD_PAYLOAD, "a student's note is for the teachers of the class: leave out `user`")
    sent = NoteSent(not_blank(given.text), push.topic.wire_name, me, me, given.id or UNSET)
    return Several(Append(SENT, sent, _own_topic(push)), (Append(SENT, sent, _staff_topic(push)),))


async def _answer(push: Push[NoteSend]) -> Effect[Appended]:
    given, room = push.payload, CLASS.address(push.topic.address.number)
    if given.user is None:
        raise Refused(Code.BAD_PAYLOAD, "`user` must say which student the note is for")
    text = not_blank(given.text)
    students, _ = await push.authority.audience(room, push.counted(room), [given.user])
    if not students:
        raise Refused(Code.FORBIDDEN, "this user is no student of the class")
    (student,) = students
    sent = NoteSent(text, room.wire_name, student, push.member.user, given.id or UNSET)
    return Several(Append(SENT, sent, _staff_topic(push)), (Append(SENT, sent, user_topic(student.id)),))


def _close(push: Push[NoteClose]) -> Append[NoteClosed]:
    given = push.payload
    if not push.state(Notes).waits(given.target):
        raise Refused(Code.FORBIDDEN, "no student's newest note waits at this position")
    return Append(CLOSED, NoteClosed(given.target, push.member.user, given.id or UNSET))


def _own_topic(push: Push[Any]) -> str:
    return user_topic(push.member.user.id)


def _staff_topic(push: Push[Any]) -> str:
    return class_staff_topic(push.topic.address.number)


# By students; the staff's own is an action of the same event.
SEND = Action("note:send", NoteSend, _send, Appended, emits=(SENT,), stores_in=_own_topic)
ANSWER = Action("note:send", NoteSend, _answer, Appended, emits=(SENT,), stores_in=_staff_topic)
CLOSE = Action("note:close", NoteClose, _close, Appended, emits=(CLOSED,))


# What they add up to


class Notes(Feature[list[Waiting]]):
    """The students whose notes wait for an answer, by their first one; past the bound the first are left out."""

    __slots__ = ("_waiting",)

    name = "notes"
    events = (SENT, CLOSED)
    saved = list[Waiting]

    def __init__(self) -> None:
        self._waiting: dict[int, Waiting] = {}

    def apply(self, event: Event) -> None:
        """Fold one event."""
        if event.event == CLOSED.name:
            self._close(msgspec.json.decode(event.payload, type=NoteClosed).target)
            return
        sent = msgspec.json.decode(event.payload, type=_Sent)
        if sent.author.id == sent.user.id:
            self._wait(sent)
        else:
            self._waiting.pop(sent.user.id, None)

    def _wait(self, sent: _Sent) -> None:
        before = self._waiting.get(sent.user.id)
        count = before.count if before is not None else 0
        self._waiting[sent.user.id] = Waiting(sent.user, count + 1, sent.seq, sent.at)
        if len(self._waiting) > STATE_NOTES:
            del self._waiting[next(iter(self._waiting))]

    def _close(self, target: int) -> None:
        # A student who has written again meanwhile still waits.
        self._waiting = {id_: each for id_, each in self._waiting.items() if each.seq != target}

    def waits(self, seq: int) -> bool:
        """Tell whether a student's newest note is at this position and waits for an answer."""
        return any(each.seq == seq for each in self._waiting.values())

    def view(self) -> list[Waiting]:
        """Return the students who wait."""
        return [*self._waiting.values()]

    def dump(self) -> list[Waiting]:
        """Return the state, for a snapshot."""
        return self.view()

    def load(self, saved: list[Waiting]) -> None:
        """Take over the state of a snapshot."""
        self._waiting = {each.user.id: each for each in saved}
