"""The private attributes of redis-py that a link takes: this fails if a release changes them."""

import asyncio

import hiredis
from redis.asyncio.connection import ConnectionPool

from channels.broker.redis_link import RedisLink, command
from tests.channels.broker.waiting import until
from tests.redis import RedisServer


async def test_redis_py_keeps_the_streams_of_a_connection_where_we_take_them(redis_server: RedisServer) -> None:
    pool = ConnectionPool.from_url(redis_server.url, protocol=2)
    connection = pool.make_connection()  # type: ignore[no-untyped-call]
    await connection.connect()
    assert isinstance(connection._reader, asyncio.StreamReader)
    assert isinstance(connection._writer, asyncio.StreamWriter)
    connection._writer.write(command(b"PING"))
    # Nothing of redis-py's reads along: all of the answer comes to us.
    assert await connection._reader.readexactly(7) == b"+PONG\r\n"
    await connection.disconnect(nowait=True)
    assert connection._writer is None


class Replies:
    """A listener that keeps the replies and why connections ended."""

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


async def test_a_link_writes_commands_and_reads_their_replies(redis_server: RedisServer) -> None:
    replies, link = Replies(), RedisLink(redis_server.url)
    assert not link.write(command(b"ECHO", b"too early"))
    link.start(replies)
    await until(lambda: link.is_open)
    assert link.write(command(b"ECHO", b"hello"))
    await until(lambda: replies.got == [b"hello"])
    assert (link.take_reads(), link.take_reads()) == (1, 0)
    await link.close()
    assert not link.write(command(b"ECHO", b"too late"))


async def test_a_replaced_connection_is_made_again_and_the_reason_told(redis_server: RedisServer) -> None:
    replies, link = Replies(), RedisLink(redis_server.url, retry_seconds=0)
    link.start(replies)
    await until(lambda: link.is_open)
    link.replace("a reason")
    await until(lambda: replies.errors == ["a reason"] and link.is_open)
    await link.close()


async def test_an_attempt_to_connect_ends_when_redis_is_frozen(own_redis: RedisServer) -> None:
    own_redis.freeze()
    replies = Replies()
    link = RedisLink(own_redis.url.replace("/0", "/1"), connect_seconds=0.2, retry_seconds=0)
    link.start(replies)
    await until(lambda: replies.errors[:1] == ["it does not answer within 0.2 s"])
    own_redis.thaw()
    await until(lambda: link.is_open)
    await link.close()
