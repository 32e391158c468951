"""Messages that change: edited by their author, hidden by their author or by staff, restored.

    message:hide {target} -> message:hidden, and in the same transaction the target's text goes to the former versions

An amended message keeps its position. Its words are then in no event of the topic, whether read from the journal or
from memory: the replies and pins that quote it and the earlier events about it are amended with it. A client that was
away gets the event; one that reads on from before gets the amended message.
"""

import msgspec
from msgspec import UNSET, UnsetType

from channels.errors import Code, Refused
from channels.event import Delivery, EventType, Stored
from channels.field import Milliseconds, Position, PushId, Reason, ShownText, Text
from channels.lesson import chat
from channels.lesson.chat import Hidden, MessageSent, Quote, read_message
from channels.lesson.feature import Action, Append, Appended, Push, not_blank
from channels.limit import MAX_EDITS
from channels.member import User

# Long enough for a typing mistake; later a change would rewrite what others have answered.
EDIT_MS = 5 * 60_000


class MessageEdit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Replace the text of one's own message, at most 5 minutes old."""

    target: Position
    text: Text
    id: PushId | None = None


class MessageHide(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hide a message: one's own, or as staff anybody's."""

    target: Position
    reason: Reason | None = None
    id: PushId | None = None


class MessageRestore(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Show a hidden message again: the user who has hidden it may, and a principal."""

    target: Position
    id: PushId | None = None


class MessageEdited(msgspec.Struct, frozen=True):
    """The message at `target` has another text; empty where the message was hidden later."""

    target: Position
    text: ShownText
    author: User
    id: PushId | UnsetType = UNSET


class MessageHidden(msgspec.Struct, frozen=True):
    """The text of the message at `target` is hidden."""

    target: Position
    author: User
    reason: Reason | UnsetType = UNSET
    id: PushId | UnsetType = UNSET


class MessageRestored(msgspec.Struct, frozen=True):
    """The message at `target` is shown again; the text is empty where the message was hidden later."""

    target: Position
    text: ShownText
    author: User
    id: PushId | UnsetType = UNSET


class _Edited(MessageEdited, frozen=True):
    at: Milliseconds = 0


class _Reference(msgspec.Struct, frozen=True):
    target: Position = 0
    reply_to: Position = 0


# What amending events make of earlier ones


def _edited(event: Stored, earlier: Stored) -> bytes | None:
    edited = msgspec.json.decode(event.payload, type=_Edited)
    return _changed(earlier, edited.target, edited.text, UNSET, edited.at)


def _hidden(event: Stored, earlier: Stored) -> bytes | None:
    hidden = msgspec.json.decode(event.payload, type=MessageHidden)
    return _changed(earlier, hidden.target, "", Hidden(hidden.author, hidden.reason))


def _restored(event: Stored, earlier: Stored) -> bytes | None:
    restored = msgspec.json.decode(event.payload, type=MessageRestored)
    return _changed(earlier, restored.target, restored.text, UNSET)


def _changed(
    earlier: Stored,
    target: int,
    text: str,
    hidden: Hidden | UnsetType,
    edited: int | UnsetType = UNSET,
) -> bytes | None:
    if earlier.seq == target and earlier.event == chat.SENT.name:
        sent = msgspec.json.decode(earlier.payload, type=MessageSent)
        edited = sent.edited if edited is UNSET else edited
        return msgspec.json.encode(msgspec.structs.replace(sent, text=text, edited=edited, hidden=hidden))
    kind = _WITH_TEXT.get(earlier.event)
    if kind is None and b'"quote":' not in earlier.payload:
        return None
    reference = msgspec.json.decode(earlier.payload, type=_Reference)
    if target not in (reference.target, reference.reply_to):
        return None
    return _requoted(earlier, text) if kind is None else _with_text(earlier, kind, text)


def _with_text(earlier: Stored, kind: type[MessageEdited | MessageRestored], text: str) -> bytes:
    about = msgspec.json.decode(earlier.payload, type=kind)
    return msgspec.json.encode(msgspec.structs.replace(about, text=text))


def _requoted(earlier: Stored, text: str) -> bytes | None:
    fields = msgspec.json.decode(earlier.payload, type=dict[str, msgspec.Raw])
    if "quote" not in fields:  # of some inner object
        return None
    quote = msgspec.json.decode(fields["quote"], type=Quote)
    fields["quote"] = msgspec.Raw(msgspec.json.encode(Quote(quote.author, chat.shortened(text))))
    return msgspec.json.encode({name: value for name, value in fields.items() if name not in ("seq", "at")})


EDITED = EventType("message:edited", MessageEdited, Delivery.DURABLE, governs=True, amends=_edited)
HIDDEN = EventType("message:hidden", MessageHidden, Delivery.DURABLE, governs=True, amends=_hidden, audited=True)
RESTORED = EventType(
    "message:restored", MessageRestored, Delivery.DURABLE, governs=True, amends=_restored, audited=True
)

_WITH_TEXT: dict[str, type[MessageEdited | MessageRestored]] = {
    EDITED.name: MessageEdited,
    RESTORED.name: MessageRestored,
}


# What pushes do


async def _edit(push: Push[MessageEdit]) -> Append[MessageEdited]:
    given, me = push.payload, push.member.user
    text = not_blank(given.text)
    message = await read_message(push, given.target)
    if message.author.id != me.id:
        raise Refused(Code.FORBIDDEN, "only its author may edit a message")
    if push.at - message.at > EDIT_MS:
        raise Refused(Code.FORBIDDEN, f"a message can be edited for {EDIT_MS // 60_000} minutes")
    if message.hidden is not UNSET:
        raise Refused(Code.FORBIDDEN, "the message is hidden")
    if len(await push.journal.about(push.topic.name, given.target, [EDITED.name], MAX_EDITS)) == MAX_EDITS:
        raise Refused(Code.FORBIDDEN, f"a message can be edited {MAX_EDITS} times")
    return Append(EDITED, MessageEdited(given.target, text, me, given.id or UNSET), about=given.target)


async def _hide(push: Push[MessageHide]) -> Append[MessageHidden]:
    given, me = push.payload, push.member.user
    message = await read_message(push, given.target)
    if message.author.id != me.id and not push.is_staff:
        raise Refused(Code.FORBIDDEN, "only its author and staff may hide a message")
    if message.hidden is not UNSET:
        raise Refused(Code.FORBIDDEN, "the message is hidden already")
    hidden = MessageHidden(given.target, me, given.reason or UNSET, given.id or UNSET)
    return Append(HIDDEN, hidden, about=given.target)


async def _restore_own(push: Push[MessageRestore]) -> Append[MessageRestored]:
    return await _restore(push, of_anybody=False)


async def _restore_any(push: Push[MessageRestore]) -> Append[MessageRestored]:
    return await _restore(push, of_anybody=True)


async def _restore(push: Push[MessageRestore], *, of_anybody: bool) -> Append[MessageRestored]:
    given, me = push.payload, push.member.user
    message = await read_message(push, given.target)
    if message.hidden is UNSET:
        raise Refused(Code.FORBIDDEN, "the message is not hidden")
    if message.hidden.by.id != me.id and not of_anybody:
        raise Refused(Code.FORBIDDEN, "only a principal and the user who has hidden a message may restore it")
    (hiding,) = await push.journal.about(push.topic.name, given.target, [HIDDEN.name], 1)
    former = await push.journal.version(push.topic.name, given.target, hiding.seq)
    if former is None:
        raise Refused(Code.FORBIDDEN, "the message's former text is not kept any more")
    text = msgspec.json.decode(former, type=MessageSent).text
    return Append(RESTORED, MessageRestored(given.target, text, me, given.id or UNSET), about=given.target)


EDIT = Action("message:edit", MessageEdit, _edit, Appended, emits=(EDITED,))
HIDE = Action("message:hide", MessageHide, _hide, Appended, emits=(HIDDEN,))
RESTORE = Action("message:restore", MessageRestore, _restore_own, Appended, emits=(RESTORED,))
RESTORE_ANY = Action("message:restore", MessageRestore, _restore_any, Appended, emits=(RESTORED,))
