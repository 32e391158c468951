r"""Starts `server.py` from a process that has already imported it: a start is a fork, not a second of imports.

    test process -- starts once --> preloaded process: import server.cli.main
                                         \-- fork --> server.py serve …
                                         \-- fork --> server.py token create …

The fork runs `server.py` as Python would, with its own arguments, environment, standard streams and session. It differs
in two ways: variables that Python itself reads at its start (PYTHON…) have no effect, and the modules share memory with
those of other forks. Tests to which that matters start Python instead.

The preloaded process (fork_server.py) ends with the test process, and kills the forks that are left.
"""

import array
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

ROOT = Path(__file__).parent.parent

INT_BYTES = 4


class Fork:
    """A process that was forked for this one: what tests use of `subprocess.Popen`. Several threads may wait for it."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        # Not at the process's end: another thread may be waiting for the pipe, and its number would be taken again.
        weakref.finalize(self, os.close, pipe)
        self._reading = threading.Lock()
        self.pid = _read_int(pipe)
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit code; None if the process still runs."""
        with suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end; return the exit code, or minus the number of the signal that ended the process."""
        if self.returncode is None:
            if not select.select([self._pipe], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("server.py", timeout or 0.0)
            with self._reading:
                if self.returncode is None:  # else another thread has read it, and the pipe is at its end
                    self.returncode = _read_int(self._pipe)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless the process has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Send SIGKILL, unless the process has ended."""
        self.send_signal(signal.SIGKILL)


class Preloaded:
    """The preloaded process, started when it is first used."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._requests, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def start(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        streams: tuple[int, int, int],
        *,
        new_session: bool = False,
    ) -> Fork:
        """Run `server.py` in the project's folder, with file descriptors as its standard streams."""
        if self._process is None:
            self._process = self._start()
        ours, theirs = os.pipe()
        request = {"arguments": [*arguments], "environment": {**environment}, "new_session": new_session}
        fds = array.array("i", [*streams, theirs])
        self._requests.sendmsg([json.dumps(request).encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
        os.close(theirs)
        return Fork(ours)

    def run(
        self, arguments: Sequence[str], environment: Mapping[str, str], stdin: str, timeout: float
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command of `server.py` to its end."""
        with tempfile.TemporaryFile("w+") as given, tempfile.TemporaryFile("w+") as errors:
            given.write(stdin)
            given.seek(0)
            ours, theirs = os.pipe()  # commands write other things into files than into pipes
            process = self.start(arguments, environment, (given.fileno(), theirs, errors.fileno()))
            os.close(theirs)
            with open(ours) as output:
                stdout = output.read()
            code = process.wait(timeout)
            errors.seek(0)
            return subprocess.CompletedProcess([*arguments], code, stdout, errors.read())

    def _start(self) -> "subprocess.Popen[bytes]":
        number = self._theirs.fileno()
        command = [sys.executable, "-m", "tests.fork_server", str(number)]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, pass_fds=[number])
        self._theirs.close()
        return process

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """End the preloaded process."""
        self._theirs.close()
        self._requests.close()
        if self._process is not None:
            self._process.wait()


def _read_int(pipe: int) -> int:
    data = os.read(pipe, INT_BYTES)
    assert len(data) == INT_BYTES, "the preloaded process has ended"
    return int.from_bytes(data, "big", signed=True)
