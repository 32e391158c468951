import asyncio
from collections.abc import AsyncIterator

import pytest

from server.oidc.errors import ProviderRefused
from server.oidc.fetch import Fetcher
from server.oidc.published import AGAIN_SECONDS, ALIVE_SECONDS, KEPT_SECONDS, Published
from server.oidc.token import Header
from tests.server.conftest import TurnedClock
from tests.server.oidc.liar import KEYS, Liar, provider


class Time:
    """A clock in seconds that stands still until a test turns it."""

    now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
async def liar(clock: TurnedClock) -> AsyncIterator[Liar]:
    """Run a provider."""
    async with Liar(clock).running() as liar:
        yield liar


@pytest.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    """Return an HTTP client."""
    fetcher = Fetcher(answer_seconds=0.3)
    yield fetcher
    fetcher.close()


def _header(number: int) -> Header:
    return Header("RS256", KEYS[number].kid)


async def test_everybody_who_waits_shares_one_request(liar: Liar, fetcher: Fetcher) -> None:
    published = Published(provider("school", liar), fetcher, Time())
    await asyncio.gather(*(published.key(_header(0)) for _ in range(30)))
    assert sorted(liar.asked) == ["/.well-known/openid-configuration", "/jwks"]


async def test_unknown_key_is_a_reason_to_ask_once_more(liar: Liar, fetcher: Fetcher) -> None:
    time = Time()
    published = Published(provider("school", liar), fetcher, time)
    await published.key(_header(0))
    liar.keys = [KEYS[1]]
    assert (await published.key(_header(1))).key.kid == KEYS[1].kid
    for _ in range(3):
        with pytest.raises(ProviderRefused, match="unknown key"):
            await published.key(Header("RS256", "made up"))
    assert liar.asked.count("/jwks") == 2, "strangers cannot make us ask often"
    liar.keys = [KEYS[0]]
    time.now += AGAIN_SECONDS + 1
    assert (await published.key(_header(0))).key.kid == KEYS[0].kid
    with pytest.raises(ProviderRefused, match="unknown key"):
        await published.key(_header(1))


async def test_withdrawn_key_counts_no_longer_than_an_hour(liar: Liar, fetcher: Fetcher) -> None:
    time = Time()
    published = Published(provider("school", liar), fetcher, time)
    await published.key(_header(0))
    liar.keys = [KEYS[1]]
    time.now += KEPT_SECONDS + 1
    with pytest.raises(ProviderRefused, match="unknown key"):
        await published.key(_header(0))


async def test_provider_that_is_away_is_asked_again_a_little_later(liar: Liar, fetcher: Fetcher) -> None:
    time = Time()
    published = Published(provider("school", liar), fetcher, time)
    liar.answer = (500, "")
    for _ in range(3):
        with pytest.raises(ProviderRefused, match="answers 500"):
            await published.metadata()
    assert len(liar.asked) == 1
    liar.answer = None
    time.now += AGAIN_SECONDS + 1
    assert (await published.metadata()).issuer == liar.issuer


async def test_provider_that_has_gone_away_is_noticed_before_the_browser(liar: Liar, fetcher: Fetcher) -> None:
    time = Time()
    published = Published(provider("school", liar), fetcher, time)
    await published.alive()
    liar.answer = (500, "")
    assert (await published.alive()).issuer == liar.issuer
    time.now += ALIVE_SECONDS + 1
    with pytest.raises(ProviderRefused, match="answers 500"):
        await published.alive()
    assert (await published.metadata()).issuer == liar.issuer, "who comes back is still signed in"


async def test_addresses_of_metadata_must_be_encrypted(liar: Liar, fetcher: Fetcher) -> None:
    for url in ("", "/token", "javascript:alert(1)", "ftp://x.example/"):
        liar.metadata["token_endpoint"] = url
        with pytest.raises(ProviderRefused, match="not https"):
            await Published(provider("school", liar), fetcher, Time()).metadata()


async def test_provider_that_hangs_is_away(clock: TurnedClock, fetcher: Fetcher) -> None:
    async def hang(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await closing.wait()
        writer.close()

    closing = asyncio.Event()
    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    liar = Liar(clock)
    liar.port = server.sockets[0].getsockname()[1]
    with pytest.raises(ProviderRefused, match="Timeout"):
        await Published(provider("school", liar), fetcher, Time()).metadata()
    closing.set()
    server.close()
