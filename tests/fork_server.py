"""The preloaded process behind preloaded.py: it has imported the server, and forks for each request.

It runs until the test process closes its end of the socket. It has no threads, which a fork would not copy.
"""

import gc
import json
import os
import runpy
import select
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import aiosqlite as _driver  # noqa: F401  (for the forks)
from sqlalchemy.orm import configure_mappers
from tornado.routing import PathMatches

from server.cli import main as _imported  # noqa: F401
from server.views import PACKAGES, shell
from server.views.static import bundled
from tests.preloaded import INT_BYTES

# A request holds a command line and an environment: some kilobytes. A socket takes no more than this in one piece.
_MAX_REQUEST_BYTES = 128 * 1024


def _write_int(pipe: int, number: int) -> None:
    with suppress(BrokenPipeError):  # the test process has ended, or does not wait for this
        os.write(pipe, number.to_bytes(INT_BYTES, "big", signed=True))


class ForkServer:
    """Forks a process for each request, and reports its pid and its exit code."""

    def __init__(self, requests: socket.socket) -> None:
        self._requests = requests
        self._pipes: dict[int, int] = {}
        self._woken, self._wakeup = socket.socketpair()
        for each in (self._woken, self._wakeup):
            each.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the test process, which then ends this one
        signal.set_wakeup_fd(self._wakeup.fileno())

    def serve(self) -> None:
        """Serve requests until the test process ends; return in each fork, where `server.py` is to run."""
        while True:
            ready, _, _ = select.select([self._requests, self._woken], [], [])
            if self._woken in ready:
                self._woken.recv(4096)
                self._reap()
            if self._requests in ready:
                message, fds, _, _ = socket.recv_fds(self._requests, _MAX_REQUEST_BYTES, 4)
                if not message:
                    self._end()
                if self._fork(json.loads(message), *fds):
                    return

    def _fork(self, request: dict[str, Any], stdin: int, stdout: int, stderr: int, pipe: int) -> bool:
        streams = (stdin, stdout, stderr)
        pid = os.fork()
        if not pid:
            self._close()
            _become(request, streams)
        for each in streams:
            os.close(each)
        if not pid:
            os.close(pipe)
            return True
        self._pipes[pid] = pipe
        _write_int(pipe, pid)
        return False

    def _close(self) -> None:
        for each in (self._requests, self._woken, self._wakeup):
            each.close()
        for pipe in self._pipes.values():
            os.close(pipe)

    def _reap(self, options: int = os.WNOHANG) -> None:
        while self._pipes:
            pid, status = os.waitpid(-1, options)
            if not pid:
                return
            pipe = self._pipes.pop(pid)
            _write_int(pipe, os.waitstatus_to_exitcode(status))
            os.close(pipe)

    def _end(self) -> None:
        for pid in self._pipes:
            os.kill(pid, signal.SIGKILL)
        self._reap(options=0)
        sys.exit()


def _become(request: dict[str, Any], streams: Sequence[int]) -> None:
    """Take what a Python that has just started has."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if request["new_session"]:
        os.setsid()
    for number, fd in enumerate(streams):
        os.dup2(fd, number)
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = ["server.py", *request["arguments"]]


def _prepare() -> None:
    """Do once what each server among the forks would do at its start: with routes and mappers 20 ms of CPU of 230."""
    bundled().encode_all()
    configure_mappers()
    for package in (*PACKAGES, shell):
        for pattern, *_ in package.handlers:
            PathMatches(pattern)  # `re` keeps what it has compiled


if __name__ == "__main__":
    _prepare()
    # A fork that examines all these objects as it ends makes copies of their memory: 0.5 s of CPU, for each fork.
    gc.collect()
    gc.freeze()
    ForkServer(socket.socket(fileno=int(sys.argv[1]))).serve()
    runpy.run_path("server.py", run_name="__main__")
