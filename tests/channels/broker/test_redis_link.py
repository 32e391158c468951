"""A connection to Redis, and the private attributes of redis-py that it uses: fails if a release changes them."""

import asyncio

import hiredis
from redis.asyncio.connection import ConnectionPool

from channels.broker.redis_link import RedisLink, command
from tests.channels.broker.waiting import until
from tests.redis import RedisServer


async def test_redis_py_exposes_the_streams_that_a_link_uses(redis_server: RedisServer) -> None:
    pool = ConnectionPool.from_url(redis_server.url, protocol=2)
    connection = pool.make_connection()  # type: ignore[no-untyped-call]
    await connection.connect()
    assert isinstance(connection._reader, asyncio.StreamReader)
    assert isinstance(connection._writer, asyncio.StreamWriter)
    connection._writer.write(command(b"PING"))
    # redis-py does not read from the stream: the whole reply is left.
    assert await connection._reader.readexactly(7) == b"+PONG\r\n"
    await connection.disconnect(nowait=True)
    assert connection._writer is None


class Replies:
    """A listener that keeps the replies and the reason for each disconnection."""

    def __init__(self) -> None:
        self.got: list[object] = []
        self.errors: list[str] = []

    def opened(self, link: RedisLink) -> None:
        """Do nothing."""

    def read(self, link: RedisLink, parser: hiredis.Reader) -> None:
        """Keep the replies."""
        while (reply := parser.gets()) is not False:
            self.got.append(reply)

    def closed(self, link: RedisLink, error: Exception) -> None:
        """Keep the reason."""
        self.errors.append(str(error))


async def test_link_writes_commands_and_reads_replies(redis_server: RedisServer) -> None:
    replies, link = Replies(), RedisLink(redis_server.url)
    assert not link.write(command(b"ECHO", b"too early"))
    link.start(replies)
    await until(lambda: link.is_open)
    assert link.write(command(b"ECHO", b"hello"))
    await until(lambda: replies.got == [b"hello"])
    assert (link.take_reads(), link.take_reads()) == (1, 0)
    await link.close()
    assert not link.write(command(b"ECHO", b"too late"))


async def test_replaced_connection_reopens_and_reports_its_reason(redis_server: RedisServer) -> None:
    replies, link = Replies(), RedisLink(redis_server.url, retry_seconds=0)
    link.start(replies)
    await until(lambda: link.is_open)
    link.replace("a reason")
    await until(lambda: replies.errors == ["a reason"] and link.is_open)
    await link.close()


async def test_connecting_to_a_frozen_redis_times_out(own_redis: RedisServer) -> None:
    own_redis.freeze()
    replies = Replies()
    # Without a password, nothing is sent before the connection counts as open.
    link = RedisLink(own_redis.url.replace("redis://", "redis://default:any@"), connect_seconds=0.2, retry_seconds=0)
    link.start(replies)
    await until(lambda: replies.errors[:1] == ["it does not answer within 0.2 s"])
    own_redis.thaw()
    await until(lambda: link.is_open)
    await link.close()
