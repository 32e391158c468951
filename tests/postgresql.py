"""A real PostgreSQL for tests, in a temporary directory and on a free loopback port."""

import asyncio
import glob
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Self

import asyncpg
import psutil

from tests.programs import ProgramMissing, free_port


def program(name: str) -> str:
    """Find one of PostgreSQL's programs; Debian installs them off the PATH, in one folder per version."""
    places = glob.glob("/usr/lib/postgresql/*/bin/" + name)
    places.sort(key=lambda place: float(place.split("/")[4]))
    found = places[-1] if places else shutil.which(name)
    if found is None:
        raise ProgramMissing(name, "postgresql")
    return found


# A database has 300 files of 7 MB in total. It is created in 45 ms in memory, in 130 to 270 ms on a busy disk.
_MEMORY = Path("/dev/shm")
_ENOUGH_BYTES = 2**30


def _folder_in_memory() -> str | None:
    """Return a folder in memory; None, for the default, if there is too little room."""
    has_room = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ENOUGH_BYTES
    return str(_MEMORY) if has_room else None


class PostgreSQL:
    """One database server. It trusts every connection, and listens on loopback, and at `addresses` of a test's network.

    Without `fsync` it is fast but loses its data when the machine crashes. Tests of a killed server do not need
    `fsync`, because the kernel keeps what was written.
    """

    def __init__(self, *, fsync: bool = False, addresses: Sequence[str] = ()) -> None:
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="lousa-postgresql-", dir=None if fsync else _folder_in_memory()))
        self._numbers = count(1)
        # Statements run in a thread with its own loop and connection: callers may be fixtures or coroutines.
        self._thread = ThreadPoolExecutor(1, "postgresql")
        self._loop = asyncio.new_event_loop()
        self._connection: asyncpg.Connection | None = None
        self._fsync = "on" if fsync else "off"
        self._hosts = ",".join(("127.0.0.1", *addresses))
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres")
        self._run("initdb", "-D", str(self._data), "-U", "lousa", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N")
        with (self._data / "pg_hba.conf").open("a") as rules:
            rules.writelines(f"host all all {address}/24 trust\n" for address in addresses)

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _run(self, name: str, *arguments: str) -> None:
        """Run a program as the user postgres if we are root: PostgreSQL refuses root."""
        user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        command = [*user, program(name), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.folder, timeout=60)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}{self.log}")

    @property
    def log(self) -> str:
        """The server's log so far."""
        log = self.folder / "log"
        return log.read_text() if log.exists() else ""

    @property
    def pids(self) -> list[int]:
        """The pids of the server's processes, the postmaster first."""
        first = psutil.Process(int((self._data / "postmaster.pid").read_text().split()[0]))
        return [first.pid, *(child.pid for child in first.children(recursive=True))]

    def start(self) -> None:
        """Start and return once it answers."""
        options = f"-p {self.port} -h {self._hosts} -k {self.folder} -c fsync={self._fsync} -c max_connections=200"
        self._run("pg_ctl", "start", "-w", "-D", str(self._data), "-l", str(self.folder / "log"), "-o", options)

    def stop(self, mode: str = "immediate") -> None:
        """Stop; `immediate` is like a kill: committed data is restored by recovery."""
        self._thread.submit(self._disconnect).result()
        self._run("pg_ctl", "stop", "-w", "-D", str(self._data), "-m", mode)

    def create_database(self, template: str = "template1") -> str:
        """Create a database, empty or as a copy of one without connections, and return its URL."""
        name = f"test_{next(self._numbers)}"
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return f"postgresql://lousa@127.0.0.1:{self.port}/{name}"

    def drop_databases(self, *urls: str) -> None:
        """Drop databases, even with open connections."""
        self._execute(*(f'DROP DATABASE "{url.rpartition("/")[2]}" WITH (FORCE)' for url in urls))

    def log_statements(self) -> None:
        """Write every statement of every connection to the log from now on."""
        self._execute("ALTER SYSTEM SET log_statement = 'all'", "SELECT pg_reload_conf()")

    def end_backends(self) -> None:
        """End all connections but our own, as an administrator does."""
        self._execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid != pg_backend_pid()"
        )

    def _execute(self, *statements: str) -> None:
        self._thread.submit(self._loop.run_until_complete, self._execute_all(statements)).result()

    async def _execute_all(self, statements: Sequence[str]) -> None:
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(f"postgresql://lousa@127.0.0.1:{self.port}/postgres")
        for statement in statements:
            await self._connection.execute(statement)

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
            self._loop.run_until_complete(asyncio.sleep(0))  # the transport closes

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Stop and remove all data."""
        self.stop()
        self._thread.submit(self._loop.close).result()
        self._thread.shutdown()
        shutil.rmtree(self.folder)
