"""How things go wrong between a client and us, and the two tables that say so on the wire.

A client's fault is a `Refused`: it becomes the error reply to one push, and the connection stays. An ending is a
`Closing`, a value from one table whose codes say whether to come back. Anything else that is raised is our own bug:
logged once with its context, then closed as `INTERNAL`.
"""

from enum import StrEnum

import msgspec


class Code(StrEnum):
    """The `code` of an error reply. Clients branch on these; the message beside it is for people."""

    BAD_FRAME = "bad_frame"
    BAD_PAYLOAD = "bad_payload"
    UNMATCHED_TOPIC = "unmatched_topic"
    UNKNOWN_EVENT = "unknown_event"
    FORBIDDEN = "forbidden"
    TOO_MANY_TOPICS = "too_many_topics"
    TOO_FAST = "too_fast"
    OVERLOADED = "overloaded"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"


# What stock Phoenix clients show as the reason; where nothing else is said, the code with spaces.
_PHOENIX_REASONS = {Code.TOO_MANY_TOPICS: "too many channels joined", Code.INTERNAL: "join crashed"}


class ChannelError(Exception):
    """The root of what the engine raises on purpose."""


class Refused(ChannelError):
    """A push or join that is answered with an error; whoever sent it stays connected.

    `retry_after` (ms) says that the same push may succeed then.
    """

    def __init__(self, code: Code, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry_after = retry_after

    @property
    def response(self) -> dict[str, object]:
        """The `response` of the error reply."""
        reason = _PHOENIX_REASONS.get(self.code, self.code.replace("_", " "))
        response: dict[str, object] = {"code": self.code, "message": self.message, "reason": reason}
        if self.retry_after is not None:
            response["retry_after"] = self.retry_after
        return response


class Unavailable(ChannelError):
    """Something that we stand on does not answer; the same may work a little later."""


class JournalUnavailable(Unavailable):
    """The journal's database does not answer; nothing is known of what was being written."""


class Closing(msgspec.Struct, frozen=True):
    """Why a connection ends: a WebSocket close code (RFC 6455, section 7.4) and a reason of at most 123 bytes.

    Codes from 4000 are ours. `reconnect` says whether a client should come back by itself.
    """

    code: int
    reason: str
    reconnect: bool


BROKEN_FRAME = Closing(1002, "not a frame of the protocol", reconnect=True)
FLOODING = Closing(1008, "too many frames", reconnect=True)
FRAME_TOO_BIG = Closing(1009, "message too big", reconnect=True)
INTERNAL = Closing(1011, "internal error", reconnect=True)
RESTARTING = Closing(1012, "the server is restarting", reconnect=True)
SIGNED_OUT = Closing(4001, "signed out", reconnect=False)
TOO_SLOW = Closing(4008, "reading too slowly; come back from your positions", reconnect=True)
IDLE = Closing(4009, "no heartbeat", reconnect=True)
