"""What others notice of a backup, how long it takes, and how long its restore: of a journal of some gigabytes.

Messages go to the classes at a fixed total rate: for a while without a backup, then while `backup` runs, and again
after it. At the end the server is killed, and the backup restored: with PostgreSQL into new databases.
"""

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bench.client import Address, Client, source
from bench.generator import Generator, generator
from bench.load import Load, Run
from bench.result import MILLISECONDS, keep, percentile, say, table
from bench.served import GENERATOR_CORES, NAMES, Server, kill, lousa, start
from server.databases.engine import create_engine
from tests.long_topic import write_messages
from tests.lousa import ROOT

SENDERS = 4

# Messages written at a time until the journal is large enough.
STEP = 100_000
GB = 1e9

# How long messages are sent before and after the backup; and in each run meanwhile: the last one goes on after it.
CALM_SECONDS = 20.0
RUN_SECONDS = 3.0

# How often the size of the write-ahead file is looked at.
LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Figure:
    """One backup; sizes in bytes, times in seconds. `log` is the largest write-ahead file; 0 with PostgreSQL.

    Each of `before`, `meanwhile` and `after` has the median, the 99th percentile and the largest latency; `missing` are
    deliveries that did not come.
    """

    server: str
    journal: int
    backup: float
    log: int
    before: Sequence[float]
    meanwhile: Sequence[float]
    after: Sequence[float]
    missing: int
    restore: float


def measure(gigabytes: float, classes: int, clients: int, rate: float, databases: Sequence[str]) -> None:
    """Measure a backup of each kind of database; save the figures."""
    figures = []
    for database in databases:
        with lousa(classes, clients, database=database) as server:
            figures.append(_measured(server, NAMES[database], gigabytes, rate))
            say(" | ".join(_cells(figures[-1])))
    keep("backup", figures, report(figures))


def _measured(server: Server, name: str, gigabytes: float, rate: float) -> Figure:
    size = _fill(server, gigabytes)
    assert server.folder is not None
    folder, journal = server.folder / "backup", server.folder / "data" / "journal.sqlite3"
    with generator(GENERATOR_CORES, Load.join, server.port, server.dialect, server.classes, SENDERS) as load:
        before = _send(load, CALM_SECONDS, rate)
        with _largest(journal.with_name("journal.sqlite3-wal")) as log:
            began = time.perf_counter()
            backup = _command(server, "backup", str(folder))
            meanwhile = []
            while backup.poll() is None:
                meanwhile.append(_send(load, RUN_SECONDS, rate))
            # The folder got its name then; the last run went on.
            ended = folder.stat().st_ctime - time.time() + time.perf_counter()
        _check(backup)
        after = _send(load, CALM_SECONDS, rate)
    restore = _restored(server, folder)
    missing = sum(run.missing for run in (before, *meanwhile, after))
    runs = {"before": [before], "meanwhile": meanwhile, "after": [after]}
    latencies = {when: _latencies(those) for when, those in runs.items()}
    return Figure(name, size, ended - began, max(log), missing=missing, restore=restore, **latencies)


def _restored(server: Server, backup: Path) -> float:
    """Kill the server and restore the backup; return how long that took."""
    kill(server)
    if server.postgresql is not None:
        assert server.urls is not None
        server = replace(server, urls={name: server.postgresql.create_database() for name in server.urls})
    since = time.perf_counter()
    _check(_command(server, "restore", str(backup), "--yes"))
    took = time.perf_counter() - since
    if server.postgresql is None:
        start(server)  # it is a school again
        kill(server)
    return took


def _send(load: Generator[Load], seconds: float, rate: float) -> Run:
    load.call(Load.settle)
    return load.call(Load.run_at, seconds, rate)


def _latencies(runs: Sequence[Run]) -> list[float]:
    found = sorted(latency for run in runs for latency in run.latencies)
    return [percentile(found, 50), percentile(found, 99), found[-1]]


def _fill(server: Server, gigabytes: float) -> int:
    """Write messages into a class, by SQL while the server is stopped, until the journal has this size; return it."""
    topic = server.classes[0].topic
    client = Client(Address(server.port, server.classes[0].seats[0].path, source(0)))
    server.dialect.greet(client)
    server.dialect.join(client, topic)
    server.dialect.write(client, topic, 1)  # makes the topic
    client.next_frames()
    client.socket.close()
    kill(server)
    assert server.urls is not None
    size = asyncio.run(_write(server.urls["journal"], topic, gigabytes * GB))
    start(server)
    return size


async def _write(url: str, topic: str, size: float) -> int:
    database = create_engine("journal", url)
    is_file = database.dialect.name == "sqlite"
    query = "SELECT pg_database_size(current_database())"
    length = 1
    while True:
        async with database.connect() as connection:
            found = Path(database.url.database or "").stat().st_size if is_file else 0
            found = found or (await connection.exec_driver_sql(query)).scalar_one()
        if found >= size:
            break
        await write_messages(database, topic, length, length + STEP)
        length += STEP
    async with database.begin() as connection:
        # A class is searched as it grows, not all of it at the next start.
        await connection.exec_driver_sql("DELETE FROM search_positions")
        await connection.exec_driver_sql("INSERT INTO search_positions (topic_id, seq) SELECT id, seq FROM topics")
    await database.dispose()
    return int(found)


def _command(server: Server, *arguments: str) -> "subprocess.Popen[str]":
    assert server.urls is not None
    assert server.folder is not None
    named = " ".join(f"{name}={url}" for name, url in server.urls.items())
    environment = {**os.environ, "LOUSA_DATA_DIR": str(server.folder / "data"), "LOUSA_DATABASE": named}
    command = [sys.executable, "server.py", *arguments]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def _check(process: "subprocess.Popen[str]") -> None:
    said, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(said)
    say(said.strip())


@contextmanager
def _largest(path: Path) -> Iterator[list[int]]:
    """Yield a list that gets the size of a file again and again during the block."""
    sizes, is_over = [0], threading.Event()

    def look() -> None:
        while not is_over.wait(LOOK_SECONDS):
            sizes.append(path.stat().st_size if path.exists() else 0)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield sizes
    finally:
        is_over.set()
        thread.join()


def report(figures: Sequence[Figure]) -> str:
    """Make a table of all backups."""
    columns = ["server", "journal", "backup", "restore", "largest -wal"]
    columns += [f"latency {when}: median, 99 %, largest" for when in ("before", "meanwhile", "after")]
    return table([*columns, "deliveries missing"], map(_cells, figures)) + "\n"


def _cells(figure: Figure) -> list[str]:
    times = [f"{figure.backup:.1f} s", f"{figure.restore:.1f} s"]
    latencies = [
        ", ".join(f"{seconds * MILLISECONDS:.1f}" for seconds in each) + " ms"
        for each in (figure.before, figure.meanwhile, figure.after)
    ]
    journal, log = (f"{size / GB:.2f} GB" if size else "" for size in (figure.journal, figure.log))
    return [figure.server, journal, *times, log, *latencies, str(figure.missing)]
