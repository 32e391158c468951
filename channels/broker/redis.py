"""The broker over Redis pub/sub: one channel per topic, one message per worker, topic and turn.

    publish: a turn's envelopes -> by topic -> MessagePack [worker, [envelope, …]] -> PUBLISH, one write for all
    receive: SUBSCRIBE follows the topics in use -> a read of the socket -> one `deliver`

Redis may lose anything at any time and say nothing. So this promises little and keeps an eye on what it has: a
subscription counts from Redis' confirmation, after which the hub is asked to look into the journal for what came
before (`Resubscribed`); a connection that answers no PING in time is replaced; while there is none, the hub
looks more often. What cannot be sent is dropped: the journal has it.

There are two connections, each a `RedisLink`: one is subscribed, the other publishes.
"""

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

import hiredis
import msgspec
from redis.asyncio.connection import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from channels.broker.broker import BrokerListener, Envelope
from channels.broker.redis_link import RedisLink, command

log = logging.getLogger(__name__)

# After so many seconds of silence the journal is asked more often: a guess that is wrong costs a few queries.
DOUBT_SECONDS = 1.0

# How long connecting may take.
CONNECT_SECONDS = 2.0

# How often the hub asks the journal what it lacks: with Redis as a precaution, without it as the only fan-out.
CHECK_SECONDS = 2.0
CHECK_SECONDS_AWAY = 0.3

# Messages that Redis has not answered; what comes beyond is dropped, and read from the journal.
MAX_UNANSWERED = 20_000

# How long a worker that ends waits for the answers to what it published last.
CLOSE_SECONDS = 1.0


class Parcel(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What travels: who sent it, and the envelopes of one topic."""

    worker: str
    envelopes: list[Envelope]


class RedisBroker:
    """One worker's place on the Redis at `url` (redis://, rediss:// or unix://); `prefix` keeps schools apart."""

    def __init__(self, url: str, prefix: str = "lousa:") -> None:
        self.worker = secrets.token_hex(8)
        # Trying again is ours. No timeout for reading: silence is normal there, and PING sees to the rest.
        self._pool = ConnectionPool.from_url(
            url,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            socket_connect_timeout=CONNECT_SECONDS,
            socket_timeout=None,
        )
        self._subscriber = RedisLink(self._pool, self._subscribe_all, self._take, silent=False)
        self._publisher = RedisLink(self._pool, self._forget_unanswered, self._take_answers, silent=True)
        self._prefix = prefix.encode()
        self._topics: set[str] = set()
        self._changes: dict[str, bool] = {}
        self._unanswered: deque[str] = deque()
        self._listener: BrokerListener | None = None
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(Parcel)

    @property
    def connected(self) -> bool:
        """Tell whether the other workers are reached now, and reach us."""
        return self._subscriber.connected and self._publisher.connected

    @property
    def check_seconds(self) -> float | None:
        """Return the seconds until the hub should ask the journal what it lacks."""
        silence = asyncio.get_running_loop().time() - self._subscriber.heard_at
        return CHECK_SECONDS if self.connected and silence < DOUBT_SECONDS else CHECK_SECONDS_AWAY

    def start(self, listener: BrokerListener) -> None:
        """Begin to listen, and go on until `close`; Redis need not be there yet."""
        self._listener = listener
        self._subscriber.start()
        self._publisher.start()

    async def close(self) -> None:
        """Stop listening and let the connections go, when what was published has been answered."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                # Polled: this happens once in a worker's life.
                while self._unanswered and self._publisher.connected:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        await self._subscriber.close()
        await self._publisher.close()
        await self._pool.disconnect()

    # Publishing

    def publish(self, batch: Sequence[Envelope]) -> None:
        """Send what one turn has made; what does not fit is dropped."""
        by_topic: dict[str, list[Envelope]] = {}
        for envelope in batch:
            by_topic.setdefault(envelope.topic, []).append(envelope)
        if len(self._unanswered) + len(by_topic) > MAX_UNANSWERED:
            return
        if self._publisher.write(b"".join([self._publish(*each) for each in by_topic.items()])):
            self._unanswered.extend(by_topic)

    def _publish(self, topic: str, envelopes: list[Envelope]) -> bytes:
        return command(b"PUBLISH", self._channel(topic), self._encoder.encode(Parcel(self.worker, envelopes)))

    def _channel(self, topic: str) -> bytes:
        return self._prefix + topic.encode()

    def _forget_unanswered(self) -> None:
        self._unanswered.clear()

    def _take_answers(self, parser: hiredis.Reader) -> None:
        while (reply := parser.gets()) is not False:
            if reply == b"PONG":
                continue
            topic = self._unanswered.popleft()
            if isinstance(reply, hiredis.ReplyError):
                log.warning("Redis would not publish: %s", reply)  # the journal has it
            elif reply == 0 and self._listener is not None:
                self._listener.no_subscribers(topic)

    # Subscribing

    def subscribe(self, topic: str) -> None:
        """Ask for a topic's envelopes from now on."""
        self._topics.add(topic)
        self._change(topic, wanted=True)

    def unsubscribe(self, topic: str) -> None:
        """Ask for no more of them."""
        self._topics.discard(topic)
        self._change(topic, wanted=False)

    def _change(self, topic: str, *, wanted: bool) -> None:
        if not self._changes:
            asyncio.get_running_loop().call_soon(self._send_changes)
        self._changes[topic] = wanted

    def _send_changes(self) -> None:
        changes, self._changes = self._changes, {}
        self._ask(b"SUBSCRIBE", [topic for topic, wanted in changes.items() if wanted])
        self._ask(b"UNSUBSCRIBE", [topic for topic, wanted in changes.items() if not wanted])

    def _subscribe_all(self) -> None:
        self._changes.clear()
        self._ask(b"SUBSCRIBE", sorted(self._topics))

    def _ask(self, name: bytes, topics: Sequence[str]) -> None:
        # Without a connection nothing is lost: the next one begins with everything that is wanted then.
        if topics:
            self._subscriber.write(command(name, *map(self._channel, topics)))

    # Reading

    def _take(self, parser: hiredis.Reader) -> None:
        envelopes: list[Envelope] = []
        confirmed: list[str] = []
        while (reply := parser.gets()) is not False:
            kind = reply[0] if isinstance(reply, list) else None
            if kind == b"message":
                envelopes += self._unpacked(reply[2])
            elif kind == b"subscribe":
                confirmed.append(reply[1].removeprefix(self._prefix).decode())
            elif isinstance(reply, hiredis.ReplyError):
                raise ConnectionResetError(str(reply))
        assert self._listener is not None, "only a broker that was started reads"
        if envelopes:
            self._listener.received(envelopes)
        if confirmed:
            self._listener.resubscribed([topic for topic in confirmed if topic in self._topics])

    def _unpacked(self, data: bytes) -> list[Envelope]:
        try:
            parcel = self._decoder.decode(data)
        except msgspec.DecodeError as error:
            log.warning("something that is not ours was published to our channels: %s", error)
            return []
        return [] if parcel.worker == self.worker else parcel.envelopes
