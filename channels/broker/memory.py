"""The broker of a single process: hubs that share a `MemoryBus` receive each other's envelopes.

With one worker the bus has one member and `publish` reaches nobody. Tests put several hubs on one bus and make it
lose envelopes, as a real broker may.
"""

import asyncio
from collections.abc import Callable, Sequence

from channels.broker.broker import BrokerListener, Envelope, Relayed


class MemoryBus:
    """The connection between several brokers of one process; envelopes for which `lose` is true are dropped."""

    def __init__(self, lose: Callable[[Envelope], bool] = lambda envelope: False) -> None:
        self.brokers: set[MemoryBroker] = set()
        self.lose = lose


class MemoryBroker:
    """One hub's connection to the bus."""

    def __init__(self, bus: MemoryBus | None = None) -> None:
        self._bus = bus or MemoryBus()
        self.topics: set[str] = set()
        self.relayed = Relayed()
        self._listener: BrokerListener | None = None

    @property
    def check_seconds(self) -> float | None:
        """Return None: nothing is lost, except by tests, which look for it themselves."""
        return None

    @property
    def connected(self) -> bool:
        """Tell whether this broker is on the bus: from `start` to `close`."""
        return self in self._bus.brokers

    def start(self, listener: BrokerListener) -> None:
        """Join the bus. Subscriptions are active at once, so the listener is never told of a resubscription."""
        self._listener = listener
        self._bus.brokers.add(self)

    async def close(self) -> None:
        """Leave the bus."""
        self._bus.brokers.discard(self)

    def subscribe(self, topic: str) -> None:
        """Request the envelopes of a topic."""
        self.topics.add(topic)

    def unsubscribe(self, topic: str) -> None:
        """Cancel a subscription."""
        self.topics.discard(topic)

    def publish(self, batch: Sequence[Envelope]) -> None:
        """Send a batch to the others, in the next turn of the event loop."""
        assert self._listener is not None, "the broker is not started"
        self.relayed.published += len(batch)
        loop = asyncio.get_running_loop()
        for broker in self._bus.brokers:
            if broker is not self:
                loop.call_soon(broker.receive, batch)
        for topic in {envelope.topic for envelope in batch}:
            if not any(topic in broker.topics for broker in self._bus.brokers):
                loop.call_soon(self._listener.no_subscribers, topic)

    def receive(self, batch: Sequence[Envelope]) -> None:
        """Deliver the envelopes that this hub is subscribed to and the bus does not lose."""
        wanted = [envelope for envelope in batch if envelope.topic in self.topics and not self._bus.lose(envelope)]
        self.relayed.received += len(wanted)
        if wanted and self._listener is not None:
            self._listener.received(wanted)
