"""The broker over Redis pub/sub: one channel per topic, one message per worker, topic and turn.

    publish: a turn's envelopes -> by topic -> MessagePack [worker, [envelope, …]] -> PUBLISH, one write for all
    receive: SUBSCRIBE follows the topics in use -> a read of the socket -> one `received`

Redis may lose anything at any time without a sign, so this guarantees little and watches what it has. A subscription
is active from Redis' confirmation on; then the listener looks into the journal for what came before (`resubscribed`).
The two connections, one subscribed and one publishing, count as connected while probes published on the one come back
on the other (`redis_probe`); while they do not, the journal is asked more often. What cannot be sent is dropped: the
journal has it.

Every reply is matched to its command: on the publishing connection replies come in the order of the PUBLISHes, the only
command there, and an error on the subscribed one can only answer a SUBSCRIBE or UNSUBSCRIBE.
"""

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

import hiredis
import msgspec

from channels.broker.broker import BrokerListener, Envelope, Relayed
from channels.broker.redis_link import CONNECT_SECONDS, RETRY_SECONDS, RedisLink, RedisRefusal, command, is_refusal
from channels.broker.redis_probe import PROBE_SECONDS, RedisProbe
from channels.broker.repeats import Repeats
from channels.pace import until_tick

log = logging.getLogger(__name__)

# How often the hub asks the journal for lost events: with Redis as a precaution, without it as the only fan-out.
CHECK_SECONDS = 2.0
CHECK_SECONDS_AWAY = 0.3

# Messages that Redis has not answered; what comes beyond is dropped, and read from the journal.
MAX_UNANSWERED = 20_000

# How long a worker that ends waits for the answers to what it published last.
CLOSE_SECONDS = 1.0

# An error that goes on is logged once; it counts as new when it did not occur for so long.
SAY_AGAIN_SECONDS = 60.0

# Different errors that are remembered for that; Redis has some 30 error codes.
MAX_REMEMBERED_ERRORS = 100


