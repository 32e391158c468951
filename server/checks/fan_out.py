"""What joins the workers: a Redis that is named, a private one, or nothing where there is one worker."""

from collections.abc import AsyncIterator

from server.checks.finding import Finding, error, ok, warning
from server.process.private_redis import find_program
from server.process.redis_url import RedisAway, check_redis_urls, use_redis
from server.settings import Settings, SettingsError

_PART = "Redis"


async def check_fan_out(settings: Settings, machines: int) -> AsyncIterator[Finding]:
    """Check that the workers, on one machine or several, will be joined."""
    if settings.redis_urls:
        for number, url in enumerate(settings.redis_urls, 1):
            part = _PART if len(settings.redis_urls) == 1 else f"{_PART} {number}"
            yield await _check_redis(part, url, settings)
    elif machines > 1:
        yield error(_PART, "No Redis joins the machines.", "Give each the same --redis-url.")
    elif settings.workers == 1:
        yield ok(_PART, "One worker needs none.")
    else:
        yield _check_program()


def _check_program() -> Finding:
    try:
        return ok(_PART, f"The workers get a private one, {find_program()}.")
    except SettingsError as problem:
        return error(_PART, str(problem), "")


async def _check_redis(part: str, url: str, settings: Settings) -> Finding:
    try:
        check_redis_urls(settings.redis_urls, settings.databases)
        await use_redis(url)
    except SettingsError as problem:
        return error(part, str(problem), "Correct --redis-url, or the user's rights in Redis.")
    except RedisAway as problem:
        advice = (
            "Does it run and listen there? If it expects TLS the URL begins with rediss://, otherwise with redis://"
        )
        return warning(part, f"It is away ({problem}): messages of other workers come late.", advice)
    return ok(part, "It lets this user subscribe, publish and unsubscribe, and what is published arrives.")
