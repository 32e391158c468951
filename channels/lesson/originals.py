"""The former texts of a message that was edited or hidden: staff may open them, and each opening is recorded first."""

from collections.abc import Iterable, Iterator

import msgspec

from channels.field import Milliseconds, Position, PushId, Text
from channels.lesson import amending, chat
from channels.lesson.feature import Action, Push, Record, Reply
from channels.limit import MAX_EDITS
from channels.member import User
from channels.wire.codec import Event


class MessageOriginal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Open the former texts of a message. The opening is recorded in the school's audit log."""

    target: Position
    id: PushId | None = None


class FormerText(msgspec.Struct, frozen=True):
    """A text that the message had; `by` is who has edited or hidden it, and `at` when."""

    text: Text
    by: User
    at: Milliseconds


class Originals(msgspec.Struct, frozen=True):
    """The former texts of the message at `target`, oldest first; empty where it was never edited or hidden."""

    target: Position
    author: User
    versions: tuple[FormerText, ...]


class _Former(msgspec.Struct, frozen=True):
    text: str


class _Amendment(msgspec.Struct, frozen=True):
    author: User
    at: int


async def _open(push: Push[MessageOriginal]) -> Record[Originals] | Reply[Originals]:
    target, topic = push.payload.target, push.topic.name
    author = (await chat.read_message(push, target)).author
    # Texts change by edits only: of the times that the message was hidden, the last one has what no edit has replaced.
    edited = await push.journal.versions(topic, target, amending.EDITED.name, MAX_EDITS)
    hidden = await push.journal.versions(topic, target, amending.HIDDEN.name, 1)
    in_order = sorted([*edited, *hidden], key=lambda each: each[0].seq)
    opened = Originals(target, author, tuple(_distinct(_former_text(*each) for each in in_order)))
    return Record(OPEN.event, target, author.id, opened) if opened.versions else Reply(opened)


def _former_text(event: Event, payload: bytes) -> FormerText:
    amendment = msgspec.json.decode(event.payload, type=_Amendment)
    return FormerText(msgspec.json.decode(payload, type=_Former).text, amendment.author, amendment.at)


def _distinct(texts: Iterable[FormerText]) -> Iterator[FormerText]:
    """Leave out a text that went twice, the first time: it was hidden, shown again, and edited or hidden later."""
    last: FormerText | None = None
    for each in texts:
        if last is not None and last.text != each.text:
            yield last
        last = each
    if last is not None:
        yield last


OPEN = Action("message:original", MessageOriginal, _open, Originals)
