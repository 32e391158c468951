"""The live chat of a class: messages, kept, and who is typing, not kept."""

from typing import Annotated

import msgspec

from channels.action import PUSH_ID_PATTERN, Action, Append, Flash, Push, not_blank
from channels.limit import MAX_TEXT_CHARACTERS

SENT = "message:sent"
TYPING = "typing:started"


class MessageSend(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`message:send`: a text of at most 4,000 characters; `id` is the client's own, for retries."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_TEXT_CHARACTERS)]
    id: Annotated[str, msgspec.Meta(pattern=PUSH_ID_PATTERN)] | None = None


class TypingStart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`typing:start`: the member has begun to write; it counts for 5 seconds."""


def _send(push: Push[MessageSend]) -> Append:
    message = {"text": not_blank(push.payload.text), "author": push.member.user}
    if push.payload.id is not None:
        message["id"] = push.payload.id
    return Append(SENT, message, push.payload.id)


def _type(push: Push[TypingStart]) -> Flash:
    return Flash(TYPING, {"user": push.member.user})


SEND = Action("message:send", MessageSend, _send)
TYPE = Action("typing:start", TypingStart, _type)
