"""What systemd is told by a server that it has started."""

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.process.service_manager import notify
from tests.lousa import Lousa


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """Listen as systemd does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(tmp_path / "notify"))
        receiver.settimeout(30)
        yield receiver


def test_states_are_lines_of_one_datagram(manager: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", manager.getsockname())
    notify("READY=1", "STATUS=Open")
    assert manager.recv(100) == b"READY=1\nSTATUS=Open"


def test_socket_may_have_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"lousa-test-{os.getpid()}"
    monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(f"\0{name}")
        notify("READY=1")
        assert receiver.recv(100) == b"READY=1"


def test_manager_that_has_gone_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "none"))
    notify("READY=1")


@pytest.mark.parametrize("workers", ["1", pytest.param("2", marks=pytest.mark.long)])
def test_server_says_that_it_serves_lives_and_stops(workers: str, manager: socket.socket, tmp_path: Path) -> None:
    environment = {"NOTIFY_SOCKET": manager.getsockname()}
    with Lousa(tmp_path / "data", serve_options=["--workers", workers], environment=environment) as lousa:
        told = _until(manager, "READY=1") + _until(manager, "WATCHDOG=1")
        assert f"STATUS=Open at {lousa.url}" in "".join(told)
        os.kill(lousa.pid, signal.SIGTERM)
        _until(manager, "STOPPING=1")
        assert lousa.wait() == 0


def _until(manager: socket.socket, state: str) -> list[str]:
    """Return what is told up to the datagram that has this state."""
    told = [manager.recv(1000).decode()]
    while state not in told[-1]:
        told.append(manager.recv(1000).decode())
    return told
