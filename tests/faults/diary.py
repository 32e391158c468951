"""What one client saw, in the order in which it saw it. The checker knows nothing else."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Message:
    """A message as a client got it."""

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
    """The server answered `ok`: from here on it must never be lost."""

    push_id: str
    seq: int


@dataclass(frozen=True, slots=True)
class Joined:
    """A join was answered; `since` is None where the client came for the first time."""

    since: int | None
    epoch: str
    seq: int
    complete: bool
    messages: list[Message]


@dataclass(frozen=True, slots=True)
class Received:
    """A message came live."""

    message: Message


@dataclass(frozen=True, slots=True)
class Read:
    """The client read history, because a join had told it of a hole after `after`."""

    after: int
    messages: list[Message]


Entry = Sent | Acknowledged | Joined | Received | Read


@dataclass(slots=True)
class Diary:
    """The entries of one client, who is `name` to the others."""

    name: str
    entries: list[Entry] = field(default_factory=list)
