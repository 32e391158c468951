"""What reading costs a database, in units that neither the machine nor its load changes.

On SQLite the instructions of its virtual machine, in tens; on PostgreSQL the rows that the nodes of the plans read.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.ext.asyncio import AsyncEngine

_INSTRUCTIONS = 10


@dataclass
class Cost:
    """What the reads since the beginning of `counted` cost."""

    database: AsyncEngine
    _instructions: int = 0
    _statements: list[tuple[str, Any]] = field(default_factory=list)

    async def take(self) -> int:
        """Return what was read since the last call. On PostgreSQL this executes it again, to see how."""
        statements, self._statements = self._statements, []
        tens, self._instructions = self._instructions, 0
        if self.database.dialect.name == "sqlite":
            return tens
        return sum([await self._rows(*each) for each in statements])

    async def _rows(self, statement: str, parameters: Any) -> int:
        async with self.database.connect() as connection:
            explained = await connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)
            answer = explained.scalar_one()
        (top,) = json.loads(answer) if isinstance(answer, str) else answer
        return _rows_of(top["Plan"])

    def note(self, _connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        """Note a statement of PostgreSQL."""
        if statement.lstrip().startswith("SELECT"):
            self._statements.append((statement, parameters))

    def watch(self, connection: Any, _record: Any) -> None:
        """Count the instructions on a new connection of SQLite."""
        if isinstance(connection, sqlite3.Connection):
            connection.set_progress_handler(self._count, _INSTRUCTIONS)

    def _count(self) -> int:
        self._instructions += 1
        return 0


def _rows_of(plan: Mapping[str, Any]) -> int:
    own = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
    return int(own * plan["Actual Loops"]) + sum(map(_rows_of, plan.get("Plans", ())))


@contextmanager
def counted(database: AsyncEngine) -> Iterator[Cost]:
    """Count what is read from a database; on SQLite on the connections that are opened from now on."""
    cost = Cost(database)
    event.listen(Engine, "connect", cost.watch)
    event.listen(Engine, "before_cursor_execute", cost.note)
    try:
        yield cost
    finally:
        event.remove(Engine, "before_cursor_execute", cost.note)
        event.remove(Engine, "connect", cost.watch)
