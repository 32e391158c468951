"""PostgreSQL behind a real PgBouncer: session mode works, the other modes are refused in a sentence."""

import asyncio
import re
from pathlib import Path

import pytest
from sqlalchemy import make_url

from server.databases import Databases
from server.databases.errors import DatabaseError
from server.databases.pooler import check_pooler
from server.process.sole_server import sole_server
from server.settings import Settings, SettingsError, database_urls
from tests.channels.journal.support import append, entry, receipt, started
from tests.channels.support import writer_for
from tests.lousa import DEMO_SCHOOL, Lousa
from tests.pgbouncer import PgBouncer
from tests.postgresql import PostgreSQL

COMMANDS = [
    ["serve", "--port", "0"],
    ["serve", "--port", "0", "--workers", "2"],
    ["database", "upgrade"],
    ["roster", "import", str(DEMO_SCHOOL)],
    ["token", "create", "ana"],
    ["backup"],
    ["check"],
]
REFUSAL = r"“journal” is behind a connection pooler .* pool_mode = session"


@pytest.mark.parametrize("mode", ["transaction", "statement"])
async def test_pooler_that_does_not_keep_connections_is_refused(
    postgresql: PostgreSQL, tmp_path: Path, mode: str
) -> None:
    direct, journal = postgresql.create_database(), postgresql.create_database()
    with PgBouncer(postgresql, mode) as pooler:
        databases = Databases(database_urls(tmp_path) | {"accounts": direct, "journal": pooler.url(journal)})
        await databases.upgrade("accounts")
        for use in (databases.upgrade, databases.prepare):
            with pytest.raises(DatabaseError, match=REFUSAL):
                await use()
        with pytest.raises(DatabaseError, match=REFUSAL):
            async with sole_server(Settings(tmp_path, {"journal": pooler.url(journal)})):
                raise AssertionError("it was started")
        await databases.dispose()


@pytest.mark.long
@pytest.mark.parametrize("mode", ["transaction", "statement"])
def test_server_and_commands_refuse_such_a_pooler(postgresql: PostgreSQL, tmp_path: Path, mode: str) -> None:
    urls = {name: postgresql.create_database() for name in ("accounts", "journal", "audit")}
    asyncio.run(_upgrade(urls))
    with PgBouncer(postgresql, mode) as pooler:
        options = [word for name, url in urls.items() for word in ("--database", f"{name}={pooler.url(url)}")]
        lousa = Lousa(tmp_path / "data", options=options)
        for command in COMMANDS:
            refused = lousa.attempt(*command, *([str(tmp_path / "backup")] if command == ["backup"] else []))
            assert refused.returncode == 1, command
            assert re.search(REFUSAL.replace("journal", r"\w+"), refused.stdout + refused.stderr), command


async def _upgrade(urls: dict[str, str]) -> None:
    databases = Databases(urls)
    await databases.upgrade()
    await databases.dispose()


async def test_direct_connection_is_accepted(postgresql_url: str) -> None:
    await check_pooler("journal", make_url(postgresql_url))


async def test_everything_works_behind_a_pooler_in_session_mode(postgresql: PostgreSQL, tmp_path: Path) -> None:
    with PgBouncer(postgresql, "session") as pooler:
        urls = {name: pooler.url(postgresql.create_database()) for name in ("accounts", "journal", "audit")}
        databases = Databases(urls)
        await databases.upgrade()
        await databases.prepare()
        async with sole_server(Settings(tmp_path, urls)):
            with pytest.raises(SettingsError, match="Another Lousa serves"):
                async with sole_server(Settings(tmp_path, urls), wait_seconds=0):
                    raise AssertionError("it was started")
        journal = started(databases.engine("journal"), writer_for(databases.engine("journal")))
        assert await append(journal, entry(), entry()) == [receipt(1), receipt(2)]
        assert len(await journal.after("class:7", 0, 2)) == 2
        await databases.record_progress()
        await journal.close()
        await databases.dispose()
