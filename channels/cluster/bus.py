"""What workers send each other, over the broker: events of topics for their hubs, and messages on control channels.

    broker -> Bus -> channel's receiver (presence, read marks, RPC), or Hub where the name is a topic's
    publish(channel, payload) -> the end of this turn -> broker

A control channel is a name that no client can join. Like everything that a broker carries, its messages may be lost,
repeated or reordered; each receiver has its own remedy.
"""

import logging
from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from channels.broker.broker import Broker, Envelope
from channels.topics.hub import Hub

log = logging.getLogger(__name__)


class BusListener(Protocol):
    """Learns which channels reach somebody, and when messages may have been lost."""

    def resubscribed(self, channels: Collection[str]) -> None:
        """Note that messages on these channels may have been lost before now."""

    def no_subscribers(self, channel: str) -> None:
        """Note that something was published on a channel to which no worker is subscribed."""


class Bus:
    """This worker's place among the others; it passes on to `hub` what is published to topics."""

    def __init__(self, broker: Broker, hub: Hub) -> None:
        self._broker = broker
        self._hub = hub
        self._receivers: dict[str, Callable[[bytes], None]] = {}
        self._listener: BusListener | None = None

    def start(self, listener: BusListener) -> None:
        """Begin to receive."""
        self._listener = listener
        self._broker.start(self)

    async def close(self) -> None:
        """Stop receiving; what was published is sent first."""
        await self._broker.close()

    def listen(self, channel: str, receive: Callable[[bytes], None]) -> None:
        """Call `receive` with what other workers publish on a control channel."""
        self._receivers[channel] = receive
        self._broker.subscribe(channel)

    def publish(self, channel: str, payload: bytes) -> None:
        """Send a message to the workers that listen on a control channel, at the end of this turn."""
        self._hub.fan_out.publish(Envelope(channel, "", payload))

    def received(self, batch: Sequence[Envelope]) -> None:
        """Hand each envelope to its channel's receiver, or to the hub."""
        for envelope in batch:
            try:
                self._receive(envelope)
            except Exception:  # one envelope, of another version perhaps, must not cost the others
                log.exception("what another worker published on %s could not be handled", envelope.topic)

    def _receive(self, envelope: Envelope) -> None:
        receive = self._receivers.get(envelope.topic)
        if receive is None:
            self._hub.receive(envelope)
            return
        receive(envelope.payload)
        self._hub.fan_out.schedule()  # what it changed is told at the end of this turn

    def resubscribed(self, topics: Collection[str]) -> None:
        """Look for events that these topics have missed, and tell the listener."""
        self._hub.resubscribed(topics)
        if self._listener is not None:
            self._listener.resubscribed(topics)

    def no_subscribers(self, topic: str) -> None:
        """Tell the listener that nobody else is subscribed."""
        if self._listener is not None:
            self._listener.no_subscribers(topic)

    def doubted(self) -> None:
        """Have the hub ask the journal more often."""
        self._hub.doubted()
