"""The measured servers: Lousa with a school of invented students, and its peers; their CPU and memory.

A `Server` is what the load generator needs to know: a port, a dialect, and the classes with a path for each client.
Lousa's paths contain one token each; a peer's are all the same.
"""

import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil

from bench.client import Address, Class, Client, Seat
from bench.dialect import Dialect, Phoenix
from bench.peer import Peer
from server.databases import SCHEMAS
from server.settings import database_urls
from tests.lousa import ROOT, Lousa
from tests.postgresql import PostgreSQL
from tests.programs import free_port
from tests.redis import RedisServer
from tests.roster import PRINCIPAL, TEACHER, write_school

DATABASES = SQLITE, POSTGRESQL = "sqlite", "postgresql"
# How Lousa is called in the tables, by its database.
LOUSA = "Lousa"
NAMES = {SQLITE: LOUSA, POSTGRESQL: "Lousa, PostgreSQL"}
START_SECONDS = 30.0
REST_SECONDS = 120.0
# Of a core.
RESTING = 0.1

# The server under measurement has the first core, the load generator the others; where there is one, they share it.
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORES = CORES[:1]
GENERATOR_CORES = CORES[1:] or CORES


@dataclass(frozen=True, slots=True)
class Server:
    """A running server and the classes of its school.

    Lousa's has its `program`, its data in `folder`, the PostgreSQL that it uses, if any, and its databases' URLs. The
    CPU and the memory of PostgreSQL are not counted: it belongs on a machine of its own.
    """

    name: str
    port: int
    _pid: int
    dialect: Dialect
    classes: list[Class]
    teacher: str = ""
    principal: str = ""
    redis_pid: int | None = None
    program: Lousa | None = None
    folder: Path | None = None
    postgresql: PostgreSQL | None = None
    urls: Mapping[str, str] | None = None

    @property
    def pid(self) -> int:
        """Its first process: Lousa's changes when it is killed and started again."""
        return self.program.pid if self.program is not None else self._pid

    def cpu_seconds(self) -> float:
        """Return the CPU used by it and its Redis, including all threads and the kernel's part."""
        redis = [self.redis_pid] if self.redis_pid is not None else []
        return sum(cpu_seconds(pid) for pid in (*self.pids(), *redis))

    def memory_bytes(self) -> int:
        """Return the memory of all its processes; shared pages count once."""
        return sum(_field_bytes(f"/proc/{pid}/smaps_rollup", "Pss") for pid in self.pids())

    def peak_bytes(self) -> int:
        """Return the sum of its processes' peak memory since `forget_peak`."""
        return sum(_field_bytes(f"/proc/{pid}/status", "VmHWM") for pid in self.pids())

    def forget_peak(self) -> None:
        """Reset the peak memory."""
        for pid in self.pids():
            Path(f"/proc/{pid}/clear_refs").write_text("5")

    def rest(self) -> None:
        """Wait until it is idle: deferred work is done and garbage is collected."""
        deadline = time.monotonic() + REST_SECONDS
        used = self.cpu_seconds()
        while time.monotonic() < deadline:
            time.sleep(1.0)
            before, used = used, self.cpu_seconds()
            if used - before < RESTING:
                return
        raise RuntimeError(f"{self.name} does not come to rest")

    def pids(self) -> list[int]:
        """Return its processes."""
        process = psutil.Process(self.pid)
        return [process.pid, *(child.pid for child in process.children(recursive=True))]


@contextmanager
def scratch() -> Iterator[Path]:
    """Yield a folder on the project's disk: a temporary directory is often in memory, where a commit is free."""
    build = ROOT / "build"
    build.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=build, prefix="bench-") as folder:
        yield Path(folder)


