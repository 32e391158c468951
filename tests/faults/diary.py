"""What one client saw, in order. The checker has no other input."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Message:
    """A message as a client received it."""

    seq: int
    push_id: str
    author: str
    text: str


@dataclass(frozen=True, slots=True)
class Sent:
    """The client pushed a message, for the first time or again."""

    push_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The server replied `ok`: the message must never be lost from now on."""

    push_id: str
    seq: int


@dataclass(frozen=True, slots=True)
class Joined:
    """The server replied to a join; `since` is None on the client's first join."""

    since: int | None
    epoch: str
    seq: int
    complete: bool
    messages: list[Message]


@dataclass(frozen=True, slots=True)
class Received:
    """A message arrived live."""

    message: Message


@dataclass(frozen=True, slots=True)
class Read:
    """The client read the history after `after`, because a join was incomplete."""

    after: int
    messages: list[Message]


Entry = Sent | Acknowledged | Joined | Received | Read


@dataclass(slots=True)
class Diary:
    """The entries of one client; `name` is how it appears as an author."""

    name: str
    entries: list[Entry] = field(default_factory=list)
