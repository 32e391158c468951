"""One worker's broker in a test; records what it delivered."""

from channels.broker.broker import Broker, Envelope
from channels.broker.memory import MemoryBroker
from channels.broker.spread import SpreadBroker
from tests.channels.broker.recorder import Recorder
from tests.channels.broker.waiting import until


class Place(Recorder):
    """One worker's broker with a recording listener."""

    def __init__(self, broker: Broker) -> None:
        super().__init__()
        self.broker = broker

    def start(self) -> None:
        self.broker.start(self)

    async def subscribes(self, *topics: str) -> None:
        """Subscribe and wait until the subscriptions are active."""
        before = len(self.confirmed)
        for topic in topics:
            self.broker.subscribe(topic)
        if not isinstance(self.broker, MemoryBroker):
            times = 2 if isinstance(self.broker, SpreadBroker) else 1
            await until(lambda: len(self.confirmed) >= before + times * len(topics))


def envelope(number: int, topic: str = "class:7") -> Envelope:
    return Envelope(topic, "message:sent", b'{"text":"%d"}' % number, number)
