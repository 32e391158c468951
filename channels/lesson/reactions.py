"""Reactions to messages: one of six emoji, from each user once.

    message:react {target, emoji} -> message:reacted, and in the same transaction the message lists who has reacted

A class reacts all at once. So these events govern nothing: no push of the class has to run again because of them.
"""

import msgspec
from msgspec import UNSET, UnsetType

from channels.errors import Code, Refused
from channels.event import Delivery, EventType, Stored
from channels.field import Position, PushId
from channels.lesson import chat
from channels.lesson.chat import Emoji, MessageSent, Reaction, read_message
from channels.lesson.feature import Action, Append, Appended, Push
from channels.limit import MAX_REACTIONS
from channels.member import User


class MessageReact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """React to a message; each user once with each emoji."""

    target: Position
    emoji: Emoji
    id: PushId | None = None


class MessageUnreact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Take one's own reaction back."""

    target: Position
    emoji: Emoji
    id: PushId | None = None


class MessageReacted(msgspec.Struct, frozen=True):
    """The user has reacted to the message at `target`."""

    target: Position
    emoji: Emoji
    author: User
    id: PushId | UnsetType = UNSET


class MessageUnreacted(msgspec.Struct, frozen=True):
    """The user has taken back a reaction to the message at `target`."""

    target: Position
    emoji: Emoji
    author: User
    id: PushId | UnsetType = UNSET


def _reacted(event: Stored, earlier: Stored) -> bytes | None:
    return _changed(event, earlier, is_on=True)


def _unreacted(event: Stored, earlier: Stored) -> bytes | None:
    return _changed(event, earlier, is_on=False)


def _changed(event: Stored, earlier: Stored, *, is_on: bool) -> bytes | None:
    if earlier.event != chat.SENT.name:
        return None
    change = msgspec.json.decode(event.payload, type=MessageReacted)
    if earlier.seq != change.target:
        return None
    sent = msgspec.json.decode(earlier.payload, type=MessageSent)
    users = {each.emoji: each.users for each in sent.reactions or ()}
    # Also where two devices react at once, the user is listed once.
    others = [user for user in users.get(change.emoji, ()) if user.id != change.author.id]
    users[change.emoji] = [*others, change.author] if is_on else others
    reactions = [Reaction(emoji, users[emoji]) for emoji in chat.EMOJI if users.get(emoji)]
    return msgspec.json.encode(msgspec.structs.replace(sent, reactions=reactions or UNSET))


REACTED = EventType("message:reacted", MessageReacted, Delivery.DURABLE, annotates=_reacted)
UNREACTED = EventType("message:unreacted", MessageUnreacted, Delivery.DURABLE, annotates=_unreacted)


async def _react(push: Push[MessageReact]) -> Append[MessageReacted]:
    given, me = push.payload, push.member.user
    message = await read_message(push, given.target)
    if message.hidden is not UNSET:
        raise Refused(Code.FORBIDDEN, "the message is hidden")
    if _has(message, given.emoji, me):
        raise Refused(Code.FORBIDDEN, "you have reacted so already")
    if sum(len(each.users) for each in message.reactions or ()) >= MAX_REACTIONS:
        raise Refused(Code.FORBIDDEN, "the message has as many reactions as it can have")
    return Append(REACTED, MessageReacted(given.target, given.emoji, me, given.id or UNSET), about=given.target)


async def _unreact(push: Push[MessageUnreact]) -> Append[MessageUnreacted]:
    given, me = push.payload, push.member.user
    if not _has(await read_message(push, given.target), given.emoji, me):
        raise Refused(Code.FORBIDDEN, "you have not reacted so")
    return Append(UNREACTED, MessageUnreacted(given.target, given.emoji, me, given.id or UNSET), about=given.target)


def _has(message: MessageSent, emoji: Emoji, user: User) -> bool:
    return any(each.emoji == emoji and user.id in [one.id for one in each.users] for each in message.reactions or ())


REACT = Action("message:react", MessageReact, _react, Appended, emits=(REACTED,))
UNREACT = Action("message:unreact", MessageUnreact, _unreact, Appended, emits=(UNREACTED,))
