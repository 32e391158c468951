"""What a push does, as a value: the type of its payload, a function from it to an outcome, and what comes of that.

    ACTION = Action("message:send", MessageSend, send, Appended, emits=(SENT,))
                                                 send(push: Push[MessageSend]) -> Append, an Outcome[Appended]

Features describe; the engine checks rights and limits before, and carries out after. So a feature has no I/O to get
wrong: what may be written, sent or answered is one of the outcomes below.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

import msgspec

from channels.errors import Code, Refused
from channels.event import EventType, Nothing
from channels.field import Milliseconds, Position
from channels.journal.journal import Journal, Mark
from channels.member import Authority, Member
from channels.topics.topic import Topic

P = TypeVar("P")
R = TypeVar("R")


class Appended(msgspec.Struct, frozen=True):
    """It is stored: where in its topic, and when. A retry gets what the first one got."""

    seq: Position
    at: Milliseconds


class MarkedUpTo(msgspec.Struct, frozen=True):
    """How far the user has read the topic now."""

    seq: Position


class Outcome(msgspec.Struct, Generic[R], frozen=True):
    """What is to be done for a push, which is then answered with an R."""


class Append(Outcome[Appended], Generic[P], frozen=True):
    """Put a durable event into the topic; `push_id` makes a retry count once."""

    event: EventType[P]
    payload: P
    push_id: str | None = None


class Flash(Outcome[Nothing], Generic[P], frozen=True):
    """Broadcast an ephemeral event to the topic."""

    event: EventType[P]
    payload: P


class Answer(Outcome[R], Generic[R], frozen=True):
    """Answer, and no more."""

    response: R


class Marked(Outcome[MarkedUpTo], frozen=True):
    """Keep a read mark, and tell the user's other sessions."""

    mark: Mark


class Push(msgspec.Struct, Generic[P]):
    """A push whose right was granted: who, where, what, when (`at`, ms since 1970), and what may be asked."""

    member: Member
    topic: Topic
    payload: P
    at: int
    journal: Journal
    authority: Authority


class Action(msgspec.Struct, Generic[P, R], frozen=True):
    """One event that clients may push, the response to it, and the kinds of event that come of it.

    A `run` that has to read returns an awaitable; one that need not must not.
    """

    event: str
    payload: type[P]
    run: Callable[[Push[P]], Outcome[R] | Awaitable[Outcome[R]]]
    reply: type[R]
    emits: tuple[EventType[Any], ...] = ()


def not_blank(text: str) -> str:
    """Return the text without white space around it; raises `Refused` (BAD_PAYLOAD) where nothing is left."""
    stripped = text.strip()
    if not stripped:
        raise Refused(Code.BAD_PAYLOAD, "the text is empty")
    return stripped
