"""The live chat of a class: messages, kept, and who is typing, not kept."""

import msgspec
from msgspec import UNSET, UnsetType

from channels.event import Delivery, EventType, Nothing
from channels.field import Milliseconds, PushId, Reason, ShownText, Text
from channels.lesson.feature import Action, Append, Appended, Publish, Push, not_blank
from channels.member import User


class MessageSend(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text to the class."""

    text: Text
    id: PushId | None = None


class Hidden(msgspec.Struct, frozen=True):
    """Who has hidden a message, and why; its author, where it was deleted."""

    by: User
    reason: Reason | UnsetType = UNSET


class MessageSent(msgspec.Struct, frozen=True):
    """What somebody has said to the class, as it is now: `edited` says when it was changed; where `hidden`, no text."""

    text: ShownText
    author: User
    id: PushId | UnsetType = UNSET
    edited: Milliseconds | UnsetType = UNSET
    hidden: Hidden | UnsetType = UNSET


class TypingStart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The member has begun to write; it counts for 5 seconds."""


class TypingStarted(msgspec.Struct, frozen=True):
    """Somebody has begun to write; it counts for 5 seconds."""

    user: User


SENT = EventType("message:sent", MessageSent, Delivery.DURABLE, counted=True)
TYPING = EventType("typing:started", TypingStarted, Delivery.EPHEMERAL)


def _send(push: Push[MessageSend]) -> Append[MessageSent]:
    given = push.payload
    return Append(SENT, MessageSent(not_blank(given.text), push.member.user, given.id or UNSET))


def _type(push: Push[TypingStart]) -> Publish[TypingStarted]:
    return Publish(TYPING, TypingStarted(push.member.user))


SEND = Action("message:send", MessageSend, _send, Appended, emits=(SENT,))
TYPE = Action("typing:start", TypingStart, _type, Nothing, emits=(TYPING,))
