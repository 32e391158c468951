"""Checks each Redis that the administrator configured: its URL, the databases it is used with, and its use."""

import asyncio
import ipaddress
import logging
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.exceptions import RedisError

from channels.broker.redis_link import connection_pool, is_refusal
from channels.broker.redis_sentinel import SCHEMES, close_pool
from channels.broker.spread import name_of
from server.settings import SettingsError

log = logging.getLogger(__name__)

_EXAMPLES = (
    "redis://host:6379/0, rediss://user:password@host:6379/0, unix:///path/redis.sock or "
    "redis+sentinel://host:26379,other:26379/name"
)
_ANSWER_SECONDS = 3.0


def check_redis_urls(urls: Sequence[str], databases: Mapping[str, str]) -> None:
    """Raise SettingsError for URLs that cannot be used, or cannot be used with these databases."""
    # The URLs are not shown: they may hold passwords.
    for url in urls:
        _check(url)
    twice = [name for name, times in Counter(map(name_of, urls)).items() if times > 1]
    if twice:
        raise SettingsError(f"--redis-url names {' and '.join(twice)} twice; each Redis counts once.")
    sqlite = [name for name, database in databases.items() if database.startswith("sqlite")]
    if sqlite and not all(map(_is_here, urls)):
        raise SettingsError(
            f"With a Redis on another machine (--redis-url), SQLite cannot keep the {' and the '.join(sqlite)}: its "
            "files are of one machine. Keep them in PostgreSQL (--database), or name a Redis on this machine by "
            "127.0.0.1 or unix://, or leave --redis-url out."
        )


def _check(url: str) -> None:
    scheme, _, place = url.partition("://")
    has_several = "," in place.partition("/")[0].rpartition("@")[2]
    if "cluster" in scheme:
        raise SettingsError(
            "--redis-url does not spread over a Redis Cluster. Name one of its nodes, which has the messages of all, "
            "or several Redis that know nothing of each other, each with a --redis-url of its own."
        )
    if scheme not in SCHEMES and (has_several or "sentinel" in scheme):
        raise SettingsError(
            "--redis-url names one Redis, and is given once for each of several. Several addresses in one are those of "
            "Sentinels: redis+sentinel://host:26379,other:26379/name, or rediss+sentinel:// with TLS."
        )
    try:
        connection_pool(url)
        _is_here(url)
    except ValueError:
        raise SettingsError(f"--redis-url is not a URL like {_EXAMPLES}.") from None


def _is_here(url: str) -> bool:
    # Sentinels name the address of a Redis themselves, and are there for several machines.
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return True
    if parts.scheme in SCHEMES:
        return False
    host = parts.hostname or "localhost"
    if host == "localhost":
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
        await close_pool(client.connection_pool)


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
