"""Several workers as real processes that are killed, replaced and stopped."""

import asyncio
import json
import os
import shutil
import signal
import socket
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from server.process.heartbeat import SILENT_SECONDS
from tests.carrier import Gone
from tests.crew import Crew, is_there, until, wait_until
from tests.dashboard import SeenSchool
from tests.lousa import DEMO_SCHOOL, Lousa
from tests.phoenix import Connection, ErrorReply
from tests.postgresql import PostgreSQL
from tests.redis import RedisServer
from tests.server.process.someone import ROLES, Payload, Someone

LOGINS = ("ana", "bruno", "paula", "diretora")


@pytest.fixture(scope="module")
def school(demo_school: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """Return a data folder of the demo school, for tests to copy, and tokens for it."""
    folder = tmp_path_factory.mktemp("school") / "data"
    shutil.copytree(demo_school, folder)
    return folder, Lousa(folder).tokens(*LOGINS)


@pytest.fixture
def tokens(school: tuple[Path, dict[str, str]]) -> dict[str, str]:
    """Return tokens by login."""
    return school[1]


@pytest.fixture
def make_crew(school: tuple[Path, dict[str, str]], tmp_path: Path) -> Iterator[Callable[..., Crew]]:
    """Return a function that starts workers with the demo school; it takes what `Crew` takes."""
    with ExitStack() as crews:

        def make(*arguments: Any, **options: Any) -> Crew:
            shutil.copytree(school[0], tmp_path / "data")
            return crews.enter_context(Crew(tmp_path / "data", *arguments, **options))

        yield make


@pytest.fixture
def crew(make_crew: Callable[..., Crew]) -> Crew:
    """Run two workers."""
    return make_crew(2)


async def test_killed_worker_is_replaced_and_others_keep_serving(crew: Crew, tokens: dict[str, str]) -> None:
    ana, bruno, paula = (Someone(crew, login, tokens[login]) for login in ("ana", "bruno", "paula"))
    await ana.come(worker=1)
    await bruno.come(worker=2)
    await paula.come(worker=2)
    await ana.say("um")
    await until(lambda: bruno.received == paula.received == ["um"])
    await until(lambda: len(bruno.present()) == 3)
    first = crew.workers[1]
    os.kill(first, signal.SIGKILL)
    await bruno.say("dois")
    await until(lambda: paula.received == ["um", "dois"])
    await until(lambda: len(bruno.present()) == 2)  # ana's old connection is no longer present
    await until(lambda: crew.workers[1] != first)
    await ana.come(worker=1)
    assert ana.received == ["um", "dois"]
    await ana.say("três")
    await until(lambda: bruno.received == paula.received == ["um", "dois", "três"])
    await until(lambda: len(bruno.present()) == 3)
    for each in (ana, bruno, paula):
        await each.leave()
    assert f"worker 1 (process {first}) was ended by SIGKILL; another is started in 0 s" in crew.log


HANG = """
import signal, time
signal.signal(signal.SIGUSR1, lambda *_: time.sleep(600))  # in the main thread: the event loop stands still
"""


def test_hanging_or_frozen_worker_is_killed_and_replaced(make_crew: Callable[..., Crew], tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(HANG)
    crew = make_crew(2, environment={"PYTHONPATH": str(tmp_path)}, expected_errors=["its event loop has not run for"])
    before = crew.workers
    os.kill(before[1], signal.SIGUSR1)
    os.kill(before[2], signal.SIGSTOP)
    with socket.create_connection(("127.0.0.1", crew.port)) as waiting:  # in a socket of a stopped worker
        waiting.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        waiting.settimeout(SILENT_SECONDS + 20)
        assert b" 200 OK" in waiting.recv(65536)
    wait_until(lambda: not set(crew.workers.values()) & set(before.values()), SILENT_SECONDS + 20)
    stack = crew.log.partition("Timeout (0:00:10)!")[2]
    assert 'sitecustomize.py"' in stack.partition(" hangs: ")[0]


@pytest.mark.long
def test_frozen_worker_delays_no_new_client(make_crew: Callable[..., Crew]) -> None:
    crew = make_crew(2, expected_errors=["its event loop has not run for"])
    before = crew.workers
    os.kill(before[1], signal.SIGSTOP)
    with ExitStack() as clients:
        connect = partial(socket.create_connection, ("127.0.0.1", crew.port), SILENT_SECONDS)
        waiting = [clients.enter_context(connect()) for _ in range(40)]  # half of them in its socket
        for each in waiting:
            each.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert all(b" 200 OK" in each.recv(65536) for each in waiting)
    assert "worker 1 (process " in crew.log.partition("stands still")[0].splitlines()[-1]
    assert crew.workers == before  # nobody has waited for its successor
    os.kill(before[1], signal.SIGCONT)
    wait_until(lambda: "takes its own connections again" in crew.log)


@pytest.mark.long
async def test_deleted_folder_loses_no_acknowledged_message(crew: Crew, tokens: dict[str, str]) -> None:
    crew.expected_errors += ["takes nothing more", "cannot be written"]
    users = [Someone(crew, login, tokens[login]) for login in ("ana", "bruno", "paula")]
    for worker, user in zip((1, 2, 2), users, strict=True):
        await user.come(worker=worker)
    acknowledged: list[str] = []

    async def say(text: str) -> bool:
        try:
            await users[len(acknowledged) % 2].say(text)
        except ErrorReply:
            return False
        acknowledged.append(text)
        return True

    assert all([await say(f"before {number}") for number in range(20)])
    aside = crew.data_dir.rename(crew.data_dir.with_name("aside"))
    assert not any([await say(f"while it is gone {number}") for number in range(6)])
    aside.rename(crew.data_dir)
    assert all([await say(f"after {number}") for number in range(20)])
    await until(lambda: users[2].received == acknowledged)
    crew.kill()
    with closing(sqlite3.connect(crew.data_dir / "journal.sqlite3")) as journal:
        rows = journal.execute("SELECT payload FROM events WHERE event = 'message:sent' ORDER BY seq").fetchall()
    assert [json.loads(payload)["text"] for (payload,) in rows] == acknowledged
    crew.start()


async def test_every_worker_shows_the_same_rights_and_dashboard(crew: Crew, tokens: dict[str, str]) -> None:
    seen: list[Payload] = []
    principal = await crew.connect("principal", tokens["diretora"], lambda _, event, it: seen.append(it), worker=1)
    school = SeenSchool((await principal.join("dashboard"))["state"]["dashboard"])
    ana, bruno = (Someone(crew, login, tokens[login]) for login in ("ana", "bruno"))
    await ana.come(worker=1)
    await bruno.come(worker=2)
    await until(lambda: followed(school, seen).totals["users"].get("student") == 2)
    await bruno.say("oi")
    await until(lambda: sum_of_messages(followed(school, seen)) == 1)
    await asyncio.to_thread(crew.run, "user", "disable", "bruno")
    assert bruno.connection is not None
    await asyncio.wait_for(bruno.connection.ended.wait(), 10)
    assert bruno.connection.close_code == 4001
    await until(lambda: followed(school, seen).totals["users"]["student"] == 1)
    await ana.leave()
    principal.close()
    await principal.closed.wait()


def followed(school: SeenSchool, seen: list[Payload]) -> SeenSchool:
    while seen:
        school.apply(seen.pop(0))
    return school


def sum_of_messages(school: SeenSchool) -> int:
    return sum(sum(room["messages"]) for room in school.classes.values())


async def test_sigterm_closes_clients_as_restarting_and_keeps_acknowledged_messages(
    crew: Crew, tokens: dict[str, str]
) -> None:
    people = [Someone(crew, login, tokens[login]) for login in ("ana", "bruno", "paula")]
    for number, each in enumerate(people):
        await each.come(worker=1 + number % 2)
    pushes = [asyncio.create_task(people[0].say(f"mensagem {number}")) for number in range(20)]
    await asyncio.sleep(0)
    crew.signal(signal.SIGTERM)
    outcomes = await asyncio.gather(*pushes, return_exceptions=True)
    acknowledged = {outcome["seq"] for outcome in outcomes if isinstance(outcome, dict)}
    assert await asyncio.to_thread(crew.wait) == 0
    for each in people:
        assert each.connection is not None
        await asyncio.wait_for(each.connection.closed.wait(), 10)
        assert each.connection.close_code == 1012
    await asyncio.to_thread(crew.start)
    await people[1].come()
    assert len(people[1].received) >= len(acknowledged)
    assert acknowledged <= set(range(1, len(people[1].received) + 1))
    await people[1].leave()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signal_to_the_whole_group_starts_one_drain(
    number: signal.Signals, make_crew: Callable[..., Crew], tokens: dict[str, str]
) -> None:
    crew = make_crew(2, new_session=True)
    ana = Someone(crew, "ana", tokens["ana"])
    await ana.come()
    os.killpg(crew.pid, number)  # as a terminal's Ctrl-C does, or a service manager
    assert await asyncio.to_thread(crew.wait) == 0
    assert ana.connection is not None
    await asyncio.wait_for(ana.connection.closed.wait(), 10)
    assert ana.connection.close_code == 1012


def test_second_sigterm_ends_all_processes_at_once(crew: Crew) -> None:
    processes = [process.pid for process in crew.processes]
    os.kill(crew.workers[2], signal.SIGSTOP)  # without the second signal, the drain would wait for it
    crew.signal(signal.SIGTERM)
    wait_until(lambda: not is_there(crew.workers[1]))
    crew.signal(signal.SIGTERM)
    assert crew.wait(5) == -signal.SIGTERM
    wait_until(lambda: not any(map(is_there, processes)))


# One user opens at most 50 connections at once and then 5 a second: these six clients of one user stay below.
UNPACED_CONNECTIONS = 40
PACE_SECONDS = 1.5


async def test_sighup_replaces_workers_without_refused_connections_or_lost_messages(
    make_crew: Callable[..., Crew], tokens: dict[str, str]
) -> None:
    crew = make_crew(2, "--push-rate", "0")
    before, acknowledged = crew.workers, dict[str, int]()
    counted = Counter[str]()
    bruno = Someone(crew, "bruno", tokens["bruno"])
    await bruno.come()
    stop = asyncio.Event()
    clients = [
        asyncio.create_task(come_say_and_go(crew, f"{number}", bruno.topic, tokens["ana"], acknowledged, counted, stop))
        for number in range(6)
    ]
    staying = asyncio.create_task(bruno.stay())
    for rounds in (1, 2):
        crew.signal(signal.SIGHUP)
        await until(lambda rounds=rounds: crew.log.count("all workers have been replaced") == rounds)  # type: ignore[misc]
    stop.set()
    await asyncio.gather(*clients)
    assert not set(crew.workers.values()) & set(before.values())
    assert counted["connections"] > 20
    await until(lambda: len(bruno.received) == len(acknowledged))
    assert {text: number for number, text in enumerate(bruno.received, 1)} == acknowledged
    staying.cancel()
    await bruno.leave()


async def come_say_and_go(
    crew: Crew,
    name: str,
    topic: str,
    token: str,
    acknowledged: dict[str, int],
    counted: Counter[str],
    stop: asyncio.Event,
) -> None:
    """Reconnect repeatedly and send three messages each time; resend those that a drain left unanswered."""
    while not stop.is_set():
        if counted["connections"] > UNPACED_CONNECTIONS:
            await asyncio.sleep(PACE_SECONDS)
        # A refused connection raises, and so fails the test.
        connection = await Connection.open(crew.socket_url("students", token), lambda *_: None)
        counted["connections"] += 1
        try:
            await connection.join(topic)
            for _ in range(3):
                text = f"{name}-{counted[name]}"
                reply = await connection.request(topic, "message:send", {"text": text, "id": text})
                acknowledged[text] = reply["seq"]
                counted[name] += 1
        except Gone:
            counted["closed"] += 1
        connection.close()
        await connection.closed.wait()


def test_worker_that_keeps_dying_stops_server_with_clear_message(crew: Crew) -> None:
    process = crew.pid
    ended: set[int] = set()
    while is_there(process):
        pid = crew.workers[1]
        if pid not in ended and is_there(pid):
            ended.add(pid)
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)
    assert crew.wait() == 1
    assert "Error: Lousa stops: worker 1 was ended by SIGKILL" in crew.log
    assert len(ended) == 6
    assert not is_there(crew.workers[2])
    assert not is_there(crew.redis)


async def test_private_redis_is_restarted_and_the_chat_continues(crew: Crew, tokens: dict[str, str]) -> None:
    ana, bruno = (Someone(crew, login, tokens[login]) for login in ("ana", "bruno"))
    await ana.come(worker=1)
    await bruno.come(worker=2)
    first = crew.redis
    os.kill(first, signal.SIGKILL)
    said = [f"mensagem {number}" for number in range(30)]
    for text in said:
        await ana.say(text)
    await until(lambda: bruno.received == said)
    await until(lambda: crew.redis != first)
    await until(lambda: crew.log.count("Redis is there") == 4)
    await ana.say("de novo")
    await until(lambda: bruno.received[-1] == "de novo")
    for each in (ana, bruno):
        await each.leave()


def test_no_process_survives_a_killed_supervisor(crew: Crew) -> None:
    processes = [process.pid for process in crew.processes]
    assert len(processes) == 3
    os.kill(crew.workers[1], signal.SIGSTOP)  # a frozen worker must end too
    crew.kill()
    wait_until(lambda: not any(map(is_there, processes)))
    crew.start()


def test_auto_starts_one_worker_per_core(make_crew: Callable[..., Crew]) -> None:
    assert sorted(make_crew("auto").workers) == [1 + number for number in range(len(os.sched_getaffinity(0)))]


def test_second_server_on_the_same_port_or_data_is_refused(crew: Crew) -> None:
    serve, refused = ["serve", "--port", "0", "--workers"], "Another Lousa serves this school already"
    for arguments, message in (
        (["serve", "--port", str(crew.port), "--workers", "2"], "Cannot listen on port"),
        ([*serve, "2"], refused),
        ([*serve, "1"], refused),
        ([*serve, "1", "--redis-url", "redis://127.0.0.1"], refused),
        (["database", "accept"], "A Lousa serves this school"),
        (["database", "upgrade"], "A Lousa serves this school"),
    ):
        done = crew.attempt(*arguments)
        assert done.returncode == 1
        assert message in done.stderr


WAITS = "this worker opens when it is back"


def test_workers_wait_for_an_unreachable_database_at_their_start(tmp_path: Path) -> None:
    with PostgreSQL() as postgresql:
        options = ["--database", f"journal={postgresql.create_database()}"]
        crew = Crew(tmp_path / "data", 2, options=options, expected_errors=["the old one stays", "cannot be read"])
        crew.run("database", "upgrade")
        crew.run("roster", "import", str(DEMO_SCHOOL))
        with crew:
            first = crew.workers[1]
            postgresql.stop()
            crew.signal(signal.SIGHUP)
            wait_until(lambda: WAITS in crew.log)
            os.kill(crew.workers[1], signal.SIGKILL)  # the successor, before it serves
            wait_until(lambda: "the new worker 1 does not serve; the old one stays" in crew.log)
            assert is_there(first)
            os.kill(first, signal.SIGKILL)
            wait_until(lambda: crew.log.count("is started (process") == 4)
            wait_until(lambda: crew.log.count(WAITS) > 1)
            waiting = crew.workers[1]
            postgresql.start()
            wait_until(lambda: crew.log.count("worker 1: channels.broker.redis: Redis is there") == 2)
            postgresql.stop()
            os.kill(waiting, signal.SIGKILL)
            wait_until(lambda: WAITS in crew.log.partition(f"(process {waiting}) was")[2])
            crew.stop()  # a waiting worker stops cleanly too
            postgresql.start()


async def test_two_machines_share_one_school_over_redis_and_postgresql(
    tmp_path: Path, postgresql: PostgreSQL, redis_server: RedisServer
) -> None:
    options = [
        word
        for name in ("accounts", "journal", "audit")
        for word in ("--database", f"{name}={postgresql.create_database()}")
    ]
    one = Crew(tmp_path / "one", 1, "--redis-url", redis_server.url, options=options)
    two = Crew(tmp_path / "two", 2, "--redis-url", redis_server.url, options=options)
    one.run("database", "upgrade")
    one.run("roster", "import", str(DEMO_SCHOOL))
    tokens = one.tokens("ana", "bruno")
    with one, two:
        ana, bruno = Someone(one, "ana", tokens["ana"]), Someone(two, "bruno", tokens["bruno"])
        await ana.come()
        await bruno.come(worker=2)
        await ana.say("daqui")
        await bruno.say("e daqui")
        await until(lambda: ana.received == bruno.received == ["daqui", "e daqui"])
        await until(lambda: len(ana.present()) == len(bruno.present()) == 2)
        redis_server.kill()
        await ana.say("sem redis")
        await until(lambda: bruno.received[-1] == "sem redis")
        for each in (ana, bruno):
            await each.leave()
    assert not (tmp_path / "one").exists()  # no database file is on this machine
    assert not (tmp_path / "two").exists()


async def test_drain_closes_many_connections_in_small_steps(
    make_crew: Callable[..., Crew], tokens: dict[str, str]
) -> None:
    crew = make_crew(2, "--drain-seconds", "1")
    opened = [
        asyncio.create_task(crew.connect(ROLES[login], tokens[login], lambda *_: None))
        for login in ("ana", "bruno", "paula") * 30
    ]
    connections = await asyncio.gather(*opened)
    crew.signal(signal.SIGHUP)
    moments = sorted(await asyncio.gather(*map(moment_of_closing, connections)))
    assert {connection.close_code for connection in connections} == {1012}
    # 90 of them, in steps of ten and 50 ms, on each worker after the other.
    assert moments[-1] - moments[0] > 0.15


async def moment_of_closing(connection: Connection) -> float:
    await asyncio.wait_for(connection.closed.wait(), 20)
    return asyncio.get_running_loop().time()
