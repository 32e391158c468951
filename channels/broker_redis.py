"""The broker over Redis pub/sub: one channel per topic, one message per worker, topic and turn.

    publish: a turn's envelopes -> by topic -> MessagePack [worker, [envelope, …]] -> PUBLISH, pipelined
    receive: SUBSCRIBE follows the topics in use -> a read of the socket -> one `deliver`

Redis may lose anything at any time and say nothing. So this promises little and keeps an eye on what it has: a
subscription counts from Redis' confirmation, after which the hub is asked to look into the journal for what came
before (`Resubscribed`); a connection that answers no PING in time is replaced; while there is none, the hub
looks more often. What cannot be sent is dropped: the journal has it.

Publishing goes through `redis.asyncio`'s client, a pipeline at a time. Reading does not: of 20,000 messages a second
its `PubSub` costs 4 to 9 µs of CPU each, however many come together, and `hiredis.Reader` fed from the socket 1.3 to 5,
decoding included (`python -m bench reader`). The connection is still one of `redis.asyncio`'s, which knows URLs, TLS
and passwords.
"""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Sequence
from typing import Any

import hiredis
import msgspec
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from channels.broker import Deliver, Envelope, Resubscribed, Unheard

log = logging.getLogger(__name__)

# A connection that is open but dead is noticed within PING + ANSWER seconds, under the 5 that are promised. Already
# after DOUBT seconds of silence the journal is asked more often: a guess that is wrong costs a few queries.
PING_SECONDS = 0.5
DOUBT_SECONDS = 1.0
ANSWER_SECONDS = 3.0

# How long connecting may take, and how long to wait before the next attempt.
CONNECT_SECONDS = 2.0
RETRY_SECONDS = 0.5

# How often the hub asks the journal what it lacks: with Redis as a precaution, without it as the only fan-out.
CHECK_SECONDS = 2.0
CHECK_SECONDS_AWAY = 0.3

# Envelopes that wait while a pipeline is under way; what comes beyond is dropped, and read from the journal.
MAX_OUTBOUND = 20_000

# Bytes read from the socket at once: a few hundred messages.
READ_BYTES = 256 * 1024