class Parcel(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The content of one Redis message: who sent it, and the envelopes of one topic.

    What a worker sends over several Redis has the same `number` on each; 0: it is sent over one.
    """

    worker: str
    envelopes: list[Envelope]
    number: int = 0


class Share:
    """What a worker's connections to several Redis share: what they count, and what came over any of them."""

    __slots__ = ("relayed", "repeats", "worker")

    def __init__(self) -> None:
        self.worker = secrets.token_hex(8)
        self.relayed = Relayed()
        self.repeats = Repeats()


class RedisBroker:
    """One worker's connections to the Redis at `url`; `prefix` keeps schools apart.

    Where there are several Redis (`channels.broker.spread`), `name` says in the log which this is.
    """

    def __init__(
        self,
        url: str,
        prefix: str = "lousa:",
        *,
        name: str = "",
        share: Share | None = None,
        probe_seconds: float = PROBE_SECONDS,
        connect_seconds: float = CONNECT_SECONDS,
        retry_seconds: float = RETRY_SECONDS,
        max_unanswered: int = MAX_UNANSWERED,
    ) -> None:
        share = share or Share()
        self.worker = share.worker
        self.relayed = share.relayed
        self._probed_at = 0.0
        self._name = f"Redis {name}" if name else "Redis"
        self._repeats = share.repeats
        self._subscriber, self._publisher = (
            RedisLink(url, connect_seconds=connect_seconds, retry_seconds=retry_seconds) for _ in range(2)
        )
        self._probe = RedisProbe()
        self._probe_topic = f"probe:{self.worker}"
        self._probe_seconds = probe_seconds
        self._max_unanswered = max_unanswered
        self._prefix = prefix.encode()
        self._topics: set[str] = {self._probe_topic}
        self._changes: dict[str, bool] = {}
        self._unanswered: deque[str] = deque()
        self._errors: dict[str, float] = {}
        self._listener: BrokerListener | None = None
        self._probing: asyncio.Task[None] | None = None
        self._was_sure = False
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(Parcel)

    @property
    def connected(self) -> bool:
        """Tell whether envelopes currently reach the other workers, and theirs reach this one."""
        return self._probe.alive

    @property
    def check_seconds(self) -> float | None:
        """Return the seconds until the hub should ask the journal for lost events."""
        return CHECK_SECONDS if self.is_sure else CHECK_SECONDS_AWAY

    @property
    def is_sure(self) -> bool:
        """Tell whether the newest probes have come back, too."""
        return self._probe.alive and not self._probe.doubted

    def start(self, listener: BrokerListener) -> None:
        """Start connecting; Redis need not be reachable yet."""
        self._listener = listener
        self._subscriber.start(self)
        self._publisher.start(self)
        self._probing = asyncio.create_task(self._probe_regularly())

    async def close(self) -> None:
        """Stop delivering, and close the connections once what was published has been answered."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                # Polled: this happens once in a worker's life.
                while self._unanswered and self._publisher.is_open:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.gather(self._probing, return_exceptions=True)
        await self._subscriber.close()
        await self._publisher.close()
        self._probe.restart()

    # Connections (`RedisLinkListener`)

    def opened(self, link: RedisLink) -> None:
        """Subscribe to all topics on a new subscribed connection; probe the pair that a new connection makes."""
        self._probe.restart()
        self._note_doubt()
        if link is self._subscriber:
            self._changes.clear()
            self._send_subscriptions(b"SUBSCRIBE", sorted(self._topics))
        else:
            self._unanswered.clear()
        self._publish_probe()

    def read(self, link: RedisLink, parser: hiredis.Reader) -> None:
        """Take what a connection has received."""
        if link is self._subscriber:
            self._take_messages(parser)
        else:
            self._take_answers(parser)

    def closed(self, link: RedisLink, error: Exception) -> None:
        """Count as disconnected until a new pair of connections is proven."""
        self.relayed.lost += self._probe.alive
        self._probe.restart()
        self._note_doubt()
        words = "%s is there, but cannot be used: %s" if is_refusal(error) else "%s is away: %s"
        self._warn(str(error), words, self._name, error)

    def _warn(self, kind: str, message: str, *details: object) -> None:
        now = asyncio.get_running_loop().time()
        last = self._errors.pop(kind, None)
        if last is None or now - last > SAY_AGAIN_SECONDS:
            log.warning(message, *details)
        self._errors[kind] = now
        if len(self._errors) > MAX_REMEMBERED_ERRORS:
            del self._errors[next(iter(self._errors))]

    def _note_doubt(self) -> None:
        was_sure, self._was_sure = self._was_sure, self.is_sure
        if was_sure and not self._was_sure and self._listener is not None:
            self._listener.doubted()

    # Probing

    async def _probe_regularly(self) -> None:
        while True:
            await asyncio.sleep(until_tick(self._probe_seconds))
            self._tick()
            self._note_doubt()

    def _tick(self) -> None:
        reads = [link.take_reads() for link in (self._subscriber, self._publisher)]
        if not (self._subscriber.is_open and self._publisher.is_open):
            return  # each is being made again, and has its own time for that
        reason = self._probe.tick(is_silent=not all(reads))
        if reason is None:
            self._publish_probe()
            return
        self.relayed.lost += self._probe.alive
        self._probe.restart()
        self._subscriber.replace(reason)
        self._publisher.replace(reason)

    def _publish_probe(self) -> None:
        self._probed_at = asyncio.get_running_loop().time()
        self.publish([Envelope(self._probe_topic, "", b"", self._probe.next())])

    def _take_own(self, envelopes: list[Envelope]) -> None:
        # Own envelopes come back where this worker is subscribed as well: of interest are the probes.
        for envelope in envelopes:
            if envelope.topic != self._probe_topic:
                continue
            if envelope.seq == self._probe.number:
                self.relayed.round_trip.observe(asyncio.get_running_loop().time() - self._probed_at)
            is_back = self._probe.returned(envelope.seq)
            self._note_doubt()
            if is_back:
                self._errors.clear()
                log.info("%s is there", self._name)

    # Publishing

    def publish(self, batch: Sequence[Envelope], number: int = 0) -> None:
        """Send one turn's envelopes, by a number if they also go elsewhere; what exceeds the bounds is dropped."""
        by_topic: dict[str, list[Envelope]] = {}
        for envelope in batch:
            by_topic.setdefault(envelope.topic, []).append(envelope)
        if len(self._unanswered) + len(by_topic) > self._max_unanswered:
            self.relayed.dropped += len(batch)
        elif self._publisher.write(b"".join([self._publish(*each, number) for each in by_topic.items()])):
            self._unanswered.extend(by_topic)
            self.relayed.published += len(batch)
        else:
            self.relayed.dropped += len(batch)

    def _publish(self, topic: str, envelopes: list[Envelope], number: int) -> bytes:
        return command(b"PUBLISH", self._channel(topic), self._encoder.encode(Parcel(self.worker, envelopes, number)))

    def _channel(self, topic: str) -> bytes:
        return self._prefix + topic.encode()

    def _take_answers(self, parser: hiredis.Reader) -> None:
        while (reply := parser.gets()) is not False:
            if not self._unanswered:
                raise RedisRefusal(f"it sent what answers no command: {reply!r:.100}")
            topic = self._unanswered.popleft()
            if isinstance(reply, hiredis.ReplyError):
                self._refused(topic, str(reply))
            elif reply == 0 and topic != self._probe_topic and self._listener is not None:
                self._listener.no_subscribers(topic)

    def _refused(self, topic: str, error: str) -> None:
        # What was published is in the journal.
        self._warn(f"PUBLISH {error.split(' ', 1)[0]}", "%s refuses PUBLISH: %s", self._name, error)
        if topic == self._probe_topic:
            self._probe.refused()
            self._note_doubt()

    # Subscribing

    def subscribe(self, topic: str) -> None:
        """Request the envelopes of a topic."""
        self._topics.add(topic)
        self._change(topic, wanted=True)

    def unsubscribe(self, topic: str) -> None:
        """Cancel a subscription."""
        self._topics.discard(topic)
        self._change(topic, wanted=False)

    def _change(self, topic: str, *, wanted: bool) -> None:
        if not self._changes:
            asyncio.get_running_loop().call_soon(self._send_changes)
        self._changes[topic] = wanted

    def _send_changes(self) -> None:
        changes, self._changes = self._changes, {}
        self._send_subscriptions(b"SUBSCRIBE", [topic for topic, wanted in changes.items() if wanted])
        self._send_subscriptions(b"UNSUBSCRIBE", [topic for topic, wanted in changes.items() if not wanted])

    def _send_subscriptions(self, name: bytes, topics: Sequence[str]) -> None:
        # Without a connection nothing is lost: the next one begins with all topics that are wanted then.
        if topics:
            self._subscriber.write(command(name, *map(self._channel, topics)))

    # Receiving

    def _take_messages(self, parser: hiredis.Reader) -> None:
        envelopes: list[Envelope] = []
        confirmed: list[str] = []
        while (reply := parser.gets()) is not False:
            kind = reply[0] if isinstance(reply, list) else None
            if kind == b"message":
                envelopes += self._unpacked(reply[2])
            elif kind == b"subscribe":
                confirmed.append(reply[1].removeprefix(self._prefix).decode())
            elif isinstance(reply, hiredis.ReplyError):
                raise RedisRefusal(f"it refuses SUBSCRIBE: {reply}")
        assert self._listener is not None, "only a broker that was started reads"
        if envelopes:
            self.relayed.received += len(envelopes)
            self._listener.received(envelopes)
        if confirmed:
            self._note_confirmed(confirmed)

    def _note_confirmed(self, topics: Sequence[str]) -> None:
        if self._probe_topic in topics:
            self._publish_probe()
        wanted = [topic for topic in topics if topic in self._topics and topic != self._probe_topic]
        if wanted and self._listener is not None:
            self._listener.resubscribed(wanted)

    def _unpacked(self, data: bytes) -> list[Envelope]:
        try:
            parcel = self._decoder.decode(data)
        except msgspec.DecodeError as error:
            self._warn("a foreign message", "Another program publishes to our channels: %s", error)
            return []
        if parcel.worker == self.worker:
            self._take_own(parcel.envelopes)
            return []
        if parcel.number and self._repeats.is_repeated(parcel.worker, parcel.number, parcel.envelopes[0].topic):
            return []
        return parcel.envelopes
