"""Connections to the Redis that leads, as Sentinels say which one that is.

    redis+sentinel://user:password@host:26379,other:26379/name?…
    each connection -> which one leads, by the first Sentinel that answers -> that Redis
    every few seconds -> does it still lead? -> no: `has_moved`

The name is that of the monitored Redis, `mymaster` if it is left out. User and password are those of Redis;
`sentinel_username` and `sentinel_password` in the query are those of the Sentinels. With rediss+sentinel:// all are
reached by TLS. What else is in the query is redis-py's, as for redis://.
"""

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from redis.asyncio.connection import AbstractConnection, ConnectionPool, parse_url
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.exceptions import RedisError

SCHEMES = ("redis+sentinel", "rediss+sentinel")
_CREDENTIALS = ("sentinel_username", "sentinel_password")
_PORT = 26379
_NAME = "mymaster"

# How long one Sentinel may take to connect, and to answer: of three, two of which hang, the last is asked before
# `CONNECT_SECONDS` are over.
ANSWER_SECONDS = 0.4


def sentinel_pool(url: str, **options: Any) -> SentinelConnectionPool:
    """Return a pool whose connections lead to the Redis that leads when they are made; raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        raise ValueError(f"{parts.scheme}:// names no Sentinels")
    user, _, places = parts.netloc.rpartition("@")
    own, ours = _query(parts.query)
    is_tls = parts.scheme == SCHEMES[1]
    arguments = _arguments(f"redis{'s' * is_tls}://{user}{'@' * bool(user)}leader?{urlencode(ours)}", is_tls=is_tls)
    common = {name: value for name, value in arguments.items() if name not in ("username", "password")}
    credentials = {name.removeprefix("sentinel_"): value for name, value in own.items()}
    asking = {**common, **options, **credentials, "db": 0}
    asking |= dict.fromkeys(("socket_timeout", "socket_connect_timeout"), ANSWER_SECONDS)
    sentinels = Sentinel([_address(place) for place in places.split(",")], sentinel_kwargs=asking)  # type: ignore[no-untyped-call]
    return SentinelConnectionPool(parts.path.strip("/") or _NAME, sentinels, **arguments, **options)  # type: ignore[no-untyped-call]


def _query(query: str) -> tuple[dict[str, str], dict[str, str]]:
    # What is for the Sentinels, and what is for all.
    given = dict(parse_qsl(query))
    own = {name: value for name, value in given.items() if name in _CREDENTIALS}
    return own, {name: value for name, value in given.items() if name not in own}


def _arguments(url: str, *, is_tls: bool) -> dict[str, Any]:
    arguments: dict[str, Any] = {**parse_url(url), "ssl": is_tls}
    for name in ("host", "connection_class", "db"):
        arguments.pop(name, None)
    return arguments


def _address(place: str) -> tuple[str, int]:
    parts = urlsplit(f"//{place}")
    if not parts.hostname:
        raise ValueError("a Sentinel has no host")
    return parts.hostname, parts.port or _PORT


async def has_moved(pool: ConnectionPool, connection: AbstractConnection) -> bool:
    """Tell whether another Redis leads now than the one of a connection; where no Sentinel answers, none does."""
    if not isinstance(pool, SentinelConnectionPool):
        return False
    try:
        leader = await pool.sentinel_manager.discover_master(pool.service_name)
    except (RedisError, OSError):
        return False
    return bool(leader != (getattr(connection, "host", None), getattr(connection, "port", None)))


async def close_pool(pool: ConnectionPool) -> None:
    """Close the connections to the Sentinels, if there are any."""
    if isinstance(pool, SentinelConnectionPool):
        await pool.sentinel_manager.aclose()