class Parcel(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What travels: who sent it, and the envelopes of one topic."""

    worker: str
    envelopes: list[Envelope]


class RedisBroker:
    """One worker's place on the Redis at `url` (redis://, rediss:// or unix://); `prefix` keeps schools apart."""

    def __init__(self, url: str, prefix: str = "lousa:") -> None:
        self.worker = secrets.token_hex(8)
        self.connected = False
        retry = Retry(NoBackoff(), 0)  # trying again is ours
        options: dict[str, Any] = {"protocol": 2, "retry": retry, "socket_connect_timeout": CONNECT_SECONDS}
        self._client = Redis.from_url(url, socket_timeout=ANSWER_SECONDS, **options)
        # No timeout of its own for reading: silence is normal there, and PING sees to the rest.
        self._readers = ConnectionPool.from_url(url, socket_timeout=None, **options)
        self._prefix = prefix
        self._topics: set[str] = set()
        self._changes: dict[str, bool] = {}
        self._outbound: list[Envelope] = []
        self._deliver: Deliver = lambda batch: None
        self._resubscribed: Resubscribed = lambda topics: None
        self._unheard: Unheard = lambda topic: None
        self._connection: AbstractConnection | None = None
        self._heard_at = 0.0
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(Parcel)
        self._publishing: asyncio.Task[None] | None = None
        self._reading: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None

    @property
    def check_seconds(self) -> float | None:
        """Return the seconds until the hub should ask the journal what it lacks."""
        silence = asyncio.get_running_loop().time() - self._heard_at
        return CHECK_SECONDS if self.connected and silence < DOUBT_SECONDS else CHECK_SECONDS_AWAY

    async def start(self, deliver: Deliver, resubscribed: Resubscribed, unheard: Unheard) -> None:
        """Begin to listen, and go on until `close`; Redis need not be there yet."""
        self._deliver, self._resubscribed, self._unheard = deliver, resubscribed, unheard
        self._reading = asyncio.create_task(self._read_for_ever())
        self._watching = asyncio.create_task(self._watch_for_ever())

    async def close(self) -> None:
        """Stop listening and let the connections go; a pipeline that is under way is waited for."""
        for task in filter(None, (self._reading, self._watching)):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if self._publishing is not None:
            await asyncio.gather(self._publishing, return_exceptions=True)
        await self._client.aclose()
        await self._readers.disconnect()

    # Publishing

    def publish(self, batch: Sequence[Envelope]) -> None:
        """Send what one turn has made; what does not fit is dropped."""
        if len(self._outbound) < MAX_OUTBOUND:
            self._outbound.extend(batch)
        if self._publishing is None and self._outbound:
            self._publishing = asyncio.create_task(self._publish_all())

    async def _publish_all(self) -> None:
        # Never cancelled half way: an answer left on a shared connection would be the next command's.
        try:
            while self._outbound:
                batch, self._outbound = self._outbound, []
                await self._publish(batch)
        finally:
            self._publishing = None

    async def _publish(self, batch: list[Envelope]) -> None:
        by_topic: dict[str, list[Envelope]] = {}
        for envelope in batch:
            by_topic.setdefault(envelope.topic, []).append(envelope)
        pipeline = self._client.pipeline(transaction=False)
        for topic, envelopes in by_topic.items():
            pipeline.publish(self._prefix + topic, self._encoder.encode(Parcel(self.worker, envelopes)))
        # The journal has what is lost here, and the reading connection says whether Redis is away.
        with contextlib.suppress(RedisError, OSError):
            for topic, hearers in zip(by_topic, await pipeline.execute(), strict=True):
                if hearers == 0:
                    self._unheard(topic)

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
        self._command("SUBSCRIBE", [topic for topic, wanted in changes.items() if wanted])
        self._command("UNSUBSCRIBE", [topic for topic, wanted in changes.items() if not wanted])

    def _command(self, name: str, topics: Sequence[str]) -> None:
        # Without a connection nothing is lost: the next one begins with everything that is wanted then.
        if topics and self._connection is not None:
            self._write(name, *(self._prefix + topic for topic in topics))

    def _write(self, *command: str) -> None:
        assert self._connection is not None
        writer = self._connection._writer
        if writer is not None:
            writer.writelines(self._connection.pack_command(*command))

    # Reading

    async def _read_for_ever(self) -> None:
        while True:
            try:
                await self._read_once()
            except (RedisError, OSError, hiredis.HiredisError) as error:
                if self.connected:
                    log.warning("Redis is away: %s", error)
            except Exception:  # a bug of ours; without this task nothing would be heard any more
                log.exception("reading from Redis failed; it is begun anew")
            self.connected = False
            await asyncio.sleep(RETRY_SECONDS)

    async def _read_once(self) -> None:
        connection: AbstractConnection = self._readers.make_connection()  # type: ignore[no-untyped-call]
        try:
            await connection.connect()  # type: ignore[no-untyped-call]
            reader = connection._reader
            assert reader is not None
            self._connection, self._heard_at = connection, asyncio.get_running_loop().time()
            self._changes.clear()
            self._command("SUBSCRIBE", sorted(self._topics))
            self._write("PING")
            await self._read_from(reader)
        finally:
            self._connection = None
            await connection.disconnect(nowait=True)

    async def _read_from(self, reader: asyncio.StreamReader) -> None:
        parser = hiredis.Reader()
        while data := await reader.read(READ_BYTES):
            self._heard_at = asyncio.get_running_loop().time()
            parser.feed(data)
            self._take(parser)
        raise ConnectionResetError("the connection was closed")

    def _take(self, parser: hiredis.Reader) -> None:
        envelopes: list[Envelope] = []
        confirmed: list[str] = []
        while (reply := parser.gets()) is not False:
            kind = reply[0] if isinstance(reply, list) else None
            if kind == b"message":
                envelopes += self._unpacked(reply[2])
            elif kind == b"subscribe":
                confirmed.append(reply[1].decode().removeprefix(self._prefix))
            elif kind == b"pong" and not self.connected:
                self.connected = True
                log.info("Redis is there")
            elif isinstance(reply, hiredis.ReplyError):
                raise ConnectionResetError(str(reply))
        if envelopes:
            self._deliver(envelopes)
        if confirmed:
            self._resubscribed([topic for topic in confirmed if topic in self._topics])

    def _unpacked(self, data: bytes) -> list[Envelope]:
        try:
            parcel = self._decoder.decode(data)
        except msgspec.DecodeError as error:
            log.warning("something that is not ours was published to our channels: %s", error)
            return []
        return [] if parcel.worker == self.worker else parcel.envelopes

    async def _watch_for_ever(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(PING_SECONDS)
            connection = self._connection
            if connection is None or connection._writer is None:
                continue
            if loop.time() - self._heard_at > ANSWER_SECONDS:
                log.warning("Redis does not answer; its connection is replaced")
                connection._writer.transport.abort()
            else:
                self._write("PING")
