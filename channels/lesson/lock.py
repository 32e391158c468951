"""A locked chat: students cannot write to the class, and where staff leave that open they can still write to staff.

chat:lock {notes} -> chat:locked -> rule: no student's message has a later position
chat:unlock       -> chat:unlocked
"""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from channels.errors import Code, Refused
from channels.event import Delivery, EventType
from channels.field import Milliseconds, PushId
from channels.lesson.feature import Action, Append, Appended, Feature, Push
from channels.lesson.speech import TO_CLASS, TO_STAFF
from channels.member import User
from channels.wire.codec import Event


class ChatLock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Lock the chat for students; with `notes` they can still write to their teachers. A second lock replaces it."""

    notes: bool = False
    id: PushId | None = None


class ChatUnlock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Unlock the chat."""

    id: PushId | None = None


class ChatLocked(msgspec.Struct, frozen=True):
    """Students cannot write to the class; with `notes` they can write to their teachers."""

    notes: bool
    author: User
    id: PushId | UnsetType = UNSET


class ChatUnlocked(msgspec.Struct, frozen=True):
    """Students can write to the class again."""

    author: User
    id: PushId | UnsetType = UNSET


class Locked(msgspec.Struct, frozen=True):
    """The chat is locked: since when, by whom, and whether students can write to their teachers."""

    notes: bool
    author: User
    at: Milliseconds


LOCKED = EventType("chat:locked", ChatLocked, Delivery.DURABLE, governs=True, audited=True)
UNLOCKED = EventType("chat:unlocked", ChatUnlocked, Delivery.DURABLE, governs=True, audited=True)


def _lock(push: Push[ChatLock]) -> Append[ChatLocked]:
    return Append(LOCKED, ChatLocked(push.payload.notes, push.member.user, push.payload.id or UNSET))


def _unlock(push: Push[ChatUnlock]) -> Append[ChatUnlocked]:
    return Append(UNLOCKED, ChatUnlocked(push.member.user, push.payload.id or UNSET))


LOCK = Action("chat:lock", ChatLock, _lock, Appended, emits=(LOCKED,))
UNLOCK = Action("chat:unlock", ChatUnlock, _unlock, Appended, emits=(UNLOCKED,))


class Lock(Feature[Locked | None]):
    """Whether the chat is locked, and how."""

    __slots__ = ("locked",)

    name = "lock"
    events = (LOCKED, UNLOCKED)
    saved = Locked | None

    def __init__(self) -> None:
        self.locked: Locked | None = None

    def apply(self, event: Event) -> None:
        """Take over the newest lock, or that it has ended."""
        is_lock = event.event == LOCKED.name
        self.locked = msgspec.json.decode(event.payload, type=Locked) if is_lock else None

    def view(self) -> Locked | None:
        """Return the lock; None while the chat is open."""
        return self.locked

    def dump(self) -> Locked | None:
        """Return the lock."""
        return self.locked

    def load(self, saved: Locked | None) -> None:
        """Take over a lock."""
        self.locked = saved

    def rule(self, push: Push[Any], action: Action[Any, Any]) -> None:
        """Refuse what students write while the chat is locked."""
        if self.locked is None or push.is_staff:
            return
        if action.event in TO_CLASS or (action.event in TO_STAFF and not self.locked.notes):
            raise Refused(Code.LOCKED, "the chat is locked")
