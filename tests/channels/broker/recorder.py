"""A listener that records the calls of a broker."""

from collections.abc import Collection, Sequence

from channels.broker.broker import Envelope


class Recorder:
    """A `BrokerListener` that keeps everything in lists."""

    def __init__(self) -> None:
        self.got: list[Envelope] = []
        self.confirmed: list[str] = []
        self.without_subscribers: list[str] = []
        self.doubts = 0

    def received(self, batch: Sequence[Envelope]) -> None:
        """Keep what other workers published."""
        self.got += batch

    def resubscribed(self, topics: Collection[str]) -> None:
        """Keep the topics whose subscriptions became active."""
        self.confirmed += topics

    def no_subscribers(self, topic: str) -> None:
        """Keep a topic without subscribers."""
        self.without_subscribers.append(topic)

    def doubted(self) -> None:
        """Count how often envelopes began to be in doubt."""
        self.doubts += 1
