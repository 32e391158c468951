"""Several Redis as one broker: each topic has two of them, so that none is the only one.

    topic -> rendezvous hashing -> its home and its substitute
    subscribe: at both                       publish: at home; at both, while home is in doubt here or for anybody else

All workers get the same list, and whatever its order choose the same two. Since each is subscribed at both, what is
published at either arrives, and a Redis that fails costs what was under way to it: nobody has to subscribe anew.
A worker that a Redis does not reach tells the others over the rest of them, on each tick: so one that sees a Redis and
one that does not still reach each other. What is sent twice has a number, and the second is dropped (`Repeats`).

It knows nothing of Redis itself: its parts are `RedisBroker`s. The reasons: docs/notes/redis.md.
"""

import asyncio
import hashlib
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from itertools import count
from urllib.parse import urlsplit

from channels.broker.broker import BrokerListener, Envelope
from channels.broker.redis import CHECK_SECONDS, CHECK_SECONDS_AWAY, RedisBroker, Share
from channels.broker.redis_probe import PROBE_SECONDS
from channels.pace import until_tick

# The topic on which workers tell which Redis does not reach them. Every worker is subscribed to it at all of them.
AWAY = "away"

# How long that holds: four ticks, so that one that is lost or late changes nothing.
HOLDS_SECONDS = 4 * PROBE_SECONDS

# Topics whose two Redis are remembered: as many as a worker has in use. Choosing them takes some microseconds.
_REMEMBERED = 50_000


@lru_cache(_REMEMBERED)
def home_and_substitute(topic: str, names: frozenset[str]) -> tuple[str, str]:
    """Return the two of these Redis that come first for a topic (rendezvous hashing): a third changes few of them."""
    first, second, *_ = sorted(names, key=lambda name: hashlib.blake2b(f"{name} {topic}".encode()).digest())
    return first, second


def name_of(url: str) -> str:
    """Return what a Redis is called by all workers: its place, without credentials, options and database."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2].lower()
    if parts.scheme in ("redis", "rediss"):
        return f"{parts.hostname or 'localhost'}:{parts.port or 6379}"
    return f"{place}{parts.path}"


class SpreadBroker:
    """One worker's connections to the Redis of `urls`, two or more, which are called the same by every worker."""

    def __init__(
        self, urls: Mapping[str, str], prefix: str = "lousa:", *, probe_seconds: float = PROBE_SECONDS
    ) -> None:
        share = Share()
        self.relayed = share.relayed
        self._names = frozenset(urls)
        self._parts = {
            name: RedisBroker(url, prefix, name=name, share=share, probe_seconds=probe_seconds)
            for name, url in urls.items()
        }
        self._probe_seconds = probe_seconds
        self._numbers = count(1)
        self._away_until: dict[str, float] = {}  # for others, by the event loop's clock
        self._listener: BrokerListener | None = None
        self._telling: asyncio.Task[None] | None = None

    @property
    def connected(self) -> bool:
        """Tell whether envelopes currently reach the other workers, and theirs reach this one: with one Redis away."""
        return sum(part.connected for part in self._parts.values()) >= len(self._parts) - 1

    @property
    def check_seconds(self) -> float | None:
        """Return the seconds until the hub should ask the journal for lost events."""
        return CHECK_SECONDS if all(part.is_sure for part in self._parts.values()) else CHECK_SECONDS_AWAY

    def start(self, listener: BrokerListener) -> None:
        """Start connecting to all."""
        self._listener = listener
        for part in self._parts.values():
            part.start(self)
            part.subscribe(AWAY)
        self._telling = asyncio.create_task(self._tell_regularly())

    async def close(self) -> None:
        """Stop delivering."""
        if self._telling is not None:
            self._telling.cancel()
            await asyncio.gather(self._telling, return_exceptions=True)
        await asyncio.gather(*(part.close() for part in self._parts.values()))

    def subscribe(self, topic: str) -> None:
        """Request the envelopes of a topic."""
        for name in home_and_substitute(topic, self._names):
            self._parts[name].subscribe(topic)

    def unsubscribe(self, topic: str) -> None:
        """Cancel a subscription."""
        for name in home_and_substitute(topic, self._names):
            self._parts[name].unsubscribe(topic)

    def publish(self, batch: Sequence[Envelope]) -> None:
        """Send one turn's envelopes."""
        by_home: dict[tuple[str, str], list[Envelope]] = {}
        for envelope in batch:
            by_home.setdefault(home_and_substitute(envelope.topic, self._names), []).append(envelope)
        for (home, substitute), envelopes in by_home.items():
            if self._is_whole(home):
                self._parts[home].publish(envelopes)
                continue
            number = next(self._numbers)
            for name in (home, substitute):
                self._parts[name].publish(envelopes, number)

    def _is_whole(self, name: str) -> bool:
        # Whether a Redis reaches everybody.
        return self._parts[name].is_sure and self._away_until.get(name, 0.0) < asyncio.get_running_loop().time()

    async def _tell_regularly(self) -> None:
        while True:
            await asyncio.sleep(until_tick(self._probe_seconds))
            away = [name for name, part in self._parts.items() if not part.is_sure]
            if away:
                number = next(self._numbers)
                for part in self._parts.values():
                    part.publish([Envelope(AWAY, name, b"") for name in away], number)

    # What the parts report (`BrokerListener`)

    def received(self, batch: Sequence[Envelope]) -> None:
        """Pass on what others published, and note what does not reach them."""
        for envelope in batch:
            if envelope.topic == AWAY:
                self._away_until[envelope.event] = asyncio.get_running_loop().time() + HOLDS_SECONDS
        others = [envelope for envelope in batch if envelope.topic != AWAY]
        if others and self._listener is not None:
            self._listener.received(others)

    def resubscribed(self, topics: Collection[str]) -> None:
        """Pass on that subscriptions are active at one of the two."""
        own = [topic for topic in topics if topic != AWAY]
        if own and self._listener is not None:
            self._listener.resubscribed(own)

    def no_subscribers(self, topic: str) -> None:
        """Pass on that an envelope reached nobody, where it went to one Redis that reaches everybody."""
        home, _ = home_and_substitute(topic, self._names)
        if topic != AWAY and self._is_whole(home) and self._listener is not None:
            self._listener.no_subscribers(topic)

    def doubted(self) -> None:
        """Pass on that one of them is in doubt."""
        if self._listener is not None:
            self._listener.doubted()
