"""What the server sends, as values: each kind of event with its name, the type of its payload, and how it is delivered.

    SENT = EventType("message:sent", MessageSent, Delivery.DURABLE)

Whoever sends an event declares its kind beside its payload's type and sends by that; the document of the protocol is
made of the same declarations, so that it says what is sent.
"""

from enum import StrEnum
from typing import Generic, TypeVar

import msgspec

P = TypeVar("P")


class Delivery(StrEnum):
    """What becomes of an event on its way to a client."""

    DURABLE = "durable"  # kept, with a position: each once, in order, also for those who were away
    ORDERED = "ordered"  # not kept; in order with everything else of its topic
    SNAPSHOT = "snapshot"  # only the newest matters: an unsent one gives way to it
    EPHEMERAL = "ephemeral"  # of the moment: dropped where a client is behind


class EventType(msgspec.Struct, Generic[P], frozen=True):
    """A kind of event that is sent to clients.

    It is heard in the topic of the push that it comes of, or in `topic`, as clients call it. `meaning` says what the
    payload's type does not.
    """

    name: str
    payload: type[P]
    delivery: Delivery
    topic: str | None = None
    meaning: str = ""

    def encode(self, payload: P) -> bytes:
        """Return the payload as JSON."""
        return msgspec.json.encode(payload)


class Nothing(msgspec.Struct, frozen=True):
    """An object without fields: there is nothing to say."""
