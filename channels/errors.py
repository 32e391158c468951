"""How things go wrong between a client and us, and the two tables that say so on the wire.

A client's fault is a `Refused`: it becomes the error reply to one push, and the connection stays open. The end of a
connection is a `Closing`, a value from one table whose codes say whether the client reconnects. Any other exception is
a bug of ours: it is logged once with its context, and the connection is closed as `INTERNAL`.
"""

from enum import StrEnum
from typing import Self

import msgspec
from msgspec import UNSET, UnsetType

from channels.field import Milliseconds


class Code(StrEnum):
    """Why a push or a join was refused. Clients branch on these; the message beside it is for people."""

    meaning: str

    def __new__(cls, code: str, meaning: str) -> Self:
        """Make a code from its name and its meaning."""
        self = str.__new__(cls, code)
        self._value_ = code
        self.meaning = meaning
        return self

    BAD_FRAME = "bad_frame", "The frame is not a message. Nothing was done; sending it again does not help."
    BAD_PAYLOAD = (
        "bad_payload",
        "The payload does not fit its event's type; the message says where. Do not send it again.",
    )
    UNMATCHED_TOPIC = "unmatched_topic", "This role has no such topic, or the topic is not joined. Join it first."
    UNKNOWN_EVENT = "unknown_event", "No role can push an event of this name."
    FORBIDDEN = (
        "forbidden",
        "The event or topic exists, but this user may not use it now. Do not try again by itself.",
    )
    LOCKED = "locked", "Staff have locked the chat. Students can send again after `chat:unlocked`."
    SLOW = "slow", "The chat is in slow mode, and it is too soon after the student's last message: see `retry_after`."
    MUTED = "muted", "Staff have muted the student, until `until` or `member:unmuted`."
    CLOSED = (
        "closed",
        "It is outside of the hours of the class. It opens at `opens_at`; where that is absent, with its next lesson.",
    )
    ENDED = "ended", "The class has ended. Those who were in it can read it, and nobody can change it."
    TOO_MANY_TOPICS = "too_many_topics", "This connection has joined as many topics as it may. Leave some first."
    TOO_FAST = "too_fast", "The user pushes or joins faster than allowed. Nothing was done: again after `retry_after`."
    OVERLOADED = "overloaded", "Too many pushes wait to be stored. Nothing was done: again after `retry_after`."
    UNAVAILABLE = (
        "unavailable",
        "The database does not answer; the push may be stored or not. Again after `retry_after`, with the same `id`.",
    )
    INTERNAL = "internal", "A bug of the server."


# What stock Phoenix clients show as the reason; otherwise the code with spaces.
_PHOENIX_REASONS = {Code.TOO_MANY_TOPICS: "too many channels joined", Code.INTERNAL: "join crashed"}


class ErrorResponse(msgspec.Struct, frozen=True):
    """Why a push or a join was refused: branch on `code`, show `message`.

    `reason` is what stock Phoenix clients look at. `retry_after` (ms): the same may succeed then. `until` and
    `opens_at` (ms since 1970): when what the code says ends by itself.
    """

    code: Code
    message: str
    reason: str
    retry_after: int | UnsetType = UNSET
    until: Milliseconds | UnsetType = UNSET
    opens_at: Milliseconds | UnsetType = UNSET


class ChannelError(Exception):
    """The base class of what the engine raises on purpose."""


class Refused(ChannelError):
    """A push or join that is answered with an error; its client stays connected.

    After `retry_after` (ms), where it is given, the same push may succeed. `details` are more fields of the response.
    """

    def __init__(self, code: Code, message: str, retry_after: int | None = None, **details: int) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry_after = retry_after
        self.details = details

    @property
    def response(self) -> ErrorResponse:
        """The `response` of the error reply."""
        reason = _PHOENIX_REASONS.get(self.code, self.code.replace("_", " "))
        retry_after = UNSET if self.retry_after is None else self.retry_after
        return ErrorResponse(self.code, self.message, reason, retry_after, **self.details)


class Unavailable(ChannelError):
    """A database or another worker does not answer; the same request may succeed a little later."""


class JournalUnavailable(Unavailable):
    """The journal's database does not answer; what was being written may be stored or not."""


class Closing(msgspec.Struct, frozen=True):
    """Why a connection ends: a WebSocket close code (RFC 6455, section 7.4) and a reason of at most 123 bytes.

    Codes from 4000 are ours. `reconnect`: the client comes back by itself.
    """

    code: int
    reason: str
    reconnect: bool


BROKEN_FRAME = Closing(1002, "not a frame of the protocol", reconnect=True)
INVALID_TEXT = Closing(1007, "text that is not UTF-8", reconnect=True)
FLOODING = Closing(1008, "too many frames", reconnect=True)
FRAME_TOO_BIG = Closing(1009, "message too big", reconnect=True)
INTERNAL = Closing(1011, "internal error", reconnect=True)
RESTARTING = Closing(1012, "the server is restarting", reconnect=True)
SIGNED_OUT = Closing(4001, "signed out", reconnect=False)
TOO_SLOW = Closing(4008, "reading too slowly; come back from your positions", reconnect=True)
IDLE = Closing(4009, "no heartbeat", reconnect=True)
GAP = Closing(4010, "events of a topic are gone; come back from your positions", reconnect=True)
