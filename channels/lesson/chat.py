"""The live chat of a class: messages, kept, and who is typing, not kept.

    message:send {text, reply_to?, mentions?} -> message:sent, and message:mentioned on `user:me` of each user mentioned

A reply carries a quote of the message that it answers. What amends that message changes the quote (`amending`).
"""

from collections.abc import Awaitable
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import UNSET, UnsetType

from channels.errors import Code, Refused
from channels.event import Delivery, EventType, Nothing
from channels.field import Identity, Milliseconds, Position, PushId, QuotedText, Reason, ShownText, Text, TopicName
from channels.lesson.feature import Action, Append, Appended, Effect, Publish, Push, Several, not_blank
from channels.limit import MAX_MENTIONS, MAX_QUOTE_CHARACTERS, MAX_QUOTES
from channels.member import STUDENT, TEACHER, User
from channels.topics.kind import USER, user_topic

# None of them can be used to laugh at somebody.
Emoji = Literal["👍", "❤️", "🎉", "💡", "🤔", "✅"]
EMOJI: tuple[Emoji, ...] = get_args(Emoji)


class MessageSend(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text to the class, which may answer the message at `reply_to`, and mention members of the class."""

    text: Text
    reply_to: Position | None = None
    mentions: Annotated[list[Identity], msgspec.Meta(max_length=MAX_MENTIONS, examples=[[12]])] = []
    id: PushId | None = None


class Hidden(msgspec.Struct, frozen=True):
    """Who has hidden a message, and why; its author, where it was deleted."""

    by: User
    reason: Reason | UnsetType = UNSET


class Quote(msgspec.Struct, frozen=True):
    """Another message as it is now."""

    author: User
    text: QuotedText


class Reaction(msgspec.Struct, frozen=True):
    """Who has reacted to a message in this way, in the order in which they did."""

    emoji: Emoji
    users: list[User]


class MessageSent(msgspec.Struct, frozen=True):
    """What somebody has said to the class, as it is now.

    `edited` says when it was changed; where `hidden`, there is no text. A reply has the position of what it answers,
    and a quote of it, unless very many have answered that.
    """

    text: ShownText
    author: User
    id: PushId | UnsetType = UNSET
    edited: Milliseconds | UnsetType = UNSET
    hidden: Hidden | UnsetType = UNSET
    reply_to: Position | UnsetType = UNSET
    quote: Quote | UnsetType = UNSET
    mentions: list[User] | UnsetType = UNSET
    reactions: list[Reaction] | UnsetType = UNSET


class MessageMentioned(msgspec.Struct, frozen=True):
    """The message at the position `target` of `topic`, by `author`, mentions the user."""

    topic: TopicName
    author: User
    target: Position | UnsetType = UNSET  # the position of the message is known only when both are stored


class TypingStart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The member has begun to write; it counts for 5 seconds."""


class TypingStarted(msgspec.Struct, frozen=True):
    """Somebody has begun to write; it counts for 5 seconds."""

    user: User


SENT = EventType("message:sent", MessageSent, Delivery.DURABLE, counted=True, found_by=lambda sent: sent.text)
MENTIONED = EventType("message:mentioned", MessageMentioned, Delivery.DURABLE, topics=(USER.wire,))
TYPING = EventType("typing:started", TypingStarted, Delivery.EPHEMERAL)


class StoredMessage(MessageSent, frozen=True):
    """A message as it is read from the journal."""

    seq: Position = 0
    at: Milliseconds = 0

    def quote_now(self) -> Quote:
        """Return what another event quotes of it."""
        return Quote(self.author, shortened(self.text))


def shortened(text: str) -> str:
    """Return a text as a quote shows it."""
    return text if len(text) <= MAX_QUOTE_CHARACTERS else f"{text[: MAX_QUOTE_CHARACTERS - 1]}…"


async def read_message(push: Push[Any], position: int) -> StoredMessage:
    """Read a message of the push's topic; raises `Refused` (BAD_PAYLOAD) where there is none at this position."""
    event = await push.journal.at(push.topic.name, position)
    if event is None or event.event != SENT.name:
        raise Refused(Code.BAD_PAYLOAD, "there is no message at this position")
    return msgspec.json.decode(event.payload, type=StoredMessage)


def _send(push: Push[MessageSend]) -> Effect[Appended] | Awaitable[Effect[Appended]]:
    given = push.payload
    sent = MessageSent(not_blank(given.text), push.member.user, given.id or UNSET)
    if given.reply_to is None and not given.mentions:
        return Append(SENT, sent)
    return _refer(push, sent)


async def _refer(push: Push[MessageSend], sent: MessageSent) -> Effect[Appended]:
    target, mentioned = push.payload.reply_to, await _mentioned(push)
    if mentioned:
        sent = msgspec.structs.replace(sent, mentions=mentioned)
    if target is not None:
        sent = msgspec.structs.replace(sent, reply_to=target, quote=await _quote(push, target))
    notices = [_notice(push, user) for user in mentioned if user.id != push.member.user.id]
    return Several(Append(SENT, sent, about=target if sent.quote is not UNSET else None), tuple(notices))


async def _mentioned(push: Push[MessageSend]) -> list[User]:
    wanted = list(dict.fromkeys(push.payload.mentions))
    if not wanted:
        return []
    found, _ = await push.authority.audience(push.topic.address, (STUDENT, TEACHER), wanted)
    if len(found) < len(wanted):
        raise Refused(Code.BAD_PAYLOAD, "only members of the class can be mentioned")
    return found


async def _quote(push: Push[MessageSend], target: int) -> Quote | UnsetType:
    message = await read_message(push, target)
    quotes = await push.journal.count_about(push.topic.name, target, MAX_QUOTES)
    return message.quote_now() if quotes < MAX_QUOTES else UNSET


def _notice(push: Push[MessageSend], user: User) -> Append[MessageMentioned]:
    mentioned = MessageMentioned(push.topic.wire_name, push.member.user)
    return Append(MENTIONED, mentioned, user_topic(user.id), names_first=True)


def _type(push: Push[TypingStart]) -> Publish[TypingStarted]:
    return Publish(TYPING, TypingStarted(push.member.user))


SEND = Action("message:send", MessageSend, _send, Appended, emits=(SENT, MENTIONED))
TYPE = Action("typing:start", TypingStart, _type, Nothing, emits=(TYPING,))
