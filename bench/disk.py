"""How long one commit takes by itself: the least that a message can wait which is stored before it is delivered.

For SQLite it is a write and an `fdatasync` of the disk with its files; for PostgreSQL a transaction of one row, through
the driver that Lousa uses. Each comes after a pause, as between the messages of a calm school: a disk that is kept busy
answers sooner.
"""

import asyncio
import os
import random
import time
from pathlib import Path

import asyncpg

from bench.served import Server

COUNT = 200
PAUSE_SECONDS = 0.005
# A page of SQLite's write-ahead file, and so many of them that no sync waits for the same page again.
PAGE = bytes(4096)
PAGES = 1000


def commit_seconds(server: Server) -> list[float]:
    """Return the sorted seconds of some commits to the disk or the database of a Lousa."""
    assert server.folder is not None
    if server.postgresql is None:
        return sync_seconds(server.folder)
    return asyncio.run(row_seconds(server.postgresql.create_database()))


def sync_seconds(folder: Path, count: int = COUNT) -> list[float]:
    """Sync a file whose room is allocated, as that of the journal's write-ahead file is."""
    took = []
    with (folder / "probe").open("wb", buffering=0) as file:
        file.write(PAGE * PAGES)
        os.fsync(file.fileno())
        for number in range(count):
            time.sleep(random.expovariate(1 / PAUSE_SECONDS))
            began = time.perf_counter()
            os.pwrite(file.fileno(), PAGE, number % PAGES * len(PAGE))
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - began)
    return sorted(took)


async def row_seconds(url: str, count: int = COUNT) -> list[float]:
    """Insert rows into a new table, each in a transaction of its own."""
    connection = await asyncpg.connect(url)
    took = []
    try:
        await connection.execute("CREATE TABLE probe (number integer)")
        for number in range(count):
            await asyncio.sleep(random.expovariate(1 / PAUSE_SECONDS))
            began = time.perf_counter()
            await connection.execute("INSERT INTO probe VALUES ($1)", number)
            took.append(time.perf_counter() - began)
    finally:
        await connection.close()
    return sorted(took)
