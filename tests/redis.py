"""A real Redis for tests, without persistence, on a free loopback port: tests kill, freeze and restart it."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from tests.programs import free_port, program

START_SECONDS = 20


class RedisServer:
    """One server; it can be restarted on the same port."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.port = free_port()
        self._folder = folder
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self._held: list[socket.socket] = []

    @property
    def url(self) -> str:
        """The URL of the server."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        """The pid of the running process."""
        assert self._process is not None, "Redis is not running"
        return self._process.pid

    def start(self) -> None:
        """Start and return once it answers."""
        command = [
            program("redis-server"),
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            *self._options,
        ]
        self._process = subprocess.Popen(command, cwd=self._folder, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS
        while b"+PONG" not in self.command("PING"):
            assert time.monotonic() < deadline, "Redis did not answer"
            time.sleep(0.02)

    def command(self, line: str) -> bytes:
        """Send one inline command and return the reply; empty if the server is down."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                connection.sendall(line.encode() + b"\r\n")
                return connection.recv(65536)
        except OSError:
            return b""

    def send(self, line: str) -> None:
        """Send one inline command without waiting for the reply; the connection stays open until Redis ends."""
        self._held.append(socket.create_connection(("127.0.0.1", self.port), timeout=5))
        self._held[-1].sendall(line.encode() + b"\r\n")

    def kill(self) -> None:
        """Kill it, as in a crash."""
        process, self._process = self._process, None
        while self._held:
            self._held.pop().close()
        if process is not None:
            os.kill(process.pid, signal.SIGCONT)
            process.kill()
            process.wait()

    def freeze(self) -> None:
        """Freeze it: it keeps its connections and answers nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Resume it."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)