@contextmanager
def lousa(
    classes: int,
    clients: int,
    options: Sequence[str] = (),
    *,
    also: Sequence[str] = (),
    cores: Collection[int] = SERVER_CORES,
    database: str = SQLITE,
    environment: Mapping[str, str] = {},
    expected_errors: Sequence[str] = (),
) -> Iterator[Server]:
    """Serve a new school with these numbers of classes and of students per class; each student has a token.

    Nothing bounds the rate of pushes. `also` are topics that every student joins before the class; `expected_errors`
    may be in its log at the end. PostgreSQL runs on any core, and waits for its disk at each commit.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(scratch())
        logins = write_school(folder / "roster", classes * clients, classes)
        postgresql = stack.enter_context(PostgreSQL(fsync=True)) if database == POSTGRESQL else None
        database_options = _database_options(postgresql)
        server = Lousa(
            folder / "data",
            options=database_options,
            serve_options=("--push-rate", "0", *options),
            environment=environment,
            expected_errors=expected_errors,
        )
        server.run("database", "upgrade")
        server.run("roster", "import", str(folder / "roster"))
        tokens = server.tokens(*logins, TEACHER, PRINCIPAL)
        with on_cores(cores):
            stack.enter_context(server)
        topics = _class_topics(server.port, tokens[TEACHER])
        students = [socket_path("students", tokens[login]) for login in logins]
        yield Server(
            NAMES[database],
            server.port,
            server.pid,
            Phoenix(),
            [_class(topics[f"Turma {n + 1}"], students[n::classes], also) for n in range(classes)],
            socket_path("teachers", tokens[TEACHER]),
            socket_path("principal", tokens[PRINCIPAL]),
            program=server,
            folder=folder,
            postgresql=postgresql,
            urls=database_urls(folder / "data", database_options[1::2]),
        )


def _database_options(postgresql: PostgreSQL | None) -> list[str]:
    if postgresql is None:
        return []
    return [part for name in SCHEMAS for part in ("--database", f"{name}={postgresql.create_database()}")]


def kill(server: Server) -> None:
    """Kill Lousa with all its processes, as a power cut does."""
    assert server.program is not None
    processes = [psutil.Process(pid) for pid in server.pids()]
    server.program.kill()
    # The kernel kills the workers when their supervisor ends.
    _, left = psutil.wait_procs(processes, START_SECONDS)
    assert not left, f"these outlived the server: {left}"


def start(server: Server, cores: Collection[int] = SERVER_CORES) -> None:
    """Start a killed Lousa on the same data and port; return once it answers."""
    assert server.program is not None
    with on_cores(cores):
        server.program.start()


def _class_topics(port: int, token: str) -> dict[str, str]:
    asking = Client(Address(port, socket_path("teachers", token)))
    topics = Phoenix().class_topics(asking)
    asking.socket.close()
    return topics


@contextmanager
def peer_server(peer: Peer, classes: int, clients: int, *, cores: Collection[int] = SERVER_CORES) -> Iterator[Server]:
    """Serve classes with one of the peers; peers have no users and no sign-in."""
    with ExitStack() as stack:
        folder = stack.enter_context(scratch())
        with on_cores(cores):
            redis = stack.enter_context(own_redis(folder)) if peer.redis else None
        port = free_port()
        log = stack.enter_context((folder / "log").open("w+b"))
        command = peer.command(port, folder, redis.url if redis else "")
        environment = {**os.environ, **peer.environment}
        with on_cores(cores):
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        stack.callback(_end, process)
        stack.push(partial(_tell, process, folder / "log"))
        _wait_for(process, port, folder / "log")
        topics = [f"class:{n + 1}" for n in range(classes)]
        found = [_class(topic, [peer.dialect.path(topic)] * clients) for topic in topics]
        yield Server(peer.name, port, process.pid, peer.dialect, found, redis_pid=redis.pid if redis else None)


def _class(topic: str, paths: Sequence[str], also: Sequence[str] = ()) -> Class:
    return Class(topic, [Seat(path, (*also, topic)) for path in paths])


@contextmanager
def own_redis(folder: Path) -> Iterator[RedisServer]:
    """Run a Redis that also listens on a unix socket, like that of Lousa's supervisor."""
    server = RedisServer(folder, "--unixsocket", str(folder / "redis.sock"))
    try:
        server.start()
        yield server
    finally:
        server.kill()


def _tell(process: "subprocess.Popen[bytes]", log: Path, kind: object, error: object, traceback: object) -> None:
    """Print the output of a peer that has ended by itself."""
    if kind is not None and process.poll() is not None:
        print(log.read_text(errors="replace")[-2_000:], file=sys.stderr)


def _end(process: "subprocess.Popen[bytes]") -> None:
    # Not SIGKILL: nginx and Node's cluster must end their workers.
    process.terminate()
    try:
        process.wait(START_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_for(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except ConnectionRefusedError:
            time.sleep(0.05)
    raise RuntimeError(f"the peer did not start: {log.read_text(errors='replace')}")


@contextmanager
def on_cores(cores: Collection[int]) -> Iterator[None]:
    """Bind the processes started in this block to these cores, with all their threads."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def socket_path(role: str, token: str) -> str:
    """Return the path of a role's WebSocket with a bearer token."""
    return f"/{role}/socket/websocket?vsn=2.0.0&access_token={token}"


def cpu_seconds(pid: int) -> float:
    """Return the CPU used by a process, including all its threads and the kernel's part.

    By its clock (clock_getcpuclockid(3), whose number is made so on Linux), which is exact; /proc counts in 10 ms.
    """
    return time.clock_gettime(~pid << 3 | 2)


def _field_bytes(path: str, name: str) -> int:
    """Return a field that the kernel gives in KiB."""
    line = next(line for line in Path(path).read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024


def allow_many_files() -> None:
    """Raise the limit of open files of this process and its children to the system's maximum."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
