"""A server whose file descriptors are used up by clients that say nothing."""

import resource
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack

import psutil

from tests.lousa import Lousa

LIMIT = 200
CLIENTS = 2 * LIMIT


def status(lousa: Lousa, path: str) -> int:
    try:
        with urllib.request.urlopen(lousa.url + path, timeout=20) as answer:
            found: int = answer.status
            return found
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_silent_strangers_make_room_for_others(make_lousa: Callable[..., Lousa]) -> None:
    lousa = make_lousa()
    resource.prlimit(lousa.pid, resource.RLIMIT_NOFILE, (LIMIT, LIMIT))
    with ExitStack() as open_:
        for _ in range(CLIENTS):
            open_.enter_context(socket.create_connection(("127.0.0.1", lousa.port)))
        assert status(lousa, "/healthz") == 200
        assert status(lousa, "/accounts/sign-in") == 200
        used, began = psutil.Process(lousa.pid).cpu_times().user, time.monotonic()
        time.sleep(1)
        # It does not spin: a core that is fully used would be 1.
        assert (psutil.Process(lousa.pid).cpu_times().user - used) / (time.monotonic() - began) < 0.5
        assert lousa.log.count("Clients hold all connections") == 1
        assert psutil.Process(lousa.pid).num_fds() < LIMIT
    assert status(lousa, "/readyz") == 200


def test_without_silent_ones_health_is_told_and_others_wait(make_lousa: Callable[..., Lousa]) -> None:
    lousa = make_lousa()
    token = lousa.tokens("ana")["ana"]
    # The server itself has some 40 files open; the rest is less than one pupil may have connections.
    limit = 80
    resource.prlimit(lousa.pid, resource.RLIMIT_NOFILE, (limit, limit))
    with ExitStack() as open_:
        polls = []
        for _ in range(limit):
            polls.append(open_.enter_context(socket.create_connection(("127.0.0.1", lousa.port))))
            path = f"/students/socket/websocket?access_token={token}"
            upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            polls[-1].sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n{upgrade}{key}\r\n".encode())
            polls[-1].settimeout(20)
            try:
                if not polls[-1].recv(100).startswith(b"HTTP/1.1 101 "):
                    break
            except ConnectionResetError:
                break  # refused before its request was read
        assert status(lousa, "/accounts/sign-in") == 503
        assert status(lousa, "/healthz") == 200
    assert lousa.log.count("Clients hold all connections") == 1
