"""The log's lines about requests: noted when a request is answered, and written together a moment later.

    answered -> note_request, note_upgrade -> after GATHER_SECONDS, or at once with an error: the lines, in order

Written by itself, a line takes some 40 µs of CPU, a tenth of what a client's connect and join take: the code for it is
no longer in the processor's cache. In a loop each takes less than 10. A line has the time of its answer.
"""

import asyncio
import logging
import time
from http import HTTPStatus
from typing import NamedTuple

from tornado.web import RequestHandler

from channels.transports.longpoll import ChannelPoll
from server.process import health, metrics
from server.process.health import Health

log = logging.getLogger(__name__)

# What is asked for every few seconds, by each client or monitor.
FREQUENT = (health.Alive, health.Ready, metrics.MetricsPage, ChannelPoll)

# How late a line may be written, and so what a process that is killed can take with it: too short to notice for
# somebody who watches the log, and some 200 lines while a school comes back.
GATHER_SECONDS = 0.1
# Lines that wait; more are written at once, in 5 ms.
MAX_GATHERED = 500

_FORM = "%d %s %s %s %.0f ms"


class _Line(NamedTuple):
    at: float
    level: int
    values: tuple[int, str | None, str, str | None, float]


class RequestLog:
    """The requests of one worker, which also counts its responses; call `write` at the end."""

    def __init__(self, watched: Health, *, gather_seconds: float = GATHER_SECONDS) -> None:
        self._watched = watched
        self._gather_seconds = gather_seconds
        self._lines: list[_Line] = []
        self._writing: asyncio.TimerHandle | None = None

    def note_request(self, handler: RequestHandler) -> None:
        """Note a request without its query, which may hold a bearer token (Tornado's `log_function`)."""
        request, status = handler.request, handler.get_status()
        level = logging.DEBUG if isinstance(handler, FREQUENT) else self._level(status)
        self._note(level, (status, request.method, request.path, request.remote_ip, 1000 * request.request_time()))

    def note_upgrade(self, status: int, path: str, address: str, seconds: float) -> None:
        """Note a WebSocket that was opened or refused without a handler."""
        self._note(self._level(status), (status, "GET", path, address, 1000 * seconds))

    def _note(self, level: int, values: tuple[int, str | None, str, str | None, float]) -> None:
        self._watched.responses[values[0] // 100] += 1
        if not log.isEnabledFor(level):
            return
        self._lines.append(_Line(time.time(), level, values))
        if level >= logging.ERROR or len(self._lines) >= MAX_GATHERED:
            self.write()
        elif self._writing is None:
            self._writing = asyncio.get_running_loop().call_later(self._gather_seconds, self.write)

    def _level(self, status: int) -> int:
        # The cause of a 503 is logged where it is detected. During a stop, 500 is a request that was still waiting.
        is_ours = status >= HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.SERVICE_UNAVAILABLE
        return logging.ERROR if is_ours and not self._watched.stopping else logging.INFO

    def write(self) -> None:
        """Write the lines that wait."""
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None
        lines, self._lines = self._lines, []
        for at, level, values in lines:
            record = log.makeRecord(log.name, level, __file__, 0, _FORM, values, None)
            record.created, record.msecs = at, int(at % 1 * 1000)
            log.handle(record)
