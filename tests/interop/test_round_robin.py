"""Two servers of one school behind an nginx that distributes requests round-robin, without keep-alive.

Consecutive requests of a session may reach different servers, and different workers of a server.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.crew import Crew
from tests.interop.conftest import OPTIONS
from tests.interop.node import run
from tests.lousa import DEMO_SCHOOL
from tests.nginx import Nginx
from tests.postgresql import PostgreSQL
from tests.redis import RedisServer

pytestmark = pytest.mark.interop


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """Run a Redis and return its URL."""
    redis = RedisServer(tmp_path)
    redis.start()
    yield redis.url
    redis.kill()


@pytest.fixture
def crews(tmp_path: Path, redis_url: str, postgresql: PostgreSQL, postgresql_tables: dict[str, str]) -> list[Crew]:
    """Return two servers of one school, with two workers each, not started yet."""
    urls = {name: postgresql.create_database(template) for name, template in postgresql_tables.items()}
    options = [word for name, url in urls.items() for word in ("--database", f"{name}={url}")]
    serve = (*OPTIONS, "--redis-url", redis_url, "--behind-proxy")
    return [Crew(tmp_path / name, 2, *serve, options=options) for name in ("one", "two")]


def test_polled_chat_is_complete_and_in_order(tmp_path: Path, crews: list[Crew]) -> None:
    crews[0].run("roster", "import", str(DEMO_SCHOOL))
    tokens = crews[0].tokens("ana", "bruno")
    with ExitStack() as running, ThreadPoolExecutor() as threads:
        list(threads.map(running.enter_context, crews))
        nginx = running.enter_context(Nginx(tmp_path / "nginx", [crew.port for crew in crews]))
        told = run(nginx.url, "talk", transport="longpoll", count=25, tokens=list(tokens.values()))
        assert told["joins"] == [1, 1], "no connection was lost"
        sessions = servers_of_sessions(nginx)
    assert [len(servers) for servers in sessions.values()] == [2, 2], "each session's requests met both servers"


def servers_of_sessions(nginx: Nginx) -> dict[str, set[str]]:
    """Return, by session, the servers that received its requests."""
    sessions: dict[str, set[str]] = {}
    for server, _, uri in nginx.requests:
        tokens = parse_qs(urlsplit(uri).query).get("token")
        if tokens:
            _, session, *_ = tokens[-1].split(".")
            sessions.setdefault(session, set()).add(server)
    return sessions
