"""Checks the Redis that the administrator configured: its URL, the databases it is used with, and a test publish."""

import ipaddress
import logging
from collections.abc import Mapping
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from channels.broker.redis_link import connection_pool
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


async def try_redis(url: str) -> None:
    """Publish a test message; raise SettingsError if Redis refuses it, log a warning if none answers (yet)."""
    client = Redis(
        connection_pool=connection_pool(url, socket_timeout=_ANSWER_SECONDS, socket_connect_timeout=_ANSWER_SECONDS)
    )
    try:
        await client.publish("lousa:hello", b"")
    except (AuthenticationError, ResponseError) as error:
        raise SettingsError(f"The Redis of --redis-url cannot be used: {error}") from error
    except (RedisError, OSError) as error:
        log.warning("Redis is away (%s): until it is there, messages of other workers come late, by the journal", error)
    finally:
        await client.aclose()
        await client.connection_pool.disconnect()
