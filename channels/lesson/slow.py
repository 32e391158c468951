"""Slow mode: after a message, a student waits so many seconds before the next one.

    chat:slow {seconds} -> chat:slowed; 0 ends it

The time counts from the message's own time in the journal. Messages do not govern: in a class in which thirty students
write, each would make the pushes of all others run again. They bind their author alone. The rule says that it depends
on the author's own events, and the journal stores a message only where the worker has seen all of them; so two devices
of one student cannot send at the same time on two workers.
"""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from channels.errors import Code, Refused
from channels.event import Delivery, EventType
from channels.field import Milliseconds, PushId
from channels.lesson import chat
from channels.lesson.feature import Action, Append, Appended, Feature, Push
from channels.limit import MAX_SLOW_SECONDS
from channels.member import User
from channels.wire.codec import Event

Seconds = Annotated[
    int, msgspec.Meta(ge=0, le=MAX_SLOW_SECONDS, description="Seconds from one message to the next.", examples=[10])
]


class ChatSlow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Let a student send once in so many seconds; 0 ends slow mode."""

    seconds: Seconds
    id: PushId | None = None


class ChatSlowed(msgspec.Struct, frozen=True):
    """A student can send once in so many seconds, as often as they like at 0."""

    seconds: Seconds
    author: User
    id: PushId | UnsetType = UNSET


class SlowMode(msgspec.Struct, frozen=True):
    """A student can send once in so many seconds; 0: as often as they like."""

    seconds: Seconds


SLOWED = EventType("chat:slowed", ChatSlowed, Delivery.DURABLE, governs=True, audited=True)


def _slow(push: Push[ChatSlow]) -> Append[ChatSlowed]:
    return Append(SLOWED, ChatSlowed(push.payload.seconds, push.member.user, push.payload.id or UNSET))


SLOW = Action("chat:slow", ChatSlow, _slow, Appended, emits=(SLOWED,))


class _Sent(msgspec.Struct, frozen=True):
    author: User
    at: Milliseconds


class _Saved(msgspec.Struct, array_like=True, frozen=True):
    seconds: int
    sent: dict[int, int]


class Slow(Feature[_Saved]):
    """How slow the chat is, and when who wrote in the last so many seconds: no more users than can write then."""

    __slots__ = ("_sent", "seconds")

    name = "slow"
    events = (SLOWED, chat.SENT)
    sometimes = (chat.SENT,)
    saved = _Saved

    def __init__(self) -> None:
        self.seconds = 0
        self._sent: dict[int, int] = {}  # the times of users' last messages (ms), oldest first

    @property
    def awake(self) -> bool:
        """Tell whether messages matter."""
        return self.seconds > 0

    def apply(self, event: Event) -> None:
        """Take over how slow the chat is, or note who has sent a message."""
        if event.event == SLOWED.name:
            self.seconds = msgspec.json.decode(event.payload, type=SlowMode).seconds
            if not self.seconds:
                self._sent.clear()
        elif self.seconds:
            self._note(msgspec.json.decode(event.payload, type=_Sent))

    def _note(self, sent: _Sent) -> None:
        self._sent.pop(sent.author.id, None)
        self._sent[sent.author.id] = sent.at
        # Clocks of several machines differ a little: what is out of order is forgotten with the next one.
        while next(iter(self._sent.values())) < sent.at - self.seconds * 1_000:
            del self._sent[next(iter(self._sent))]

    def view(self) -> SlowMode:
        """Return how slow the chat is."""
        return SlowMode(self.seconds)

    def dump(self) -> _Saved:
        """Return the state."""
        return _Saved(self.seconds, dict(self._sent))

    def load(self, saved: _Saved) -> None:
        """Take over a state."""
        self.seconds, self._sent = saved.seconds, dict(saved.sent)

    def rule(self, push: Push[Any], action: Action[Any, Any]) -> bool:
        """Refuse a student's message that comes too soon after the one before."""
        if not self.seconds or push.is_staff or action is not chat.SEND:
            return False
        sent = self._sent.get(push.member.user.id)
        left = 0 if sent is None else sent + self.seconds * 1_000 - push.at
        if left > 0:
            raise Refused(Code.SLOW, "the chat is slow; wait a moment", min(left, self.seconds * 1_000))
        return True
