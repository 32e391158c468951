"""The private attributes of redis-py that a link takes: this fails if a release changes them."""

import asyncio

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


async def test_a_link_writes_commands_and_reads_their_replies(redis_server: RedisServer) -> None:
    replies: list[object] = []

    def take(parser: object) -> None:
        while (reply := parser.gets()) is not False:  # type: ignore[attr-defined]
            replies.append(reply)

    link = RedisLink(ConnectionPool.from_url(redis_server.url, protocol=2), lambda: None, take, silent=True)
    assert not link.write(command(b"ECHO", b"too early"))
    link.start()
    await until(lambda: link.connected)
    assert link.write(command(b"ECHO", b"hello"))
    await until(lambda: b"hello" in replies)
    await link.close()
    assert not link.write(command(b"ECHO", b"too late"))
