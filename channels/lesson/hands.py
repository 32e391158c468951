"""Hands: who wants to speak, in the order in which the hands went up, and who was called last.

    hand:raise -> hand:raised   the end of the queue
    hand:call  -> hand:called   out of the queue: this student speaks, until another is called
    hand:lower -> hand:lowered, hand:clear -> hands:cleared   out of the queue, or done with speaking

A hand stays up when its user's page is closed or the connection is lost: nobody loses their place by a phone that
changes its network. Staff see that a student is away by the class's presence. With the end of a lesson all hands are
down.

These events do not govern: a hundred hands that go up at once must not make each other's pushes run again. So two
workers may store the same hand twice; the fold counts the first.
"""

import msgspec
from msgspec import UNSET, UnsetType

from channels.errors import Code, Refused
from channels.event import Delivery, EventType
from channels.field import Identity, Milliseconds, Name, Position, PushId
from channels.lesson import lessons
from channels.lesson.feature import Action, Append, Appended, Feature, Push
from channels.limit import MAX_HANDS
from channels.member import User
from channels.wire.codec import Event


class HandRaise(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Raise one's own hand: the user joins the end of the queue."""

    id: PushId | None = None


class HandLower(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Lower one's own hand, or as staff that of `user`; also when the user was called, to say that it is done."""

    user: Identity | None = None
    id: PushId | None = None


class HandCall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Call a student whose hand is up."""

    user: Identity
    id: PushId | None = None


class HandClear(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Lower all hands, and nobody is called any more."""

    id: PushId | None = None


class HandRaised(msgspec.Struct, frozen=True):
    """The author's hand is up; `user` is their id. Where it was up already, it keeps its place."""

    user: Identity
    author: User
    id: PushId | UnsetType = UNSET


class HandLowered(msgspec.Struct, frozen=True):
    """The hand of `user` is down, and they are not called any more."""

    user: Identity
    author: User
    id: PushId | UnsetType = UNSET


class HandCalled(msgspec.Struct, frozen=True):
    """It is the turn of `user`, whose hand is down with that; the one called before is not called any more."""

    user: Identity
    name: Name
    author: User
    id: PushId | UnsetType = UNSET


class HandsCleared(msgspec.Struct, frozen=True):
    """All hands are down, and nobody is called."""

    author: User
    id: PushId | UnsetType = UNSET


class Hand(msgspec.Struct, frozen=True):
    """A hand that is up, or was called: whose, and the position and time of the event that says so."""

    user: Identity
    name: Name
    seq: Position
    at: Milliseconds


RAISED = EventType("hand:raised", HandRaised, Delivery.DURABLE, passing=True)
LOWERED = EventType("hand:lowered", HandLowered, Delivery.DURABLE, passing=True)
CALLED = EventType("hand:called", HandCalled, Delivery.DURABLE, passing=True)
CLEARED = EventType("hands:cleared", HandsCleared, Delivery.DURABLE, passing=True)

_ALL_DOWN = (CLEARED.name, lessons.ENDED.name)


class _Raised(HandRaised, frozen=True):
    seq: Position = 0
    at: Milliseconds = 0


class _Called(HandCalled, frozen=True):
    seq: Position = 0
    at: Milliseconds = 0


class Hands(Feature[list[Hand]]):
    """The hands that are up, in the order in which they went up."""

    __slots__ = ("_up",)

    name = "hands"
    events = (RAISED, LOWERED, CALLED, CLEARED, lessons.ENDED)
    saved = list[Hand]

    def __init__(self) -> None:
        self._up: dict[int, Hand] = {}

    def of(self, user_id: int) -> Hand | None:
        """Return a user's hand, if it is up."""
        return self._up.get(user_id)

    @property
    def is_full(self) -> bool:
        """Whether no further hand can go up."""
        return len(self._up) >= MAX_HANDS

    def apply(self, event: Event) -> None:
        """Fold one event; a hand that is up already keeps its place."""
        if event.event == RAISED.name:
            raised = msgspec.json.decode(event.payload, type=_Raised)
            if not self.is_full:
                self._up.setdefault(raised.user, Hand(raised.user, raised.author.name, raised.seq, raised.at))
        elif event.event in _ALL_DOWN:
            self._up.clear()
        else:
            self._up.pop(_user(event), None)

    def view(self) -> list[Hand]:
        """Return the queue: who is first is next."""
        return list(self._up.values())

    def dump(self) -> list[Hand]:
        """Return the queue."""
        return self.view()

    def load(self, saved: list[Hand]) -> None:
        """Take over a queue."""
        self._up.update((hand.user, hand) for hand in saved)


class Called(Feature[Hand | None]):
    """Who was called last, until they are done or another is called."""

    __slots__ = ("_called",)

    name = "called"
    events = (LOWERED, CALLED, CLEARED, lessons.ENDED)
    saved = Hand | None

    def __init__(self) -> None:
        self._called: Hand | None = None

    def is_called(self, user_id: int) -> bool:
        """Tell whether it is this user's turn."""
        return self._called is not None and self._called.user == user_id

    def apply(self, event: Event) -> None:
        """Fold one event."""
        if event.event == CALLED.name:
            called = msgspec.json.decode(event.payload, type=_Called)
            self._called = Hand(called.user, called.name, called.seq, called.at)
        elif event.event in _ALL_DOWN or self.is_called(_user(event)):
            self._called = None

    def view(self) -> Hand | None:
        """Return whose turn it is; null where nobody was called."""
        return self._called

    def dump(self) -> Hand | None:
        """Return whose turn it is."""
        return self._called

    def load(self, saved: Hand | None) -> None:
        """Take over whose turn it is."""
        self._called = saved


class _About(msgspec.Struct, frozen=True):
    user: int


def _user(event: Event) -> int:
    return msgspec.json.decode(event.payload, type=_About).user


# What pushes do


def _raise(push: Push[HandRaise]) -> Append[HandRaised]:
    me, hands = push.member.user, push.state(Hands)
    if hands.of(me.id) is not None:
        raise Refused(Code.FORBIDDEN, "your hand is up already")
    if hands.is_full:
        raise Refused(Code.FORBIDDEN, f"{MAX_HANDS} hands are up; wait until some are down")
    return Append(RAISED, HandRaised(me.id, me, push.payload.id or UNSET))


def _lower(push: Push[HandLower]) -> Append[HandLowered]:
    given, me = push.payload, push.member.user
    user_id = me.id if given.user is None else given.user
    if user_id != me.id and not push.is_staff:
        raise Refused(Code.FORBIDDEN, "only staff may lower the hand of another")
    if push.state(Hands).of(user_id) is None and not push.state(Called).is_called(user_id):
        raise Refused(Code.FORBIDDEN, "this hand is not up")
    return Append(LOWERED, HandLowered(user_id, me, given.id or UNSET))


def _call(push: Push[HandCall]) -> Append[HandCalled]:
    given = push.payload
    hand = push.state(Hands).of(given.user)
    if hand is None:
        raise Refused(Code.FORBIDDEN, "this hand is not up")
    return Append(CALLED, HandCalled(hand.user, hand.name, push.member.user, given.id or UNSET))


def _clear(push: Push[HandClear]) -> Append[HandsCleared]:
    return Append(CLEARED, HandsCleared(push.member.user, push.payload.id or UNSET))


RAISE = Action("hand:raise", HandRaise, _raise, Appended, emits=(RAISED,))
LOWER = Action("hand:lower", HandLower, _lower, Appended, emits=(LOWERED,))
CALL = Action("hand:call", HandCall, _call, Appended, emits=(CALLED,))
CLEAR = Action("hand:clear", HandClear, _clear, Appended, emits=(CLEARED,))
