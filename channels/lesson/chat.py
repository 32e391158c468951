"""The live chat of a class: messages, kept, and who is typing, not kept."""

import msgspec
from msgspec import UNSET, UnsetType

from channels.event import Delivery, EventType, Nothing
from channels.field import PushId, Text
from channels.lesson.feature import Action, Append, Appended, Flash, Push, not_blank
from channels.member import User


class MessageSend(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text to the class."""

    text: Text
    id: PushId | None = None


class MessageSent(msgspec.Struct, frozen=True):
    """What somebody has said to the class."""

    text: Text
    author: User
    id: PushId | UnsetType = UNSET


class TypingStart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The member has begun to write; it counts for 5 seconds."""


class TypingStarted(msgspec.Struct, frozen=True):
    """Somebody has begun to write; it counts for 5 seconds."""

    user: User


SENT = EventType("message:sent", MessageSent, Delivery.DURABLE)
TYPING = EventType("typing:started", TypingStarted, Delivery.EPHEMERAL)


def _send(push: Push[MessageSend]) -> Append[MessageSent]:
    text, push_id = not_blank(push.payload.text), push.payload.id
    return Append(SENT, MessageSent(text, push.member.user, push_id or UNSET), push_id)


def _type(push: Push[TypingStart]) -> Flash[TypingStarted]:
    return Flash(TYPING, TypingStarted(push.member.user))


SEND = Action("message:send", MessageSend, _send, Appended, emits=(SENT,))
TYPE = Action("typing:start", TypingStart, _type, Nothing, emits=(TYPING,))
