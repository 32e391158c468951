"""A Lousa to be measured: with a school of invented students, each with a token of their own, and its CPU."""

import resource
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.lousa import ROOT, Lousa
from tests.roster import TEACHER, write_school

MICROSECONDS = 1e6


@contextmanager
def scratch() -> Iterator[Path]:
    """Give a folder on the project's disk: a temporary directory is often in memory, where a commit costs nothing."""
    build = ROOT / "build"
    build.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=build, prefix="bench-") as folder:
        yield Path(folder)


@contextmanager
def served(
    folder: Path, students: int, classes: int = 1, options: Sequence[str] = (), environment: Mapping[str, str] = {}
) -> Iterator[tuple[Lousa, list[str], str]]:
    """Serve a new school without a bound on pushes; give the server, the students' tokens and the teacher's."""
    logins = write_school(folder / "roster", students, classes)
    server = Lousa(folder / "data", serve_options=("--push-rate", "0", *options), environment=environment)
    server.run("roster", "import", str(folder / "roster"))
    tokens = server.tokens(*logins, TEACHER)
    with server:
        yield server, [tokens[login] for login in logins], tokens[TEACHER]


def socket_path(role: str, token: str) -> str:
    """Return the path of a role's WebSocket for the bearer of a token."""
    return f"/{role}/socket/websocket?vsn=2.0.0&access_token={token}"


def cpu_seconds(pid: int) -> float:
    """Return the CPU that a process has used, all its threads and the kernel's part included.

    By its clock (clock_getcpuclockid(3), whose number is made so on Linux), which is exact; /proc counts in 10 ms.
    """
    return time.clock_gettime(~pid << 3 | 2)


def allow_many_files() -> None:
    """Let this process and those that it starts have as many connections as the system gives them."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
