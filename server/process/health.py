"""The state of this worker, for a load balancer, a monitor, or an administrator with curl.

/healthz answers as long as the process lives. /readyz reports in JSON whether the databases answer and can be written
and the broker is connected, with 503 if this worker cannot serve now. /requestz says how the request arrived, for
`check`, which asks it through the proxy. None reveals anything secret.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from tornado.web import RequestHandler

from channels.broker.broker import Broker
from channels.metric import Kind, Metric, Sample
from channels.pace import until_tick
from server.databases import Databases
from server.databases.errors import DatabaseError, DatabaseReadOnly
from server.tasks import cancel

# How long an answer is reused: each database gets at most one query a second, however often /readyz is read.
FRESH_SECONDS = 1.0
# A database that takes longer counts as away.
ANSWER_SECONDS = 2.0
# Without these, lessons go on: what must be recorded first is refused, and everything else is recorded later.
NOT_NEEDED = ("audit",)

# The state of a part.
OK, AWAY, READ_ONLY = "ok", "away", "read-only"

# How often the files of the databases are looked at: three `stat`.
WATCH_SECONDS = 1.0
# How long the journal's last transaction counts, where it has failed: after that somebody must be let in to try again.
FAILED_SECONDS = 10.0

log = logging.getLogger(__name__)

DATABASE = Metric("lousa_database_up", Kind.GAUGE, "1 where the database can be used, else 0.", ("database",))
RESPONSES = Metric("lousa_http_responses_total", Kind.COUNTER, "Responses, by the class of their status.", ("status",))


class Health:
    """The state of this worker's parts. Set `stopping` when a stop begins; call `close` before the databases close.

    `responses` counts what was answered to requests, by the first digit of the status.
    """

    def __init__(
        self, databases: Databases, broker: Broker, failed_to_write: Callable[[float], bool] = lambda _seconds: False
    ) -> None:
        """Take the parts; `failed_to_write` says whether the journal has failed to write in the last seconds."""
        self.stopping = False
        self._databases = databases
        self._failed_to_write = failed_to_write
        self._wrong: dict[str, str] = {}
        self.responses: Counter[int] = Counter()
        self._broker = broker
        self._questions = {name: _Question(databases, name) for name in databases.names}

    async def report(self) -> dict[str, str]:
        """Return `ok`, `away` or `read-only` for each part, and the status: ready, degraded, down or stopping."""
        answers = await asyncio.gather(*(question.answer() for question in self._questions.values()))
        parts = {name: self._state(name, answer) for name, answer in zip(self._questions, answers, strict=True)}
        parts["broker"] = OK if self._broker.connected else AWAY
        return {"status": self._status(parts), **parts}

    def _state(self, name: str, answer: str) -> str:
        return READ_ONLY if answer == OK and name == "journal" and self._failed_to_write(FAILED_SECONDS) else answer

    async def watch(self) -> None:
        """Look again and again whether the databases' files are in place, and log when that changes, until cancelled.

        Pushes and sign-ins are refused by whoever stores them; this is for a server that nobody uses at the moment.
        """
        while True:
            wrong = self._databases.files.wrong()
            for name in wrong.keys() - self._wrong.keys():
                log.error("The database “%s” takes nothing more: %s", name, wrong[name])
            for name in self._wrong.keys() - wrong.keys():
                log.warning("The file of the database “%s” is in place again", name)
            self._wrong = wrong
            await asyncio.sleep(until_tick(WATCH_SECONDS))

    def _status(self, parts: dict[str, str]) -> str:
        if self.stopping:
            return "stopping"
        # Without the broker messages still arrive, later: they are read from the journal.
        if any(state != OK for name, state in parts.items() if name not in ("broker", *NOT_NEEDED)):
            return "down"
        return "ready" if set(parts.values()) == {OK} else "degraded"

    def read_numbers(self) -> Iterator[Sample]:
        """Return what is known of the databases, without waiting for them, and the counts of responses."""
        for name, question in self._questions.items():
            known = question.known()
            if known is not None:
                yield DATABASE.of(self._state(name, known) == OK, name)
        yield from (RESPONSES.of(count, f"{digit}xx") for digit, count in self.responses.items())

    async def close(self) -> None:
        """Cancel the queries under way."""
        tasks = [question.task for question in self._questions.values() if question.task is not None]
        await cancel(*tasks)


class _Question:
    """Asks one database whether it answers and can be written: once for all readers, and not again while that waits."""

    def __init__(self, databases: Databases, name: str) -> None:
        self.task: asyncio.Task[str] | None = None
        self._databases = databases
        self._name = name
        self._asked_at = 0.0

    async def answer(self) -> str:
        """Return its state; it is away if it does not answer within ANSWER_SECONDS."""
        self._begin()
        assert self.task is not None
        now = time.monotonic()
        # A slow query is not cancelled: a connection with half an answer on it is worse than a late answer.
        await asyncio.wait([self.task], timeout=max(0.0, self._asked_at + ANSWER_SECONDS - now))
        return self._answered()

    def known(self) -> str | None:
        """Return the last answer (None: there is none yet), and ask again for the next time."""
        known = None
        if self.task is not None and (self.task.done() or time.monotonic() >= self._asked_at + ANSWER_SECONDS):
            known = self._answered()
        self._begin()
        return known

    def _begin(self) -> None:
        now = time.monotonic()
        if self.task is None or (self.task.done() and now - self._asked_at >= FRESH_SECONDS):
            self.task, self._asked_at = asyncio.create_task(self._ask()), now

    def _answered(self) -> str:
        has_answered = self.task is not None and self.task.done() and not self.task.cancelled()
        return self.task.result() if self.task is not None and has_answered else AWAY

    async def _ask(self) -> str:
        try:
            await self._databases.check(self._name)
            await self._databases.check_writable(self._name)
        except DatabaseReadOnly:
            return READ_ONLY
        except DatabaseError:
            return AWAY
        return OK


class Alive(RequestHandler):
    """The page /healthz."""

    def get(self) -> None:
        """Answer."""
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        self.finish("ok\n")

    head = get


class Ready(RequestHandler):
    """The page /readyz."""

    def initialize(self, health: Health) -> None:
        """Take the state to report."""
        self._health = health

    async def get(self) -> None:
        """Answer with the report."""
        report = await self._health.report()
        self.set_status(200 if report["status"] in ("ready", "degraded") else 503)
        self.set_header("Cache-Control", "no-store")
        self.finish(report)  # not awaited: a client that has gone is no error of ours

    head = get


class AsReceived(RequestHandler):
    """The page /requestz: what the server takes the request for, of which only its sender can be told."""

    def get(self) -> None:
        """Answer."""
        self.set_header("Cache-Control", "no-store")
        request = self.request
        self.finish({"address": request.remote_ip, "scheme": request.protocol, "host": request.host})


def handlers(health: Health) -> list[tuple[str, type, dict[str, Any]]]:
    """Return the routes."""
    return [(r"/healthz", Alive, {}), (r"/readyz", Ready, {"health": health}), (r"/requestz", AsReceived, {})]
