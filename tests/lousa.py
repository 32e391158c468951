"""A Lousa server in its own process, for tests that use it like its users: over the network and the command line.

    with Lousa(data_dir) as lousa:
        token = lousa.tokens("ana")["ana"]
        ...
        lousa.kill()       # SIGKILL
        lousa.start()      # the same data directory, the same port

Its log is kept; leaving the `with` block stops the server and fails if the log has an unexpected error.
"""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self
from urllib.parse import urlencode

from tests.machine import Machine
from tests.preloaded import Fork, Preloaded
from tests.programs import free_port

ROOT = Path(__file__).parent.parent
DEMO_SCHOOL = ROOT / "server" / "rosters" / "demo"

# A cold start on a busy machine imports everything, migrates both databases and hashes the demo's password.
START_SECONDS = 30
# More than the server's own limit for draining.
STOP_SECONDS = 30
# The import of a large school on a busy machine.
COMMAND_SECONDS = 120

_ERROR = re.compile(r"\b(ERROR|CRITICAL|Traceback|Exception ignored|never awaited|was never retrieved)\b")


class Lousa:
    """One server on its own loopback port, with all its data in `data_dir`.

    `command` is `serve` or `demo`; `options` apply to every command, `serve_options` only to the server.
    `expected_errors` are regular expressions of log lines that the test provokes on purpose. With `new_session` its
    processes form their own group, which can receive a signal. `root` is the checkout that runs. It runs on a
    `machine` of the test's network, or on this one.
    """

    # Set while pytest runs (conftest.py): forks instead of starting Python. Benchmarks measure processes of their own.
    preloaded: ClassVar[Preloaded | None] = None

    def __init__(
        self,
        data_dir: Path,
        *,
        command: str = "serve",
        options: Sequence[str] = (),
        serve_options: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        expected_errors: Sequence[str] = (),
        port: int | None = None,
        new_session: bool = False,
        root: Path = ROOT,
        machine: Machine | None = None,
    ) -> None:
        self.data_dir = data_dir
        self.root = root
        self.port = port or free_port()
        self.log_file = data_dir.parent / f"{data_dir.name}.log"
        self.expected_errors = list(expected_errors)
        self._command = [command, *serve_options]
        self._options = ["--data-dir", str(data_dir), *options]
        self._environment = {**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})}
        self._new_session = new_session
        self._machine = machine
        # Python reads these variables at its start; a preloaded one has started.
        self._needs_python = any(name.startswith("PYTHON") for name in environment or {}) or root != ROOT
        self._process: subprocess.Popen[bytes] | Fork | None = None

    @property
    def host(self) -> str:
        """Where it listens."""
        return self._machine.address if self._machine is not None else "127.0.0.1"

    @property
    def url(self) -> str:
        """The URL of the pages, without a trailing slash."""
        return f"http://{self.host}:{self.port}"

    def socket_url(self, role: str, token: str, **parameters: str) -> str:
        """Return the address of a role's WebSocket (`students`, `teachers`, `principal`) for a bearer token."""
        return f"{self.url.replace('http', 'ws')}/{role}/socket/websocket?{_query(token, parameters)}"

    def poll_url(self, role: str, token: str, **parameters: str) -> str:
        """Return the address of a role's long-poll for a bearer token."""
        return f"{self.url}/{role}/socket/longpoll?{_query(token, parameters)}"

    @property
    def log(self) -> str:
        """The log of all its starts."""
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    @property
    def pid(self) -> int:
        """The pid of the running process."""
        assert self._process is not None, "the server is not running"
        return self._process.pid

    def start(self) -> None:
        """Start the server and return once it answers."""
        assert self._process is None, "the server runs already"
        arguments = [*self._command, *self._options, "--port", str(self.port)]
        if self._machine is not None:
            arguments += ["--host", self.host]
        # No terminal, also where the tests have one: SIGHUP would stop the server.
        with self.log_file.open("ab") as log, open(os.devnull) as nothing:
            self._process = self._launch(arguments, nothing.fileno(), log.fileno())
        self._wait_until_it_answers()

    def _launch(self, arguments: Sequence[str], nothing: int, log: int) -> subprocess.Popen[bytes] | Fork:
        if self.preloaded is not None and not self._needs_python and self._machine is None:
            streams = (nothing, log, log)
            return self.preloaded.start(arguments, self._environment, streams, new_session=self._new_session)
        inside = self._machine.inside if self._machine is not None else []
        return subprocess.Popen(
            [*inside, sys.executable, "server.py", *arguments],
            cwd=self.root,
            env=self._environment,
            stdin=nothing,
            stdout=log,
            stderr=log,
            start_new_session=self._new_session,
        )

    def _wait_until_it_answers(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None:
                raise AssertionError(f"the server ended with {self._process.returncode} as it started:\n{self.log}")
            if time.monotonic() > deadline:
                self.kill()
                raise AssertionError(f"the server did not answer within {START_SECONDS} s:\n{self.log}")
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(self.url + "/healthz", timeout=5).close()  # cheaper than a page
        except urllib.error.HTTPError as error:
            error.close()  # an error page is an answer, too
        except OSError:
            return False
        return True

    def kill(self) -> None:
        """Kill the server (SIGKILL): no handler runs."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def stop(self) -> None:
        """Stop the server with SIGTERM; fails unless it exits with code 0."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"the server did not stop within {STOP_SECONDS} s:\n{self.log}") from None
        assert code == 0, f"the server stopped with exit code {code}:\n{self.log}"

    def wait(self, seconds: float = STOP_SECONDS) -> int:
        """Wait until the server ends by itself and return its exit code."""
        process, self._process = self._process, None
        assert process is not None, "the server is not running"
        return process.wait(seconds)

    def restart(self) -> None:
        """Stop the server, then start it again on the same data and port."""
        self.stop()
        self.start()

    def run(self, *arguments: str, stdin: str | None = None) -> str:
        """Run a command of `server.py` on the same data, and return its output; fails if the command fails."""
        done = self.attempt(*arguments, stdin=stdin or "")
        assert done.returncode == 0, f"server.py {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}"
        return done.stdout

    def attempt(self, *arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        """Run a command of `server.py` on the same data, and return how it ended."""
        environment = {**self._environment, **_as_environment(self._options)}
        if self.preloaded is not None and not self._needs_python:
            return self.preloaded.run(arguments, environment, stdin, COMMAND_SECONDS)
        command = [sys.executable, "server.py", *arguments]
        return subprocess.run(
            command,
            cwd=self.root,
            env=environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
        )

    def tokens(self, *logins: str) -> dict[str, str]:
        """Create a bearer token for each login."""
        lines = self.run("token", "create", *logins).splitlines()
        return dict(line.split("\t") for line in lines)

    def check_log(self) -> None:
        """Fail if the log has an unexpected error."""
        unexpected = [line for line in self.log.splitlines() if _ERROR.search(line) and not self._is_expected(line)]
        assert not unexpected, f"the server logged: {unexpected[0]}\n\n{self.log[-20_000:]}"

    def _is_expected(self, line: str) -> bool:
        return any(re.search(pattern, line) for pattern in self.expected_errors)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            self.kill()  # the test's own failure must come first
            print(f"The end of the server's log:\n{self.log[-5_000:]}")
            return
        self.stop()
        self.check_log()


def _query(token: str, parameters: Mapping[str, str]) -> str:
    return urlencode({"vsn": "2.0.0", "access_token": token, **parameters})


def _as_environment(options: Sequence[str]) -> dict[str, str]:
    """Return the same options as environment variables, which every command reads."""
    environment: dict[str, str] = {}
    for name, value in zip(options[::2], options[1::2], strict=True):
        variable = "LOUSA_" + name.removeprefix("--").replace("-", "_").upper()
        environment[variable] = f"{environment.get(variable, '')} {value}".strip()
    return environment
