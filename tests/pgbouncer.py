"""A real PgBouncer in front of a test's PostgreSQL, on a free loopback port."""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

from tests.postgresql import PostgreSQL
from tests.programs import ProgramMissing, free_port

START_SECONDS = 20

_SETTINGS = """
[databases]
* = host=127.0.0.1 port={postgresql}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
# As docs/operations.md says, for four workers.
default_pool_size = 50
max_client_conn = 150
server_login_retry = 1
logfile = {folder}/log
pidfile = {folder}/pid
"""


class PgBouncer:
    """One PgBouncer that accepts everybody as the user lousa; `mode` is `session`, `transaction` or `statement`."""

    def __init__(self, postgresql: PostgreSQL, mode: str) -> None:
        self.port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="lousa-pgbouncer-"))
        settings = _SETTINGS.format(postgresql=postgresql.port, port=self.port, mode=mode, folder=self._folder)
        (self._folder / "pgbouncer.ini").write_text(settings.replace("host=127.0.0.1", "host=127.0.0.1 user=lousa"))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The pid of the running process."""
        assert self._process is not None, "PgBouncer is not running"
        return self._process.pid

    def url(self, direct: str) -> str:
        """Return the URL of a database, given that of PostgreSQL itself."""
        return f"postgresql://lousa@127.0.0.1:{self.port}/{direct.rpartition('/')[2]}"

    def start(self) -> None:
        """Start, and return once it accepts connections."""
        (self._folder / "log").unlink(missing_ok=True)
        found = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
        if found is None:
            raise ProgramMissing("pgbouncer", "pgbouncer")
        user = ["-u", "nobody"] if os.geteuid() == 0 else []  # it refuses root
        if user:
            shutil.chown(self._folder, "nobody")
            for file in self._folder.iterdir():
                shutil.chown(file, "nobody")
        command = [found, "-q", *user, str(self._folder / "pgbouncer.ini")]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS
        while not (self._folder / "log").exists() or "process up" not in (self._folder / "log").read_text():
            assert self._process.poll() is None, f"PgBouncer ended: {self._log}"
            assert time.monotonic() < deadline, f"PgBouncer did not start: {self._log}"
            time.sleep(0.02)

    @property
    def _log(self) -> str:
        file = self._folder / "log"
        return file.read_text() if file.exists() else "it wrote nothing"

    def kill(self) -> None:
        """Kill it, with all connections through it."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Stop, and remove its files."""
        self.kill()
        shutil.rmtree(self._folder)
