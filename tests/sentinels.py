"""Two Redis, one of which follows the other, and the Sentinels that choose the one that leads; with passwords."""

import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.programs import free_port, program
from tests.redis import RedisServer

# Of the Redis, and of the Sentinels.
PASSWORD, SENTINEL_PASSWORD = "secret", "watching"
NAME = "lessons"
READY_SECONDS = 20.0
_CONFIGURATION = """
port {port}
bind 127.0.0.1
requirepass {own}
sentinel sentinel-pass {own}
sentinel monitor {name} 127.0.0.1 {leader} {quorum}
sentinel auth-pass {name} {password}
sentinel down-after-milliseconds {name} {down}
sentinel failover-timeout {name} 2000
"""


class Sentinels:
    """The servers run inside the block; a Redis counts as down after `down_ms`."""

    def __init__(self, folder: Path, count: int = 1, down_ms: int = 500) -> None:
        self.ports = [free_port() for _ in range(count)]
        self.redis = [RedisServer(folder, "--repl-diskless-sync-delay", "0") for _ in range(2)]
        self._folder = folder
        self._down_ms = down_ms
        self._processes: list[subprocess.Popen[bytes]] = []

    @property
    def url(self) -> str:
        """The URL of the Redis that leads."""
        places = ",".join(f"127.0.0.1:{port}" for port in self.ports)
        return f"redis+sentinel://:{PASSWORD}@{places}/{NAME}?sentinel_password={SENTINEL_PASSWORD}"

    @property
    def leader(self) -> RedisServer:
        """The Redis that leads as the first Sentinel says."""
        port = int(self._ask(f"SENTINEL GET-MASTER-ADDR-BY-NAME {NAME}").split(b"\r\n")[4])
        return next(each for each in self.redis if each.port == port)

    def _ask(self, line: str) -> bytes:
        return ask(self.ports[0], SENTINEL_PASSWORD, line)

    def fail_over(self) -> None:
        """Have the other one lead, as for maintenance; refused until the Sentinel has seen that it is ready."""
        _wait_until(lambda: b"+OK" in self._ask(f"SENTINEL FAILOVER {NAME}"))

    def __enter__(self) -> Self:
        leader, follower = self.redis
        try:
            for each in self.redis:
                each.start()
                each.command(f"CONFIG SET masterauth {PASSWORD}")
                each.command(f"CONFIG SET requirepass {PASSWORD}")
            ask(follower.port, PASSWORD, f"REPLICAOF 127.0.0.1 {leader.port}")
            # Sentinels look for followers at their start, and then every 10 s.
            _wait_until(lambda: b"state=online" in ask(leader.port, PASSWORD, "INFO replication"))
            for port in self.ports:
                self._start_sentinel(port)
            _wait_until(lambda: all(_is_ready(port, len(self.ports)) for port in self.ports))
        except BaseException:
            self.stop()
            raise
        return self

    def _start_sentinel(self, port: int) -> None:
        quorum = len(self.ports) // 2 + 1
        values = {"own": SENTINEL_PASSWORD, "password": PASSWORD, "name": NAME, "down": self._down_ms}
        file = self._folder / f"sentinel-{port}.conf"
        file.write_text(_CONFIGURATION.format(port=port, leader=self.redis[0].port, quorum=quorum, **values))
        command = [program("redis-server"), str(file), "--sentinel"]
        self._processes.append(subprocess.Popen(command, cwd=self._folder, stdout=subprocess.DEVNULL))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Kill all."""
        for process in self._processes:
            process.kill()
            process.wait()
        for each in self.redis:
            each.kill()


def _wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not true():
        assert time.monotonic() < deadline, "the Sentinels are not ready"
        time.sleep(0.05)


def _is_ready(port: int, count: int) -> bool:
    words = ask(port, SENTINEL_PASSWORD, f"SENTINEL MASTER {NAME}").split(b"\r\n")
    values = dict(zip(words[2::4], words[4::4], strict=False))
    return values.get(b"num-slaves") == b"1" and values.get(b"num-other-sentinels") == str(count - 1).encode()


def ask(port: int, password: str, line: str) -> bytes:
    """Send one command after a password, and return the reply; empty if the server is down."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(f"AUTH {password}\r\n".encode())
            assert connection.recv(100).startswith(b"+OK")
            connection.sendall(f"{line}\r\n".encode())
            return connection.recv(65536)
    except OSError:
        return b""
