"""A stop is clean and within its time limit while the database or Redis or both are frozen."""

import asyncio
import os
import signal
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.crew import Crew, until
from tests.lousa import DEMO_SCHOOL, Lousa
from tests.phoenix import Connection
from tests.postgresql import PostgreSQL

DRAIN = ("--drain-seconds", "1")
# --drain-seconds, the 10 s that a worker may take beyond it (workers.STOP_SECONDS), and as much for a busy machine.
STOP_SECONDS = 21.0
# The journal logs that it can be neither read nor written, which is true here.
EXPECTED = ["The journal cannot be (read|written)"]


@pytest.fixture
def postgresql() -> Iterator[PostgreSQL]:
    """Run a separate PostgreSQL that the test may freeze."""
    with PostgreSQL() as server:
        yield server
        send(server, signal.SIGCONT)


def send(server: PostgreSQL, number: signal.Signals) -> None:
    # Twice: what the server forked between the look and the signal; once it has stopped, it forks nothing more.
    for _ in range(2):
        for pid in server.pids:
            with suppress(ProcessLookupError):  # it has ended since the look
                os.kill(pid, number)


def prepare(lousa: Lousa) -> str:
    lousa.run("database", "upgrade")
    lousa.run("roster", "import", str(DEMO_SCHOOL))
    return lousa.tokens("ana")["ana"]


def database_options(server: PostgreSQL) -> list[str]:
    urls = [f"{name}={server.create_database()}" for name in ("accounts", "journal", "audit")]
    return [word for url in urls for word in ("--database", url)]


async def freeze_with_work(postgresql: PostgreSQL, lousa: Lousa, token: str) -> list[asyncio.Task[object]]:
    """Freeze the database during a push, page requests and health checks."""
    connection = await Connection.open(lousa.socket_url("students", token), lambda *_: None)
    joined = await connection.join("user:me")
    topic = next(each["topic"] for each in joined["topics"] if each["topic"].startswith("class:"))
    await connection.join(topic)
    send(postgresql, signal.SIGSTOP)
    tasks: list[asyncio.Task[object]] = [
        asyncio.create_task(ask(lousa.port, path)) for path in ("/readyz", "/accounts/sign-in") for _ in range(2)
    ]
    tasks.append(asyncio.create_task(connection.request(topic, "message:send", {"text": "oi"})))
    await asyncio.sleep(0.5)  # until they wait for the database; the stop must be clean without this too
    return tasks


async def ask(port: int, path: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: lousa_session=unknown\r\n\r\n".encode())
    answer = await reader.read(65536)
    writer.close()
    return answer


async def stop(lousa: Lousa) -> None:
    os.kill(lousa.pid, signal.SIGTERM)
    assert await asyncio.to_thread(lousa.wait, STOP_SECONDS) == 0, lousa.log[-5000:]
    lousa.check_log()


async def test_one_worker_stops_cleanly_while_the_database_is_frozen(tmp_path: Path, postgresql: PostgreSQL) -> None:
    options = database_options(postgresql)
    lousa = Lousa(tmp_path / "data", options=options, serve_options=DRAIN, expected_errors=EXPECTED)
    token = prepare(lousa)
    lousa.start()
    tasks = await freeze_with_work(postgresql, lousa, token)
    await stop(lousa)
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_workers_stop_cleanly_while_database_and_redis_are_frozen(tmp_path: Path, postgresql: PostgreSQL) -> None:
    options = database_options(postgresql)
    crew = Crew(tmp_path / "data", 2, *DRAIN, options=options, expected_errors=EXPECTED)
    token = prepare(crew)
    crew.start()
    tasks = await freeze_with_work(postgresql, crew, token)
    os.kill(crew.redis, signal.SIGSTOP)
    await stop(crew)
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_server_waiting_for_a_frozen_database_stops_cleanly(tmp_path: Path, postgresql: PostgreSQL) -> None:
    lousa = Lousa(tmp_path / "data", options=database_options(postgresql), serve_options=DRAIN)
    prepare(lousa)
    send(postgresql, signal.SIGSTOP)
    starting = asyncio.create_task(asyncio.to_thread(lousa.start))
    await until(lambda: lousa._process is not None and can_connect(lousa.port))
    process = lousa._process
    assert process is not None
    process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(process.wait, STOP_SECONDS) == 0
    with pytest.raises(AssertionError, match="the server ended with 0 as it started"):
        await starting
    lousa.kill()


def can_connect(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def test_a_stop_is_clean_while_the_sqlite_journal_is_locked(tmp_path: Path) -> None:
    lousa = Lousa(tmp_path / "data", serve_options=DRAIN, expected_errors=EXPECTED)
    token = prepare(lousa)
    lousa.start()
    connection = await Connection.open(lousa.socket_url("students", token), lambda *_: None)
    joined = await connection.join("user:me")
    topic = next(each["topic"] for each in joined["topics"] if each["topic"].startswith("class:"))
    await connection.join(topic)
    # This process's BEGIN EXCLUSIVE holds the write lock of the server's file.
    with closing(sqlite3.connect(tmp_path / "data" / "journal.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        pushing = asyncio.create_task(connection.request(topic, "message:send", {"text": "oi"}))
        await asyncio.sleep(0.5)  # until it waits for the lock; the stop must be clean without this too
        await stop(lousa)
        await asyncio.gather(pushing, return_exceptions=True)


async def test_pages_answer_while_the_database_is_frozen(tmp_path: Path, postgresql: PostgreSQL) -> None:
    options = database_options(postgresql)
    lousa = Lousa(tmp_path / "data", options=options, serve_options=DRAIN, expected_errors=EXPECTED)
    prepare(lousa)
    lousa.start()
    send(postgresql, signal.SIGSTOP)
    answers = await asyncio.gather(*(ask(lousa.port, "/students/") for _ in range(20)))
    assert {answer.split(b" ", 2)[1] for answer in answers} == {b"503"}
    send(postgresql, signal.SIGCONT)
    lousa.stop()
    lousa.check_log()


async def test_hang_up_drains_one_worker_and_starts_it_again(make_lousa: Callable[..., Lousa]) -> None:
    lousa = make_lousa(serve_options=DRAIN)
    token, pid = lousa.tokens("ana")["ana"], lousa.pid
    for _ in range(2):
        connection = await Connection.open(lousa.socket_url("students", token), lambda *_: None)
        await connection.join("user:me")
        os.kill(pid, signal.SIGHUP)
        async with asyncio.timeout(STOP_SECONDS):
            await connection.ended.wait()
            again = await Connection.open(lousa.socket_url("students", token), lambda *_: None)
        await again.join("user:me")
        again.close()
        await again.closed.wait()
    assert lousa.pid == pid
    assert lousa.log.count("the server has started again") == 2
