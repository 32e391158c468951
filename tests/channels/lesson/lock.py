"""A feature for tests: staff lock a class, and students cannot send while it is locked.

It has what a feature can have: governing events, a rule for another feature's pushes, a snapshot, and an action with
several effects (each lock is also recorded on its author's own topic).
"""

from dataclasses import replace
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from channels import lesson
from channels.errors import Code, Refused
from channels.event import Delivery, EventType
from channels.field import PushId
from channels.lesson import chat
from channels.lesson.feature import Action, Append, Appended, Feature, Notify, Push, Several
from channels.lesson.rules import TopicRule
from channels.member import User
from channels.roles import ROLES
from channels.topics.kind import CLASS, KINDS, user_topic
from channels.wire.codec import Event
from server.asyncapi import Tables


class LockSet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Lock the class, or unlock it."""

    id: PushId | None = None


class LockChanged(msgspec.Struct, frozen=True):
    """The class was locked or unlocked."""

    user: User
    id: PushId | UnsetType = UNSET


class LockNoted(msgspec.Struct, frozen=True):
    """The user has locked a class."""

    topic: str


class LockTold(msgspec.Struct, frozen=True):
    """The user has locked a class, on this connection or another one."""

    topic: str


LOCKED = EventType("lock:locked", LockChanged, Delivery.DURABLE, governs=True)
UNLOCKED = EventType("lock:unlocked", LockChanged, Delivery.DURABLE, governs=True)
NOTED = EventType("lock:noted", LockNoted, Delivery.DURABLE, ("user:me",))
TOLD = EventType("lock:told", LockTold, Delivery.EPHEMERAL, ("user:me",))


def _lock(push: Push[LockSet]) -> Several[Appended]:
    user_id, noted = push.member.user.id, LockNoted(push.topic.wire_name)
    locked = Append(LOCKED, LockChanged(push.member.user, push.payload.id or UNSET))
    return Several(
        locked, (Append(NOTED, noted, user_topic(user_id)), Notify(user_id, TOLD, LockTold(push.topic.wire_name)))
    )


def _unlock(push: Push[LockSet]) -> Append[LockChanged]:
    return Append(UNLOCKED, LockChanged(push.member.user, push.payload.id or UNSET))


LOCK = Action("lock:set", LockSet, _lock, Appended, emits=(LOCKED, NOTED, TOLD))
UNLOCK = Action("lock:clear", LockSet, _unlock, Appended, emits=(UNLOCKED,))


class Lock(Feature[bool]):
    """Whether the class is locked."""

    __slots__ = ("is_locked",)

    name = "lockdown"
    events = (LOCKED, UNLOCKED)
    saved = bool

    def __init__(self) -> None:
        self.is_locked = False

    def apply(self, event: Event) -> None:
        """Fold one event."""
        self.is_locked = event.event == LOCKED.name

    def view(self) -> bool:
        """Return whether the class is locked."""
        return self.is_locked

    def dump(self) -> bool:
        """Return the state."""
        return self.is_locked

    def load(self, saved: bool) -> None:
        """Take over a state."""
        self.is_locked = saved

    def rule(self, push: Push[Any], action: Action[Any, Any]) -> None:
        """Refuse what students send while the class is locked."""
        if self.is_locked and not push.is_staff and action is chat.SEND:
            raise Refused(Code.FORBIDDEN, "the class is locked")


class Counted(Feature[int]):
    """How often the class was locked: a second feature that folds the same kind of event."""

    __slots__ = ("_count",)

    name = "locks"
    events = (LOCKED,)
    saved = int

    def __init__(self) -> None:
        self._count = 0

    def apply(self, event: Event) -> None:
        """Count one event."""
        self._count += 1

    def view(self) -> int:
        """Return the count."""
        return self._count

    def dump(self) -> int:
        """Return the count."""
        return self._count

    def load(self, saved: int) -> None:
        """Take over a count."""
        self._count = saved


# For an engine with this feature, beside what the school has.


def _with(rule: TopicRule, *actions: Action[Any, Any]) -> TopicRule:
    return msgspec.structs.replace(rule, actions={**rule.actions, **{action.event: action for action in actions}})


FEATURES = (*lesson.FEATURES, Lock, Counted)
KINDS_THAT_LOCK = tuple(
    replace(kind, features=(*kind.features, Lock.name, Counted.name)) if kind is CLASS else kind for kind in KINDS
)
ROLES_THAT_LOCK = tuple(
    replace(role, topics={**role.topics, "class": _with(role.topics["class"], LOCK, UNLOCK)}) if role.is_staff else role
    for role in ROLES
)
TABLES_THAT_LOCK = Tables(ROLES_THAT_LOCK, KINDS_THAT_LOCK, FEATURES)
