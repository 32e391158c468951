"""A Lousa with several workers, for tests that address its processes individually.

with Crew(data_dir, workers=2) as crew:
    crew.workers            # {1: pid, 2: pid}
    crew.redis              # the pid of the private Redis
"""

import asyncio
import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from tests.carrier import Gone
from tests.lousa import Lousa
from tests.phoenix import Connection, OnEvent
from tests.programs import is_free

# Generous: a start on a busy machine.
SECONDS = 20.0


class Crew(Lousa):
    """One supervisor with its workers and its Redis."""

    def __init__(self, data_dir: Path, workers: int | str = 2, *options: str, **others: Any) -> None:
        super().__init__(data_dir, serve_options=["--workers", str(workers), *options], **others)

    def start(self) -> None:
        """Start and return once all workers serve."""
        opened = self.log.count("Lousa is open at")
        super().start()
        wait_until(lambda: self.log.count("Lousa is open at") > opened)

    def kill(self) -> None:
        """Kill the supervisor (SIGKILL), and return once its workers, which end with it, have given up their port."""
        super().kill()
        wait_until(lambda: is_free(self.port))

    @property
    def processes(self) -> list[psutil.Process]:
        """The children of the supervisor."""
        return list(psutil.Process(self.pid).children(recursive=True))

    @property
    def workers(self) -> dict[int, int]:
        """The pids of the workers by number, read from the log."""
        started = re.findall(r"worker (\d+) is started \(process (\d+)\)", self.log)
        return {int(number): int(pid) for number, pid in started}

    @property
    def redis(self) -> int:
        """The pid of the private Redis."""
        return int(re.findall(r"a private Redis runs .* process (\d+)\)", self.log)[-1])

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the supervisor."""
        os.kill(self.pid, number)

    async def connect(self, role: str, token: str, on_event: OnEvent, worker: int | None = None) -> Connection:
        """Connect, optionally to one `worker`: retries until the kernel assigns the connection to that worker."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            try:
                connection = await Connection.open(self.socket_url(role, token), on_event)
            except Gone:
                await asyncio.sleep(0.05)
                continue
            if worker is None or self._has(self.workers[worker], connection.local_port):
                return connection
            connection.close()
            await connection.closed.wait()
        raise AssertionError(f"no connection to worker {worker} came about")

    def _has(self, pid: int, port: int) -> bool:
        try:
            connections = psutil.Process(pid).net_connections("tcp")
        except psutil.NoSuchProcess:
            return False
        return any(each.raddr and each.laddr.port == self.port and each.raddr.port == port for each in connections)


def wait_until(holds: Callable[[], object], seconds: float = SECONDS) -> None:
    """Poll until the condition holds; fails after a timeout."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.01)


async def until(holds: Callable[[], object], seconds: float = SECONDS) -> None:
    """Like `wait_until`, but without blocking the event loop."""
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.005)


def is_there(pid: int) -> bool:
    """Return whether a process runs; a zombie does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
