"""One connection to Redis, kept up, whose socket we read and write ourselves.

redis-py makes the connection: it knows URLs, TLS, passwords and databases. Then this module takes the connection's
`_reader` and `_writer`, because redis-py's `PubSub` costs 4 to 9 µs of CPU a message and a `hiredis.Reader` fed from
the socket 1.3 to 5 (`python -m bench reader`), and a pipeline costs 100 µs a turn where one write costs 20. This is the
only module that touches redis-py's private attributes; `tests/channels/broker/test_redis_link.py` fails if a release
of redis-py changes them.
"""

import asyncio
import logging
from collections.abc import Callable

import hiredis
from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

# A connection that is open but dead is noticed within PING + ANSWER seconds, under the 5 that are promised.
PING_SECONDS = 0.5
ANSWER_SECONDS = 3.0

# How long to wait before the next attempt to connect.
RETRY_SECONDS = 0.5

# Bytes that Redis has not read yet; what comes beyond is dropped, and read from the journal.
MAX_OUTBOUND_BYTES = 32 * 1024 * 1024

# Bytes read from the socket at once: a few hundred messages.
READ_BYTES = 256 * 1024


class RedisLink:
    """A connection to Redis that is made anew for ever: `greet` is called on each new one, `take` with what it reads.

    Whatever `take` raises ends the connection. It is `connected` from the first answer on; a `silent` one does not say
    so in the log, because another one does.
    """

    def __init__(
        self, pool: ConnectionPool, greet: Callable[[], None], take: Callable[[hiredis.Reader], None], *, silent: bool
    ) -> None:
        self.connected = False
        self.heard_at = float("-inf")
        self._pool = pool
        self._greet = greet
        self._take = take
        self._silent = silent
        self._writer: asyncio.StreamWriter | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin."""
        self._tasks = [asyncio.create_task(work()) for work in (self._read_for_ever, self._watch_for_ever)]

    async def close(self) -> None:
        """Let the connection go."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def write(self, commands: bytes) -> bool:
        """Send commands; False where that cannot be: there is no connection, or it takes nothing more."""
        writer = self._writer
        if writer is None or writer.transport.get_write_buffer_size() > MAX_OUTBOUND_BYTES:
            return False
        writer.write(commands)
        return True

    async def _read_for_ever(self) -> None:
        while True:
            try:
                await self._read_once()
            except (RedisError, OSError, hiredis.HiredisError) as error:
                if self.connected:
                    log.log(logging.DEBUG if self._silent else logging.WARNING, "Redis is away: %s", error)
            except Exception:  # a bug of ours; without this task nothing would be heard any more
                log.exception("reading from Redis failed; it is begun anew")
            self.connected = False
            await asyncio.sleep(RETRY_SECONDS)

    async def _read_once(self) -> None:
        connection: AbstractConnection = self._pool.make_connection()  # type: ignore[no-untyped-call]
        try:
            await connection.connect()  # type: ignore[no-untyped-call]
            reader, self._writer = _streams(connection)
            self.heard_at = asyncio.get_running_loop().time()
            self._greet()
            self.write(command(b"PING"))
            await self._read_from(reader)
        finally:
            self._writer = None
            await connection.disconnect(nowait=True)

    async def _read_from(self, reader: asyncio.StreamReader) -> None:
        parser = hiredis.Reader()
        while data := await reader.read(READ_BYTES):
            self.heard_at = asyncio.get_running_loop().time()
            parser.feed(data)
            self._take(parser)
            if not self.connected:
                self.connected = True
                log.log(logging.DEBUG if self._silent else logging.INFO, "Redis is there")
        raise ConnectionResetError("the connection was closed")

    async def _watch_for_ever(self) -> None:
        while True:
            await asyncio.sleep(PING_SECONDS)
            if self._writer is None:
                continue
            if asyncio.get_running_loop().time() - self.heard_at > ANSWER_SECONDS:
                log.warning("Redis does not answer; its connection is replaced")
                self._writer.transport.abort()
            else:
                self.write(command(b"PING"))


def _streams(connection: AbstractConnection) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = connection._reader, connection._writer
    assert reader is not None, "redis-py keeps the streams of an open connection here"
    assert writer is not None
    return reader, writer


def command(*words: bytes) -> bytes:
    """Return a command in Redis' protocol (RESP): the number of words, then each word after its length."""
    return b"*%d\r\n%b" % (len(words), b"".join([b"$%d\r\n%b\r\n" % (len(word), word) for word in words]))
