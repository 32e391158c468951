"""The interface of a broker: it carries envelopes between workers and guarantees nothing.

The journal is the truth. A broker may lose, repeat or reorder envelopes; the hub orders durable events by their
positions and reads missing ones from the journal. `channels.broker.memory` serves a single process,
`channels.broker.redis` several.
"""

from collections.abc import Collection, Sequence
from typing import Protocol

import msgspec

from channels.metric import Histogram


class Envelope(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One message for a topic on other workers: a durable event, or, with `seq` 0, an ephemeral one.

    `payload` is JSON, except on the channels that workers use among themselves (`channels.cluster`).
    """

    topic: str
    event: str
    payload: bytes
    seq: int = 0


class Relayed:
    """What a broker has carried since its start, for a monitor: envelopes, and how often its connection was lost."""

    __slots__ = ("dropped", "lost", "published", "received", "round_trip")

    def __init__(self) -> None:
        self.published = 0
        self.received = 0
        self.dropped = 0
        self.lost = 0
        self.round_trip = Histogram()


class BrokerListener(Protocol):
    """The user of a broker. All calls come from the event loop, none from within a call to the broker."""

    def received(self, batch: Sequence[Envelope]) -> None:
        """Take envelopes that other workers published; this worker's own never come back."""

    def resubscribed(self, topics: Collection[str]) -> None:
        """Note that subscriptions to these topics are active from now on; earlier envelopes may be lost."""

    def no_subscribers(self, topic: str) -> None:
        """Note that an envelope of this worker reached no subscriber at all."""

    def doubted(self) -> None:
        """Note that envelopes may be lost from now on: `check_seconds` has become shorter."""


class Broker(Protocol):
    """Fan-out between workers; `relayed` is for a monitor."""

    relayed: Relayed

    @property
    def check_seconds(self) -> float | None:
        """Return the seconds until the hub should ask the journal for lost events; None if none can be lost."""

    @property
    def connected(self) -> bool:
        """Tell whether envelopes currently reach the other workers, and theirs reach this one."""

    def start(self, listener: BrokerListener) -> None:
        """Start delivering; the other workers need not be reachable yet."""

    async def close(self) -> None:
        """Stop delivering."""

    def subscribe(self, topic: str) -> None:
        """Request the envelopes of a topic; `BrokerListener.resubscribed` follows, if the broker can lose any."""

    def unsubscribe(self, topic: str) -> None:
        """Cancel a subscription."""

    def publish(self, batch: Sequence[Envelope]) -> None:
        """Send one turn's envelopes to all other workers that are subscribed to their topics."""
