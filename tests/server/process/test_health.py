"""A worker's health report in each of its states."""

import asyncio
import json
import os
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from pathlib import Path

import pytest

from channels.broker.broker import Envelope
from channels.broker.memory import MemoryBroker
from server.databases import Databases
from server.databases.errors import DatabaseReadOnly, DatabaseUnavailable
from server.process.health import ANSWER_SECONDS, FRESH_SECONDS, Health
from tests.crew import wait_until
from tests.lousa import DEMO_SCHOOL, Lousa
from tests.postgresql import PostgreSQL
from tests.redis import RedisServer

Answer = tuple[int, dict[str, str]]


def ask(lousa: Lousa) -> Answer:
    try:
        with urllib.request.urlopen(f"{lousa.url}/readyz", timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def is_alive(lousa: Lousa) -> bool:
    with urllib.request.urlopen(f"{lousa.url}/healthz", timeout=10) as answer:
        return bool(answer.read() == b"ok\n")


def test_worker_is_ready_when_all_parts_are_ok(lousa: Lousa) -> None:
    assert ask(lousa) == (200, {"status": "ready", "accounts": "ok", "journal": "ok", "audit": "ok", "broker": "ok"})
    assert is_alive(lousa)
    assert "readyz" not in lousa.log


def test_worker_is_degraded_while_its_broker_is_away(
    make_lousa: Callable[..., Lousa], redis_server: RedisServer
) -> None:
    lousa = make_lousa(serve_options=["--redis-url", redis_server.url])
    wait_until(lambda: ask(lousa)[1]["status"] == "ready")
    redis_server.kill()
    wait_until(lambda: ask(lousa)[1]["status"] == "degraded")
    assert ask(lousa) == (
        200,
        {"status": "degraded", "accounts": "ok", "journal": "ok", "audit": "ok", "broker": "away"},
    )
    redis_server.start()
    wait_until(lambda: ask(lousa)[1]["status"] == "ready")


def test_worker_without_its_journal_is_down_but_alive(tmp_path: Path) -> None:
    with PostgreSQL() as postgresql:
        options = ["--database", f"journal={postgresql.create_database()}"]
        lousa = Lousa(tmp_path / "data", options=options, expected_errors=["503 GET /readyz", "cannot be read"])
        lousa.run("database", "upgrade")
        lousa.run("roster", "import", str(DEMO_SCHOOL))
        with lousa:
            assert ask(lousa)[0] == 200
            postgresql.stop()
            wait_until(lambda: ask(lousa)[0] == 503)
            assert ask(lousa)[1] == {
                "status": "down",
                "accounts": "ok",
                "journal": "away",
                "audit": "ok",
                "broker": "ok",
            }
            assert is_alive(lousa)
            postgresql.start()
            wait_until(lambda: ask(lousa) == (200, {**ask(lousa)[1], "status": "ready"}))


def test_stopping_worker_reports_it_on_open_connections(make_lousa: Callable[..., Lousa]) -> None:
    lousa = make_lousa()
    with socket.create_connection(("127.0.0.1", lousa.port)) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200 OK" in connection.recv(65536)
        os.kill(lousa.pid, signal.SIGTERM)
        wait_until(lambda: not can_connect(lousa.port))
        connection.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = connection.recv(65536)
    assert b" 503 " in answer
    assert b"Connection: close" in answer
    assert b'"status": "stopping"' in answer
    assert lousa.wait() == 0


def can_connect(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Asked(Databases):
    """Databases that count their queries, and answer when the test releases them."""

    def __init__(self) -> None:
        self.count = 0
        self.answers = asyncio.Event()
        self.away = False
        self.read_only = False

    @property
    def names(self) -> list[str]:
        return ["journal"]

    async def check(self, name: str) -> None:
        self.count += 1
        await self.answers.wait()
        if self.away:
            raise DatabaseUnavailable("away")

    async def check_writable(self, name: str) -> None:
        if self.read_only:
            raise DatabaseReadOnly("full")


class Nobody:
    """A broker listener for a single worker."""

    def received(self, batch: Sequence[Envelope]) -> None:
        pass

    def resubscribed(self, topics: Collection[str]) -> None:
        pass

    def no_subscribers(self, topic: str) -> None:
        pass

    def doubted(self) -> None:
        pass


@pytest.fixture
async def asked() -> AsyncIterator[tuple[Asked, Health]]:
    """Return databases, and the health that queries them."""
    databases, broker = Asked(), MemoryBroker()
    broker.start(Nobody())
    health = Health(databases, broker)
    yield databases, health
    await health.close()
    await broker.close()


async def test_many_readers_cost_one_query_a_second(asked: tuple[Asked, Health]) -> None:
    databases, health = asked
    databases.answers.set()
    reports = await asyncio.gather(*(health.report() for _ in range(100)))
    assert {report["status"] for report in reports} == {"ready"}
    assert databases.count == 1
    databases.away = True
    async with asyncio.timeout(FRESH_SECONDS + 5):
        while (await health.report())["status"] != "down":
            await asyncio.sleep(0.01)
    assert databases.count == 2


async def test_hanging_database_is_away_and_gets_one_query(
    asked: tuple[Asked, Health],
) -> None:
    databases, health = asked
    async with asyncio.timeout(ANSWER_SECONDS + 5):
        assert (await health.report())["journal"] == "away"
    assert (await health.report())["status"] == "down"  # at once
    assert databases.count == 1
    databases.answers.set()
    async with asyncio.timeout(5):
        while (await health.report())["status"] != "ready":
            await asyncio.sleep(0.01)


async def test_database_that_only_reads_is_down(asked: tuple[Asked, Health]) -> None:
    databases, health = asked
    databases.answers.set()
    databases.read_only = True
    report = await health.report()
    assert (report["status"], report["journal"]) == ("down", "read-only")


async def test_failed_transaction_counts_as_read_only() -> None:
    databases, broker = Asked(), MemoryBroker()
    databases.answers.set()
    health = Health(databases, broker, lambda _seconds: True)
    assert (await health.report())["journal"] == "read-only"
    await health.close()


def test_deleted_folder_is_noticed_and_nothing_is_stored(make_lousa: Callable[..., Lousa]) -> None:
    lousa = make_lousa(expected_errors=["takes nothing more", "503 GET /readyz", "cannot be written"])
    aside = lousa.data_dir.rename(lousa.data_dir.with_name("aside"))
    wait_until(lambda: ask(lousa)[0] == 503 and "takes nothing more" in lousa.log)
    assert ask(lousa)[1]["journal"] == "read-only"
    aside.rename(lousa.data_dir)
    wait_until(lambda: ask(lousa)[0] == 200 and "is in place again" in lousa.log)
