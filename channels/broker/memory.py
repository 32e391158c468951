"""The broker of one process: hubs that share a `MemoryBus` hear each other.

With one worker the bus has one member and `publish` does nothing. Tests put several hubs on one bus, and `lose` some
of what it carries, as a real one may.
"""

import asyncio
from collections.abc import Callable, Sequence

from channels.broker.broker import Deliver, Envelope, Resubscribed, Unheard


class MemoryBus:
    """What several brokers of one process have in common; `lose(envelope)` says which envelopes never arrive."""

    def __init__(self, lose: Callable[[Envelope], bool] = lambda envelope: False) -> None:
        self.brokers: set[MemoryBroker] = set()
        self.lose = lose


class MemoryBroker:
    """One hub's place on the bus."""

    def __init__(self, bus: MemoryBus | None = None) -> None:
        self._bus = bus or MemoryBus()
        self.topics: set[str] = set()
        self._deliver: Deliver | None = None
        self._unheard: Unheard = lambda topic: None

    @property
    def check_seconds(self) -> float | None:
        """Return None: what is lost here, tests find by `Hub.check`."""
        return None

    @property
    def connected(self) -> bool:
        """Return True: there is nothing that could break."""
        return True

    async def start(self, deliver: Deliver, resubscribed: Resubscribed, unheard: Unheard) -> None:
        """Begin to hand over what others on the bus publish; a subscription counts at once."""
        self._deliver, self._unheard = deliver, unheard
        self._bus.brokers.add(self)

    async def close(self) -> None:
        """Leave the bus."""
        self._bus.brokers.discard(self)

    def subscribe(self, topic: str) -> None:
        """Ask for a topic's envelopes from now on."""
        self.topics.add(topic)

    def unsubscribe(self, topic: str) -> None:
        """Ask for no more of them."""
        self.topics.discard(topic)

    def publish(self, batch: Sequence[Envelope]) -> None:
        """Send a batch to the others, in the next turn of the event loop."""
        loop = asyncio.get_running_loop()
        for broker in self._bus.brokers:
            if broker is not self:
                loop.call_soon(broker.receive, batch)
        for topic in {envelope.topic for envelope in batch}:
            if not any(topic in broker.topics for broker in self._bus.brokers):
                loop.call_soon(self._unheard, topic)

    def receive(self, batch: Sequence[Envelope]) -> None:
        """Hand over what this hub asked for and the bus did not lose."""
        wanted = [envelope for envelope in batch if envelope.topic in self.topics and not self._bus.lose(envelope)]
        if wanted and self._deliver is not None:
            self._deliver(wanted)
