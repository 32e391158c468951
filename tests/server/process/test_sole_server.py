"""One server on a journal, or several that a Redis joins; the lock survives a restart of PostgreSQL."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from server.databases.errors import DatabaseError
from server.process.sole_server import sole_server
from server.settings import Settings, SettingsError, database_urls
from tests.postgresql import PostgreSQL

REDIS = "redis://127.0.0.1"


@pytest.fixture
def settings(tmp_path: Path, urls: dict[str, str]) -> Settings:
    """Return the settings of a server without a Redis."""
    return Settings(tmp_path, urls)


@pytest.mark.parametrize(("first", "second"), [((), ()), ((), (REDIS,)), ((REDIS,), ())])
async def test_second_server_that_no_redis_joins_is_refused(
    settings: Settings, first: tuple[str, ...], second: tuple[str, ...]
) -> None:
    async with sole_server(replace(settings, redis_urls=first)):
        with pytest.raises(SettingsError, match="Another Lousa serves this school already") as told:
            async with sole_server(replace(settings, redis_urls=second), wait_seconds=0):
                raise AssertionError("it was started")
    assert "journal.sqlite3)" in str(told.value) or "127.0.0.1" in str(told.value)
    async with sole_server(replace(settings, redis_urls=second), wait_seconds=0):
        pass


async def test_servers_joined_by_a_redis_share_the_journal(settings: Settings) -> None:
    joined = replace(settings, redis_urls=(REDIS,))
    async with sole_server(joined), sole_server(joined, wait_seconds=0):
        pass


async def test_server_waits_for_one_that_is_ending(settings: Settings) -> None:
    ended = asyncio.Event()

    async def be_first() -> None:
        async with sole_server(settings):
            begun.set()
            await ended.wait()

    begun = asyncio.Event()
    first = asyncio.create_task(be_first())
    await begun.wait()
    asyncio.get_running_loop().call_later(0.3, ended.set)
    async with sole_server(settings, wait_seconds=20):
        assert ended.is_set()
    await first


def test_servers_of_different_folders_share_one_journal_file(tmp_path: Path) -> None:
    async def both() -> None:
        journal = database_urls(tmp_path)["journal"]
        one, two = (
            Settings(tmp_path / name, {**database_urls(tmp_path / name), "journal": journal}) for name in ("a", "b")
        )
        async with sole_server(one):
            with pytest.raises(SettingsError, match="Another Lousa serves this school already"):
                async with sole_server(two, wait_seconds=0):
                    raise AssertionError("it was started")

    asyncio.run(both())


async def test_missing_folder_of_the_journal_is_reported(tmp_path: Path) -> None:
    settings = Settings(tmp_path, database_urls(tmp_path / "nowhere"))
    with pytest.raises(DatabaseError, match=r"“journal” cannot be used .* No such file"):
        async with sole_server(settings):
            raise AssertionError("it was started")


@pytest.fixture
def own_postgresql() -> Iterator[PostgreSQL]:
    """Run a PostgreSQL that only this test uses."""
    with PostgreSQL() as server:
        yield server


async def test_lock_is_taken_again_after_a_restart_of_postgresql(tmp_path: Path, own_postgresql: PostgreSQL) -> None:
    url = own_postgresql.create_database()
    settings = Settings(tmp_path, {"accounts": url, "journal": url})
    async with sole_server(settings):
        own_postgresql.stop("fast")
        own_postgresql.start()
        async with asyncio.timeout(30):
            while not await _is_refused(settings):
                await asyncio.sleep(0.1)


async def _is_refused(settings: Settings) -> bool:
    try:
        async with sole_server(settings, wait_seconds=0):
            return False
    except SettingsError:
        return True
