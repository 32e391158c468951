"""What a machine whose line to PostgreSQL loses packets costs another one that writes to the same class.

    python -m tests.faults.lossy_line --seconds 40 --loss 20          as root; needs nft (nftables) and ip (iproute2)

    here: PostgreSQL, one writer  <-- a line, of whose packets some are lost -->  another machine: a writer

Each writer is a process with a journal of its own, appends an event to one topic every 0.2 s, and notes how long each
took. What is stored in the end is compared with what was acknowledged.
"""

import argparse
import asyncio
import itertools
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from channels.errors import Refused
from channels.journal.entry import Entry, Receipt, Superseded
from channels.journal.journal import Journal
from channels.journal.postgresql import PostgresqlWriter
from server.databases import Databases
from server.databases.engine import asyncpg_dsn
from server.settings import database_urls
from tests.channels.journal.support import Recorder
from tests.machine import HERE, machines
from tests.postgresql import PostgreSQL

TOPIC = "class:7"
EVERY_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Figure:
    """What one writer saw: the seconds of each append that was acknowledged, by push id, and how many were refused."""

    name: str
    stored: dict[str, tuple[int, float]]  # position, seconds
    refused: int

    def line(self) -> str:
        """Return it as a row of a table."""
        took = sorted(seconds for _, seconds in self.stored.values())
        parts = [took[len(took) * percent // 100] if percent < 100 else took[-1] for percent in (50, 95, 100)]
        return (
            f"| {self.name} | {len(took)} | {' | '.join(f'{part * 1000:.0f} ms' for part in parts)} | {self.refused} |"
        )


async def play(seconds: float, loss: int) -> tuple[Sequence[Figure], dict[str, int]]:
    """Return what both writers saw, and the positions that are stored, by push id; fails if a push is stored twice."""
    with machines(1) as [machine], PostgreSQL(addresses=[HERE]) as postgresql:
        urls = {name: postgresql.create_database() for name in database_urls(Path())}
        databases = Databases(urls)
        await databases.upgrade()
        machine.lose(loss)
        far = urls["journal"].replace("127.0.0.1", HERE)
        figures = await asyncio.gather(
            _run("whole line", [], urls["journal"], seconds),
            _run(f"{loss} % lost", machine.inside, far, seconds),
        )
        journal = Journal(databases.engine("journal"), PostgresqlWriter(urls["journal"]))
        events = await journal.after(TOPIC, 0, 100_000)
        await journal.close()
        await databases.dispose()
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    ids = [json.loads(event.payload)["id"] for event in events]
    assert max(Counter(ids).values()) == 1
    return figures, {push_id: event.seq for push_id, event in zip(ids, events, strict=True)}


async def _run(name: str, inside: list[str], url: str, seconds: float) -> Figure:
    command = [*inside, sys.executable, "-m", "tests.faults.lossy_line", "--writer", name, url, str(seconds)]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    output, _ = await process.communicate()
    assert process.returncode == 0
    stored, refused = json.loads(output)
    return Figure(name, {push_id: (seq, took) for push_id, (seq, took) in stored.items()}, refused)


async def write(name: str, url: str, seconds: float) -> None:
    """Append for so long, and print what became of it."""
    databases = Databases(dict.fromkeys(database_urls(Path()), url))
    journal = Journal(databases.engine("journal"), PostgresqlWriter(asyncpg_dsn(databases.engine("journal").url)))
    journal.start(Recorder())
    stored: dict[str, tuple[int, float]] = {}
    refused, until = 0, time.monotonic() + seconds
    for number in itertools.count():
        if time.monotonic() > until:
            break
        push_id, began = f"{name} {number}", time.monotonic()
        while not isinstance(outcome := await _append(journal, push_id), Receipt):
            refused += 1
        stored[push_id] = outcome.seq, time.monotonic() - began
        await asyncio.sleep(max(0.0, began + EVERY_SECONDS - time.monotonic()))
    with suppress(TimeoutError):
        async with asyncio.timeout(10):
            await journal.close()
    print(json.dumps((stored, refused)), flush=True)


async def _append(journal: Journal, push_id: str) -> Receipt | Superseded | Refused:
    done: asyncio.Future[Receipt | Superseded | Refused] = asyncio.get_running_loop().create_future()
    payload = json.dumps({"id": push_id}).encode()
    journal.append([Entry(TOPIC, "message:sent", payload, 1, push_id, 1_000)], done.set_result)
    return await done


def main() -> None:
    """Play it once and print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.lossy_line")
    parser.add_argument("--seconds", type=float, default=40.0)
    parser.add_argument("--loss", type=int, default=20, help="percent of the packets, each way")
    parser.add_argument("--writer", nargs=3, metavar=("NAME", "URL", "SECONDS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.writer:
        name, url, seconds = options.writer
        asyncio.run(write(name, url, float(seconds)))
        return
    figures, _ = asyncio.run(play(options.seconds, options.loss))
    print("| writer | stored | p50 | p95 | worst | refused |\n| --- | --- | --- | --- | --- | --- |")
    for figure in figures:
        print(figure.line())


if __name__ == "__main__":
    main()
