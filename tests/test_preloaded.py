"""A preloaded process runs `server.py` as Python would."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from tests.crew import wait_until
from tests.lousa import Lousa
from tests.preloaded import Fork, Preloaded


@pytest.fixture(scope="module")
def preloaded() -> Iterator[Preloaded]:
    """Return a preloaded process beside the one of all tests."""
    with Preloaded() as preloaded:
        yield preloaded


def test_fork_has_its_own_arguments_environment_and_streams(preloaded: Preloaded, tmp_path: Path) -> None:
    environment = {**os.environ, "LOUSA_DATA_DIR": str(tmp_path / "data")}
    create = ["user", "create", "ana", "--role", "student", "--name", "Ana", "--password-stdin"]
    done = preloaded.run(create, environment, "quatro paredes\n", 30)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ana can sign in.\n", "")
    done = preloaded.run(["frobnicate"], environment, "", 30)
    assert (done.returncode, done.stdout) == (2, "")
    assert "No such command 'frobnicate'" in done.stderr


def serve(preloaded: Preloaded, folder: Path, *, new_session: bool = False) -> Fork:
    """Run a server that waits for requests."""
    with (folder / "log").open("w+") as log, open(os.devnull) as nothing:
        streams = (nothing.fileno(), log.fileno(), log.fileno())
        arguments = ["serve", "--port", "0", "--data-dir", str(folder / "data")]
        fork = preloaded.start(arguments, os.environ, streams, new_session=new_session)
    wait_until(lambda: "Lousa is open" in (folder / "log").read_text())
    return fork


def test_signals_reach_a_fork_and_its_end_is_reported(preloaded: Preloaded, tmp_path: Path) -> None:
    for number, code in ((signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL)):
        fork = serve(preloaded, tmp_path, new_session=True)
        assert (fork.poll(), os.getsid(fork.pid)) == (None, fork.pid)
        fork.send_signal(number)
        assert fork.wait(30) == fork.poll() == code
        (tmp_path / "log").unlink()


def test_several_threads_can_wait_for_one_fork(preloaded: Preloaded, tmp_path: Path) -> None:
    fork = serve(preloaded, tmp_path)
    with ThreadPoolExecutor(8) as threads:
        waiting = [threads.submit(fork.wait, 30) for _ in range(8)]
        os.kill(fork.pid, signal.SIGKILL)
        assert [each.result() for each in waiting] == [-signal.SIGKILL] * 8


def test_forks_end_with_the_process_that_asked_for_them(tmp_path: Path) -> None:
    with Preloaded() as preloaded:
        fork = serve(preloaded, tmp_path)
    assert fork.wait(30) == -signal.SIGKILL


def test_servers_of_tests_are_forks_of_one_process(lousa: Lousa) -> None:
    command = psutil.Process(lousa.pid).parent().cmdline()
    assert "tests.fork_server" in command or Lousa.preloaded is None
