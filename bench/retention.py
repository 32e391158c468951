"""What a class notices while a million old events are deleted, how long that takes, and what the file has afterwards.

One client writes 20 messages a second and waits for each to come back: for some seconds before, and while `records
expire` runs. The old messages are written by SQL while the server is stopped, and are not in the index of texts.
"""

import asyncio
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from bench.client import Address, Client, source
from bench.result import MILLISECONDS, keep, percentile, say, table
from bench.served import Server, kill, lousa, start
from server.databases.engine import create_engine
from tests.long_topic import write_messages

# Between two messages, as in a lively class.
GAP_SECONDS = 0.05
# The old events are in so many classes.
CLASSES = 10


@dataclass(frozen=True, slots=True)
class Figure:
    """Seconds from a push to its broadcast, and the sizes of the journal's file in MB."""

    events: int
    deleting_seconds: float
    before_p50: float
    before_p99: float
    during_p50: float
    during_p99: float
    during_worst: float
    file_before_mb: float
    file_after_mb: float


def measure(events: int, seconds: float) -> None:
    """Measure it once; save the figures."""
    with lousa(CLASSES, 2) as server:
        _write_old(server, events // CLASSES)
        client = Client(Address(server.port, server.classes[0].seats[0].path, source(0)))
        server.dialect.greet(client)
        server.dialect.join(client, server.classes[0].topic)
        end = time.perf_counter() + seconds
        before = sorted(_talk(server, client, lambda: time.perf_counter() < end, 1_000))
        figure = _deleting(server, client, events, before)
    keep("retention", [figure], report(figure))


def _write_old(server: Server, each: int) -> None:
    for school_class in server.classes:
        client = Client(Address(server.port, school_class.seats[0].path, source(0)))
        server.dialect.greet(client)
        server.dialect.join(client, school_class.topic)
        server.dialect.write(client, school_class.topic, 1)  # makes the topic
        client.next_frames()
        client.socket.close()
    kill(server)
    assert server.urls is not None
    for school_class in server.classes:
        asyncio.run(_write(server.urls["journal"], school_class.topic, each))
    start(server)
    server.rest()
    # Now, so that the server does not delete by itself before the next night.
    assert server.program is not None
    server.program.run("school", "set", "keep_messages", "12")


async def _write(url: str, topic: str, each: int) -> None:
    database = create_engine("journal", url)
    await write_messages(database, topic, 1, each)
    async with database.begin() as connection:
        await connection.execute(text(_INDEXED))
    await database.dispose()


_INDEXED = """
    INSERT INTO search_positions (topic_id, seq) SELECT id, seq FROM topics WHERE true
    ON CONFLICT (topic_id) DO UPDATE SET seq = excluded.seq
"""


def _deleting(server: Server, client: Client, events: int, before: list[float]) -> Figure:
    assert server.program is not None
    assert server.folder is not None
    file, program = server.folder / "data" / "journal.sqlite3", server.program
    size = _megabytes(file)
    began = time.perf_counter()
    command = threading.Thread(target=lambda: say(program.run("records", "expire")))
    command.start()
    during = sorted(_talk(server, client, command.is_alive, 1_000_000))
    took = time.perf_counter() - began
    return Figure(
        events,
        took,
        percentile(before, 50),
        percentile(before, 99),
        percentile(during, 50),
        percentile(during, 99),
        during[-1],
        size,
        _megabytes(file),
    )


def _talk(server: Server, client: Client, goes_on: Callable[[], bool], number: int) -> list[float]:
    taken = []
    while goes_on():
        number += 1
        began = time.perf_counter()
        server.dialect.write(client, server.classes[0].topic, number)
        waiting = f"b{number:012}".encode()
        while not any(waiting in frame and server.dialect.is_broadcast(frame) for frame in client.next_frames()):
            pass
        taken.append(time.perf_counter() - began)
        time.sleep(GAP_SECONDS)
    return taken


def _megabytes(file: Path) -> float:
    return os.stat(file).st_size / 1e6


def report(figure: Figure) -> str:
    """Make a table of them."""
    names = ("before_p50", "before_p99", "during_p50", "during_p99", "during_worst")
    times = [f"{getattr(figure, name) * MILLISECONDS:.1f} ms" for name in names]
    rows = [[f"{figure.events:,}", f"{figure.deleting_seconds:.0f} s", *times]]
    rows[0] += [f"{figure.file_before_mb:.0f} MB", f"{figure.file_after_mb:.0f} MB"]
    columns = ["events", "deleted in", "before: median", "99 %", "meanwhile: median", "99 %", "worst"]
    return table([*columns, "file before", "after"], rows) + "\n"
