"""Mutes: for some minutes a student cannot write to a class. The student and staff learn of it, the class does not.

    member:mute {user, minutes} -> class:7         member:restricted {mark, until}   the rule, on every worker
                                -> class:7:staff   member:muted {user, until}        whom staff have muted
                                -> user:12         member:muted {user, until}        for the student

All three are stored in one transaction. A topic is seen whole or not at all, and a rule binds by the governing events
of its own topic: so the class's event can be seen by the class, and names nobody. The mark is a hash of class and user
under the school's key. Workers compare a student's mark with it; nobody else can tell whose it is.
"""

from hashlib import blake2b
from typing import Annotated, Any

import msgspec

from channels.errors import Code, Refused
from channels.event import Delivery, EventType
from channels.field import Identity, Milliseconds, PushId, TopicName
from channels.lesson.feature import Action, Append, Appended, Feature, Push, Several, Viewer
from channels.lesson.speech import TO_CLASS
from channels.limit import MAX_MUTE_MINUTES
from channels.member import User
from channels.topics.kind import CLASS_STAFF, USER, class_staff_topic, class_topic, user_topic
from channels.wire.codec import Event

Minutes = Annotated[int, msgspec.Meta(ge=1, le=MAX_MUTE_MINUTES, examples=[15])]
# 96 bits: no two students of a school have the same.
_MARK_BYTES = 12
Mark = Annotated[
    str, msgspec.Meta(description="Stands for a student of the class, for the server only.", examples=["9f1c04ab"])
]


