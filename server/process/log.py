"""The log of a process: lines of text for people, or one JSON object a line for programs that collect logs.

    2026-11-22 12:43:11,207 INFO worker 1: server.request_log: 200 GET /students/ 192.0.2.7 4 ms

    {"time": "2026-11-22T12:43:11.207Z", "level": "info", "worker": "worker 1", "process": 4711,
     "logger": "server.request_log", "message": "200 GET /students/ 192.0.2.7 4 ms", "exception": null}

Both go to the standard error. The fields are the same in every process; `worker` is null where there are no workers.
"""

import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime

LEVELS = ("debug", "info", "warning", "error")
FORMATS = ("text", "json")


@dataclass(frozen=True, slots=True)
class LogStyle:
    """What is logged, and how."""

    level: str = "info"
    format: str = "text"

    def apply(self, worker: str = "") -> None:
        """Log in this style from now on, under the name of a worker if there are several."""
        handler = logging.StreamHandler()
        handler.setFormatter(_Json(worker or None) if self.format == "json" else _text(worker))
        logging.basicConfig(level=self.level.upper(), handlers=[handler], force=True)
        # Warnings of Python's own are log lines, too.
        logging.captureWarnings(True)
        logging.getLogger("alembic").setLevel(logging.WARNING)  # logs its plan at every start
        # SQLAlchemy logs a traceback for each connection to a hanging database; we log once, in words, that it hangs.
        logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)
        # Libraries below us say at this level what only their authors need, for each statement and each wait.
        for name in ("aiosqlite", "asyncio"):
            logging.getLogger(name).setLevel(max(logging.INFO, logging.getLogger().level))


def _text(worker: str) -> logging.Formatter:
    name = f" {worker}:" if worker else ""
    return logging.Formatter(f"%(asctime)s %(levelname)s{name} %(name)s: %(message)s")


class _Json(logging.Formatter):
    def __init__(self, worker: str | None) -> None:
        super().__init__()
        self._worker = worker

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields = {
            "time": at.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "worker": self._worker,
            "process": record.process,
            "logger": record.name,
            "message": record.getMessage(),
            "exception": self._exception(record),
        }
        return json.dumps(fields, ensure_ascii=False)

    def _exception(self, record: logging.LogRecord) -> str | None:
        return self.formatException(record.exc_info) if record.exc_info and record.exc_info[0] else None
