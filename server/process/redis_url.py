"""Checks the Redis that the administrator configured: its URL, the databases it is used with, and its use."""

import asyncio
import ipaddress
import logging
import secrets
from collections.abc import Mapping
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.exceptions import RedisError

from channels.broker.redis_link import connection_pool, is_refusal
from server.settings import SettingsError

log = logging.getLogger(__name__)

_EXAMPLES = "redis://host:6379/0, rediss://user:password@host:6379/0 or unix:///path/redis.sock"
_ANSWER_SECONDS = 3.0


def check_redis_url(url: str, databases: Mapping[str, str]) -> None:
    """Raise SettingsError for a URL that cannot be used, or cannot be used with these databases."""
    # The URL is not shown: it may hold a password.
    scheme, _, place = url.partition("://")
    if "sentinel" in scheme or "cluster" in scheme or "," in place.partition("/")[0].rpartition("@")[2]:
        raise SettingsError(
            "--redis-url names one Redis: Lousa does not ask Sentinels which one leads, and does not spread over a "
            "Cluster. Name the one that leads, or one node: when it is away, messages go through the journal."
        )
    try:
        Redis.from_url(url)
        is_here = _is_here(url)
    except ValueError:
        raise SettingsError(f"--redis-url is not a URL like {_EXAMPLES}.") from None
    sqlite = [name for name, database in databases.items() if database.startswith("sqlite")]
    if sqlite and not is_here:
        raise SettingsError(
            f"With a Redis on another machine (--redis-url), SQLite cannot keep the {' and the '.join(sqlite)}: its "
            "files are of one machine. Keep them in PostgreSQL (--database), or name a Redis on this machine by "
            "127.0.0.1 or unix://, or leave --redis-url out."
        )


def _is_here(url: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or "localhost"
    if parts.scheme == "unix" or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class RedisAway(Exception):
    """Redis does not answer now; the message says how that shows."""


async def try_redis(url: str) -> None:
    """Use Redis as workers do; raise SettingsError if it refuses that, log a warning if none answers (yet)."""
    try:
        await use_redis(url)
    except RedisAway as error:
        log.warning("Redis is away (%s): until it is there, messages of other workers come late, by the journal", error)


async def use_redis(url: str) -> None:
    """Subscribe, publish, receive and unsubscribe as workers do; raise SettingsError if Redis refuses, or RedisAway."""
    client = Redis(
        connection_pool=connection_pool(url, socket_timeout=_ANSWER_SECONDS, socket_connect_timeout=_ANSWER_SECONDS)
    )
    try:
        async with asyncio.timeout(2 * _ANSWER_SECONDS):
            await _use(client)
    except TimeoutError:
        raise RedisAway("what is published does not come back") from None
    except (RedisError, OSError) as error:
        if is_refusal(error):
            raise SettingsError(
                f"The Redis of --redis-url cannot be used: {str(error).rstrip('.')}.{_advice(str(error))}"
            ) from error
        raise RedisAway(str(error)) from error
    finally:
        await client.aclose()
        await client.connection_pool.disconnect()


async def _use(client: Redis) -> None:
    channel = f"lousa:hello:{secrets.token_hex(8)}"
    async with client.pubsub(ignore_subscribe_messages=True) as subscription:
        await subscription.subscribe(channel)
        # Read before the publish: a right that is missing is told by the answer to SUBSCRIBE.
        await subscription.get_message(timeout=_ANSWER_SECONDS)
        await client.publish(channel, b"")
        while await subscription.get_message(timeout=_ANSWER_SECONDS) is None:
            pass
        await subscription.unsubscribe(channel)
        await subscription.get_message(timeout=_ANSWER_SECONDS)


def _advice(error: str) -> str:
    if "CERTIFICATE_VERIFY_FAILED" in error:
        return " Name the file of the authority that signed it: rediss://…?ssl_ca_certs=/path/authority.pem"
    if "permissions" in error:
        return " Its user needs: resetchannels &lousa:* -@all +publish +subscribe +unsubscribe"
    return ""