class MemberMute(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Mute a student of the class for so many minutes; a second mute replaces the first."""

    user: Identity
    minutes: Minutes
    id: PushId | None = None


class MemberUnmute(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Let a muted student write again."""

    user: Identity
    id: PushId | None = None


class MemberRestricted(msgspec.Struct, frozen=True):
    """A student cannot write to the class until then; 0: the student can write again."""

    mark: Mark
    until: Milliseconds


class MemberMuted(msgspec.Struct, frozen=True):
    """The user cannot write to the class `topic` until then."""

    user: Identity
    until: Milliseconds
    topic: TopicName
    author: User


class MemberUnmuted(msgspec.Struct, frozen=True):
    """The user can write to the class `topic` again."""

    user: Identity
    topic: TopicName
    author: User


class Restriction(msgspec.Struct, frozen=True):
    """The member who joins is muted until then; a time in the past means nothing."""

    until: Milliseconds


class Muted(msgspec.Struct, frozen=True):
    """A student is muted until then; `at` is when that was said."""

    user: Identity
    until: Milliseconds
    author: User
    at: Milliseconds


RESTRICTED = EventType("member:restricted", MemberRestricted, Delivery.DURABLE, governs=True)
_TOLD = (CLASS_STAFF.wire, USER.wire)
MUTED = EventType("member:muted", MemberMuted, Delivery.DURABLE, _TOLD, audited=True)
UNMUTED = EventType("member:unmuted", MemberUnmuted, Delivery.DURABLE, _TOLD, audited=True)


async def _mute(push: Push[MemberMute]) -> Several[Appended]:
    user_id = push.payload.user
    students, _ = await push.authority.audience(push.topic.address, push.counted(push.topic.address), [user_id])
    if not students:
        raise Refused(Code.FORBIDDEN, "only a student of this class can be muted")
    until = push.at + push.payload.minutes * 60_000
    muted = MemberMuted(user_id, until, push.topic.wire_name, push.member.user)
    return _several(push, until, Append(MUTED, muted, _staff(push)), Append(MUTED, muted, user_topic(user_id)))


def _unmute(push: Push[MemberUnmute]) -> Several[Appended]:
    user_id = push.payload.user
    if not push.state(Restrictions).until(_mark_of(push, user_id), push.at):
        raise Refused(Code.FORBIDDEN, "this student is not muted")
    unmuted = MemberUnmuted(user_id, push.topic.wire_name, push.member.user)
    return _several(push, 0, Append(UNMUTED, unmuted, _staff(push)), Append(UNMUTED, unmuted, user_topic(user_id)))


def _several(push: Push[Any], until: int, *told: Append[Any]) -> Several[Appended]:
    restricted = MemberRestricted(_mark_of(push, push.payload.user), until)
    return Several(Append(RESTRICTED, restricted), told)


def _staff(push: Push[Any]) -> str:
    return class_staff_topic(push.topic.address.number)


def _mark_of(push: Push[Any], user_id: int) -> str:
    return mark(push.journal.key, push.topic.address.number, user_id)


def mark(key: str, class_id: int, user_id: int) -> str:
    """Return what stands for a user in the events of a class, under the school's key."""
    said = f"{class_topic(class_id)} {user_topic(user_id)}".encode()
    return blake2b(said, key=key.encode(), digest_size=_MARK_BYTES, person=b"lousa mute").hexdigest()


MUTE = Action("member:mute", MemberMute, _mute, Appended, emits=(RESTRICTED, MUTED))
UNMUTE = Action("member:unmute", MemberUnmute, _unmute, Appended, emits=(RESTRICTED, UNMUTED))


class _Stamped(MemberRestricted, frozen=True):
    at: Milliseconds = 0


class Restrictions(Feature[dict[str, int]]):
    """The marks of a class's muted students, and until when: at most one for each student."""

    __slots__ = ("_until",)

    name = "mute"
    events = (RESTRICTED,)
    saved = dict[str, int]

    def __init__(self) -> None:
        self._until: dict[str, int] = {}

    def until(self, mark: str, at: int) -> int:
        """Return until when a student is muted, 0 where they are not muted at this time."""
        until = self._until.get(mark, 0)
        return until if at < until else 0

    def apply(self, event: Event) -> None:
        """Take over one mute, or its end, and forget those that are over."""
        restricted = msgspec.json.decode(event.payload, type=_Stamped)
        self._until[restricted.mark] = restricted.until
        self._until = {mark: until for mark, until in self._until.items() if until > restricted.at}

    def view_for(self, viewer: Viewer) -> Restriction | None:
        """Return until when the member is muted."""
        if not self._until:
            return None
        until = self._until.get(mark(viewer.key, viewer.topic.number, viewer.member.user.id))
        return None if until is None else Restriction(until)

    def dump(self) -> dict[str, int]:
        """Return the state."""
        return self._until

    def load(self, saved: dict[str, int]) -> None:
        """Take over a state."""
        self._until = saved

    def rule(self, push: Push[Any], action: Action[Any, Any]) -> None:
        """Refuse what a muted student writes to the class."""
        if not self._until or push.is_staff or action.event not in TO_CLASS:
            return
        until = self.until(_mark_of(push, push.member.user.id), push.at)
        if until:
            raise Refused(Code.MUTED, "you cannot write in this class for now", until=until)


class Mutes(Feature[list[Muted]]):
    """For a class's staff: the newest mute of each student whom they have muted and not unmuted."""

    __slots__ = ("_muted",)

    name = "mutes"
    events = (MUTED, UNMUTED)
    saved = list[Muted]

    def __init__(self) -> None:
        self._muted: dict[int, Muted] = {}

    def apply(self, event: Event) -> None:
        """Take over one mute, or its end, and forget those that are over."""
        if event.event == UNMUTED.name:
            self._muted.pop(msgspec.json.decode(event.payload, type=MemberUnmuted).user, None)
            return
        new = msgspec.json.decode(event.payload, type=Muted)
        self._muted = {user: each for user, each in self._muted.items() if each.until > new.at} | {new.user: new}

    def view(self) -> list[Muted]:
        """Return the mutes; a time in the past means nothing."""
        return list(self._muted.values())

    def dump(self) -> list[Muted]:
        """Return the state."""
        return self.view()

    def load(self, saved: list[Muted]) -> None:
        """Take over a state."""
        self._muted = {each.user: each for each in saved}
