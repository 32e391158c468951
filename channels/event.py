"""What the server sends, as values: each kind of event with its name, the type of its payload, and how it is delivered.

    SENT = EventType("message:sent", MessageSent, Delivery.DURABLE)

The code that sends an event declares its type here and sends by that value. The protocol's document is made from the
same declarations, so it says what is really sent.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

import msgspec

P = TypeVar("P")


class Delivery(StrEnum):
    """How an event is delivered to a client."""

    DURABLE = "durable"  # stored, with a position: each client gets it once, in order, also after an absence
    ORDERED = "ordered"  # not stored; in order with the other events of its topic
    SNAPSHOT = "snapshot"  # only the newest counts: it replaces one that is not sent yet
    EPHEMERAL = "ephemeral"  # for now only: dropped where a client is behind


class Stored(Protocol):
    """An event as it is stored: its position, its kind, and its payload as broadcast."""

    @property
    def seq(self) -> int:
        """Return its position."""

    @property
    def event(self) -> str:
        """Return its kind."""

    @property
    def payload(self) -> bytes:
        """Return the JSON object as broadcast."""


# From an amending event and an earlier one: the earlier one's new payload, without position and time; None: no change.
# The earlier one may come with or without position and time. Writers call it inside their transactions.
Amend = Callable[[Stored, Stored], bytes | None]


class EventType(msgspec.Struct, Generic[P], frozen=True):
    """A kind of event that is sent to clients.

    It goes to the topic of the push that it comes of, or to `topics`, which are named as in their kinds' `wire`.
    `meaning` says what the payload's type does not. `governs`: the event changes what may be pushed in its topic, from
    its commit on (see `channels.lesson.feature.Feature.rule`). `counted`: the event counts in the topic's message rate.
    `noted`: the journal records which users the event was delivered to (see `channels.lesson.feature.Feature.noted`).

    `amends`: the event replaces what is in an earlier one of its topic, and in those about that one; the former payload
    is kept as a version. `annotates`: the event adds to an earlier one. No version is kept, and events about that one
    stay. Neither counts among the newest events that a join returns: what they change is in those.

    `follows`: the event goes only to clients that a push was answered with `Follow`, not to all in the topic.

    `passing`: what the event says is in the topic's state, and nobody reads it later; it does not count among the
    newest events either. `audited`: the event goes into the audit log, with its payload but for the field `text`.
    `found_by` returns the text by which the event is found.
    """

    name: str
    payload: type[P]
    delivery: Delivery
    topics: tuple[str, ...] = ()
    meaning: str = ""
    governs: bool = False
    counted: bool = False
    noted: bool = False
    amends: Amend | None = None
    annotates: Amend | None = None
    follows: bool = False
    passing: bool = False
    audited: bool = False
    found_by: Callable[[P], str] | None = None

    def text_of(self, payload: bytes) -> str:
        """Return the text by which a stored event is found."""
        return self.found_by(msgspec.json.decode(payload, type=self.payload)) if self.found_by is not None else ""

    def encode(self, payload: P) -> bytes:
        """Return the payload as JSON."""
        return msgspec.json.encode(payload)


class Nothing(msgspec.Struct, frozen=True):
    """An object without fields."""
