"""What a push does, as a value: the type of its payload, and a function from it to an outcome.

    ACTION = Action("message:send", MessageSend, send)      send(push: Push[MessageSend]) -> Outcome

Features describe; the engine checks rights and limits before, and carries out after. So a feature has no I/O to get
wrong: what may be written, sent or answered is one of the outcomes below.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

import msgspec

from channels.errors import Code, Refused
from channels.journal import Journal, Mark
from channels.limit import MAX_PUSH_ID_CHARACTERS
from channels.member import Authority, Member
from channels.topic import Topic

P = TypeVar("P")

# Printable ASCII: it is a key in the database and echoed to everybody.
PUSH_ID_PATTERN = rf"^[\x21-\x7e]{{1,{MAX_PUSH_ID_CHARACTERS}}}$"


class Append(msgspec.Struct, frozen=True):
    """Put a durable event into the topic, answer `{"seq", "at"}`; `push_id` makes a retry count once."""

    event: str
    payload: object
    push_id: str | None = None


class Flash(msgspec.Struct, frozen=True):
    """Broadcast an ephemeral event to the topic, answer `{}`."""

    event: str
    payload: object


class Answer(msgspec.Struct, frozen=True):
    """Answer, and no more."""

    response: object


class Marked(msgspec.Struct, frozen=True):
    """Keep a read mark, tell the user's other sessions, answer `{"seq"}`."""

    mark: Mark


Outcome = Append | Flash | Answer | Marked


class Push(msgspec.Struct, Generic[P]):
    """A push whose right was granted: who, where, what, when (`at`, ms since 1970), and what may be asked."""

    member: Member
    topic: Topic
    payload: P
    at: int
    journal: Journal
    authority: Authority


class Action(msgspec.Struct, frozen=True):
    """One event that clients may push. A `run` that has to read returns an awaitable; one that need not must not."""

    event: str
    payload: type[Any]
    run: Callable[[Any], Outcome | Awaitable[Outcome]]


def not_blank(text: str) -> str:
    """Return the text without white space around it; raises `Refused` (BAD_PAYLOAD) where nothing is left."""
    stripped = text.strip()
    if not stripped:
        raise Refused(Code.BAD_PAYLOAD, "the text is empty")
    return stripped
