"""One connection to Redis, kept up, whose socket we read and write ourselves.

redis-py makes the connection: it knows URLs, TLS, passwords and databases. Then this module takes the connection's
`_reader` and `_writer`, because redis-py's `PubSub` costs 4 to 9 µs of CPU a message and a `hiredis.Reader` fed from
the socket 1.3 to 5 (`python -m bench reader`), and a pipeline costs 100 µs a turn where one write costs 20. This is the
only module that touches redis-py's private attributes; `tests/channels/broker/test_redis_link.py` fails if a release
of redis-py changes them.

A link does not judge whether its connection works: see `channels.broker.redis_probe`.
"""

import asyncio
import logging
from typing import Protocol

import hiredis
from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import SentinelConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, AuthorizationError, RedisError, ResponseError

from channels.broker.redis_sentinel import SCHEMES, close_pool, has_moved, sentinel_pool

log = logging.getLogger(__name__)

# How long an attempt to connect may take, with its handshake, and how long to wait before the next one.
CONNECT_SECONDS = 2.0
RETRY_SECONDS = 0.5

# How often Sentinels, if there are any, are asked whether the Redis of a connection still leads. A Redis that another
# one has replaced ends its connections, unless it is cut off from the Sentinels: then this is what tells.
LEADER_SECONDS = 2.0

# Bytes that Redis has not read yet; what comes beyond is dropped, and read from the journal.
MAX_OUTBOUND_BYTES = 32 * 1024 * 1024

# Bytes read from the socket at once: a few hundred messages.
READ_BYTES = 256 * 1024


class RedisRefusal(Exception):
    """Redis answered a command with an error that makes the connection useless."""


class RedisLinkListener(Protocol):
    """The user of one link or of several."""

    def opened(self, link: "RedisLink") -> None:
        """Begin a new connection; nothing of the one before counts any more."""

    def read(self, link: "RedisLink", parser: hiredis.Reader) -> None:
        """Take the replies that the parser holds; an exception raised here ends the connection."""

    def closed(self, link: "RedisLink", error: Exception) -> None:
        """Note that there is no connection, and why; also called after each attempt that fails."""


class RedisLink:
    """A connection to the Redis at `url`, or to the one that leads, that is made again whenever it ends."""

    def __init__(
        self, url: str, *, connect_seconds: float = CONNECT_SECONDS, retry_seconds: float = RETRY_SECONDS
    ) -> None:
        self._pool = connection_pool(url, socket_timeout=None)  # `RedisProbe` judges silence
        self._connect_seconds = connect_seconds
        self._retry_seconds = retry_seconds
        self._listener: RedisLinkListener | None = None
        self._connection: AbstractConnection | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._reads = 0
        self._replaced_because: str | None = None
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def is_open(self) -> bool:
        """Tell whether there is a connection; it may still be dead."""
        return self._writer is not None

    def start(self, listener: RedisLinkListener) -> None:
        """Start connecting."""
        self._listener = listener
        self._tasks.append(asyncio.create_task(self._keep_connected(listener)))
        if isinstance(self._pool, SentinelConnectionPool):
            self._tasks.append(asyncio.create_task(self._follow_leader()))

    async def close(self) -> None:
        """Close the connection for good."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await close_pool(self._pool)

    def replace(self, reason: str) -> None:
        """End the connection, so that a new one is made."""
        if self._writer is not None:
            self._replaced_because = reason
            self._writer.transport.abort()

    def write(self, commands: bytes) -> bool:
        """Send commands; False if they are dropped because there is no connection or it accepts no more bytes."""
        writer = self._writer
        if writer is None or writer.transport.get_write_buffer_size() > MAX_OUTBOUND_BYTES:
            return False
        writer.write(commands)
        return True

    def take_reads(self) -> int:
        """Return how often something was read since the last call."""
        reads, self._reads = self._reads, 0
        return reads

    async def _keep_connected(self, listener: RedisLinkListener) -> None:
        while True:
            try:
                await self._connect_and_read(listener)
            except (RedisRefusal, RedisError, OSError, hiredis.HiredisError) as error:
                listener.closed(self, error)
            except Exception as error:  # a bug of ours; without this task no envelope would arrive any more
                log.exception("A reply of Redis could not be handled; the connection is replaced")
                listener.closed(self, error)
            await asyncio.sleep(self._retry_seconds)

    async def _connect_and_read(self, listener: RedisLinkListener) -> None:
        connection: AbstractConnection = self._pool.make_connection()  # type: ignore[no-untyped-call]
        try:
            reader, self._writer = await self._connect(connection)
            self._connection = connection
            self._replaced_because = None
            listener.opened(self)
            await self._read(listener, reader)
        finally:
            self._writer = self._connection = None
            await connection.disconnect(nowait=True)

    async def _follow_leader(self) -> None:
        while True:
            await asyncio.sleep(LEADER_SECONDS)
            connection = self._connection
            if connection is not None and await has_moved(self._pool, connection) and connection is self._connection:
                self.replace("another Redis leads now")

    async def _connect(self, connection: AbstractConnection) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        try:
            async with asyncio.timeout(self._connect_seconds):  # redis-py's own does not cover AUTH and SELECT
                await connection.connect()  # type: ignore[no-untyped-call]
        except TimeoutError:
            raise ConnectionError(f"it does not answer within {self._connect_seconds:g} s") from None
        return streams(connection)

    async def _read(self, listener: RedisLinkListener, reader: asyncio.StreamReader) -> None:
        parser = hiredis.Reader()
        while data := await reader.read(READ_BYTES):
            self._reads += 1
            parser.feed(data)
            listener.read(self, parser)
        raise ConnectionResetError(self._replaced_because or "the connection was closed")


def is_refusal(error: Exception) -> bool:
    """Tell whether Redis is there and refuses us, or we refuse its certificate: waiting does not help then."""
    refusals = (RedisRefusal, AuthenticationError, AuthorizationError, ResponseError)
    return isinstance(error, refusals) or "CERTIFICATE_VERIFY_FAILED" in str(error)


def connection_pool(url: str, **timeouts: float | None) -> ConnectionPool:
    """Return a pool of connections that send no command but AUTH by themselves, and do not retry.

    A user with few rights may not send redis-py's CLIENT SETINFO (`driver_info`), HELLO (`protocol`) or SELECT (`db`).
    A channel reaches subscribers in every database, so the URL's database number changes nothing.
    """
    options = {"protocol": 2, "retry": Retry(NoBackoff(), 0), "driver_info": None, **timeouts}
    if url.partition("://")[0] in SCHEMES:
        return sentinel_pool(url, **options)
    pool = ConnectionPool.from_url(url, **options)
    pool.connection_kwargs["db"] = 0  # an argument would not replace the URL's
    return pool


def streams(connection: AbstractConnection) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Return the streams of an open connection, from redis-py's private attributes."""
    reader, writer = connection._reader, connection._writer
    assert reader is not None, "redis-py keeps the streams of an open connection here"
    assert writer is not None
    return reader, writer


def command(*words: bytes) -> bytes:
    """Return a command in Redis' protocol (RESP): the number of words, then each word after its length."""
    return b"*%d\r\n%b" % (len(words), b"".join([b"$%d\r\n%b\r\n" % (len(word), word) for word in words]))
